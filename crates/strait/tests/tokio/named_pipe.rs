//! Pipes with a name, which one may have open that the others have closed and open again.

use crate::support::{in_both_runtimes, restlessness};
use std::io::Read;
use strait::{
    NamedPipe,
    tokio::{PipeReader, PipeWriter},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn a_reader_waits_for_the_first_writer() {
    in_both_runtimes(async || {
        let pipe = create("first");
        let mut reader = PipeReader::try_from(pipe.reader().unwrap()).unwrap();
        assert!(restlessness(reader.read(&mut [0])).await <= 3);
        let mut writer = PipeWriter::try_from(pipe.writer().unwrap()).unwrap();
        assert!(restlessness(reader.read(&mut [0])).await <= 3);
        writer.write_all(b"first").await.unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "first");
    });
}

#[test]
fn a_reader_rests_where_another_writer_came_before_it_saw_the_end() {
    in_both_runtimes(async || {
        let pipe = create("next-writer");
        let mut reader = PipeReader::try_from(pipe.reader().unwrap()).unwrap();
        for _ in 0..10 {
            let mut writer = PipeWriter::try_from(pipe.writer().unwrap()).unwrap();
            writer.write_all(b"a").await.unwrap();
            drop(writer);
            // The event loop has seen the end, and this hasn't.
            assert_eq!(reader.read(&mut [0]).await.unwrap(), 1);
            let mut writer = PipeWriter::try_from(pipe.writer().unwrap()).unwrap();
            assert!(restlessness(reader.read(&mut [0])).await <= 3);
            writer.write_all(b"b").await.unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).await.unwrap();
            assert_eq!(&byte, b"b");
        }
    });
}

#[test]
fn a_writer_rests_where_another_reader_came_before_it_saw_the_end() {
    in_both_runtimes(async || {
        let pipe = create("next-reader");
        let reader = pipe.reader().unwrap();
        let mut writer = PipeWriter::try_from(pipe.writer().unwrap()).unwrap();
        writer.write_all(b"a").await.unwrap();
        drop(reader);
        tokio::task::yield_now().await;
        let mut reader = pipe.reader().unwrap();
        let more = vec![b'b'; 1 << 20];
        assert!(restlessness(writer.write_all(&more)).await <= 3);
        let reading = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all.len()
        });
        writer.write_all(b"c").await.unwrap();
        drop(writer);
        assert!(reading.await.unwrap() > 2);
    });
}

fn create(name: &str) -> NamedPipe {
    NamedPipe::create(format!("tokio/{name}-{}", std::process::id())).unwrap()
}
