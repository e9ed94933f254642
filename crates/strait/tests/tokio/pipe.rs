//! Pipes, one way and two.

use crate::support::{
    Peer, ended, given, have_many_descriptors, in_both_runtimes, restlessness, start,
};
use std::{
    io::{ErrorKind as IoErrorKind, Read, Write},
    process::{Command, Stdio},
};
use strait::{
    ErrorKind, Signal, signal,
    tokio::{Duplex, LocalStream, PipeReader, PipeWriter, pipe},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than the pipes to and from a child, so that both ends have to wait.
fn long_text() -> Vec<u8> {
    (0..300_000_u32).flat_map(|number| number.to_ne_bytes()).collect()
}

#[test]
fn what_is_written_to_a_child_comes_back() {
    in_both_runtimes(async || {
        let (mut peer, mut writer, mut reader) = Peer::echo();
        let text = long_text();
        let sent = text.clone();
        let writing = tokio::spawn(async move {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert!(all == text);
        writing.await.unwrap();
        assert!(peer.wait().success());
    });
}

#[test]
fn a_child_answers_over_a_duplex() {
    in_both_runtimes(async || {
        let mut child =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let end = Duplex::try_from(strait::Duplex::of_child(&mut child).unwrap()).unwrap();
        let text = long_text();
        let (mut reader, mut writer) = end.into_split();
        let sent = text.clone();
        let writing = tokio::spawn(async move { writer.write_all(&sent).await.unwrap() });
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert!(all == text);
        writing.await.unwrap();
        assert!(child.wait().unwrap().success());
    });
}

#[test]
fn a_duplex_that_is_shut_down_still_receives() {
    in_both_runtimes(async || {
        let (mut here, mut there) = Duplex::pair().unwrap();
        let other = tokio::spawn(async move {
            let mut question = Vec::new();
            there.read_to_end(&mut question).await.unwrap();
            there.write_all(&question).await.unwrap();
            there.into_sync().unwrap();
        });
        here.write_all(b"question").await.unwrap();
        here.shutdown().await.unwrap();
        let mut answer = Vec::new();
        here.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"question");
        other.await.unwrap();
        assert_eq!(here.into_sync().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[test]
fn a_read_that_is_dropped_loses_nothing() {
    in_both_runtimes(async || {
        let (_peer, mut writer, mut reader) = Peer::echo();
        let text = long_text();
        let (mut all, mut buffer) = (Vec::new(), [0; 1000]);
        assert!(ended(reader.read(&mut buffer)).is_none());
        let sent = text.clone();
        let writing = tokio::spawn(async move { writer.write_all(&sent).await.unwrap() });
        while all.len() < text.len() {
            if let Some(read) = ended(reader.read(&mut buffer)) {
                all.extend_from_slice(&buffer[..read.unwrap()]);
            }
            tokio::task::yield_now().await;
        }
        assert!(all == text);
        writing.await.unwrap();
    });
}

#[test]
fn a_write_that_is_dropped_has_written_nothing() {
    in_both_runtimes(async || {
        let (reader, mut writer) = pipe().unwrap();
        let (mut reader, mut reading) = (Some(reader), None);
        let text = long_text();
        let mut left = &text[..];
        while !left.is_empty() {
            match ended(writer.write(left)) {
                Some(written) => left = &left[written.unwrap()..],
                // Nobody reads before one was dropped because the pipe was full.
                None if left.len() < text.len() => {
                    if let Some(reader) = reader.take() {
                        reading = Some(tokio::spawn(read_to_end(reader)));
                    }
                }
                None => {}
            }
            tokio::task::yield_now().await;
        }
        drop(writer);
        assert!(reading.unwrap().await.unwrap() == text);
    });
}

async fn read_to_end(mut reader: PipeReader) -> Vec<u8> {
    let mut all = Vec::new();
    reader.read_to_end(&mut all).await.unwrap();
    all
}

#[test]
fn who_waits_to_read_learns_that_the_writer_was_killed() {
    in_both_runtimes(async || {
        let (mut peer, _writer, mut reader) = Peer::echo();
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, b"");
        });
        tokio::task::yield_now().await;
        peer.kill();
        reading.await.unwrap();
    });
}

#[test]
fn what_a_killed_writer_had_written_is_read() {
    in_both_runtimes(async || {
        let (mut peer, mut writer, mut reader) = Peer::echo();
        writer.write_all(b"last words").await.unwrap();
        let mut first = [0];
        reader.read_exact(&mut first).await.unwrap();
        peer.kill();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "ast words");
    });
}

#[test]
fn who_waits_to_write_learns_that_the_reader_was_killed() {
    in_both_runtimes(async || {
        let (input, writer) = strait::pipe().unwrap();
        let mut command = Command::new("sleep");
        let mut peer = Peer::start(command.arg("60").stdin(Stdio::try_from(input).unwrap()));
        drop(command);
        let mut writer = PipeWriter::try_from(writer).unwrap();
        let writing =
            tokio::spawn(async move { writer.write_all(&long_text()).await.unwrap_err() });
        tokio::task::yield_now().await;
        peer.kill();
        assert_eq!(writing.await.unwrap().kind(), IoErrorKind::BrokenPipe);
    });
}

/// Writes where nobody reads, while the signal for that would end the process, as in programs not of Rust.
#[test]
fn actor_that_writes_to_nobody() {
    if given().is_none() {
        return;
    }
    signal::reset(Signal::Pipe).unwrap();
    in_both_runtimes(async || {
        let (reader, mut writer) = pipe().unwrap();
        drop(reader);
        let error = writer.write(b"lost").await.unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::BrokenPipe);
        let (here, mut there) = LocalStream::pair().unwrap();
        drop(here);
        let error = there.write(b"lost").await.unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::BrokenPipe);
    });
}

#[test]
fn no_signal_comes_where_nobody_reads() {
    assert!(start("pipe::actor_that_writes_to_nobody", "").wait().success());
}

#[test]
fn what_was_shut_down_writes_no_more() {
    in_both_runtimes(async || {
        let (mut reader, mut writer) = pipe().unwrap();
        writer.shutdown().await.unwrap();
        writer.shutdown().await.unwrap();
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
        let error = writer.write(b"late").await.unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::BrokenPipe);
        assert_eq!(writer.into_sync().unwrap_err().kind(), ErrorKind::Disconnected);
    });
}

#[test]
fn an_end_is_turned_back_and_forth() {
    in_both_runtimes(async || {
        let (mut reader, mut writer) = pipe().unwrap();
        for _ in 0..100 {
            writer.write_all(b"as").await.unwrap();
            let mut blocking = reader.into_sync();
            let mut two = [0; 2];
            blocking.read_exact(&mut two).unwrap();
            assert_eq!(&two, b"as");
            reader = PipeReader::try_from(blocking).unwrap();

            let mut blocking = writer.into_sync().unwrap();
            blocking.write_all(b"bl").unwrap();
            reader.read_exact(&mut two).await.unwrap();
            assert_eq!(&two, b"bl");
            writer = PipeWriter::try_from(blocking).unwrap();
        }
    });
}

#[test]
fn who_finds_that_another_has_read_waits_on() {
    in_both_runtimes(async || {
        let (reader, mut writer) = strait::pipe().unwrap();
        let mut other = reader.try_clone().unwrap();
        let mut reader = PipeReader::try_from(reader).unwrap();
        for _ in 0..100 {
            writer.write_all(b"a").unwrap();
            other.read_exact(&mut [0]).unwrap();
            assert!(restlessness(reader.read(&mut [0])).await <= 3);
            writer.write_all(b"b").unwrap();
            let mut byte = [0];
            reader.read_exact(&mut byte).await.unwrap();
            assert_eq!(&byte, b"b");
        }
    });
}

#[test]
fn a_thousand_pipes_at_once() {
    have_many_descriptors();
    in_both_runtimes(async || {
        let pairs: Vec<_> = (0..1000).map(|_| pipe().unwrap()).collect();
        let (mut readers, mut writers) = (Vec::new(), Vec::new());
        for (number, (mut reader, writer)) in (0_u32..).zip(pairs) {
            readers.push(tokio::spawn(async move {
                let mut bytes = [0; 4];
                reader.read_exact(&mut bytes).await.unwrap();
                assert_eq!(u32::from_ne_bytes(bytes), number);
                assert_eq!(reader.read(&mut bytes).await.unwrap(), 0);
            }));
            writers.push((number, writer));
        }
        tokio::task::yield_now().await;
        for (number, mut writer) in writers {
            writer.write_all(&number.to_ne_bytes()).await.unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
    });
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    assert_eq!(pipe().unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(Duplex::pair().unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn when_the_runtime_is_gone_an_end_can_be_turned_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let (mut reader, writer) = runtime.block_on(async { pipe().unwrap() });
    drop(runtime);
    assert!(ended(reader.read(&mut [0])).is_some_and(|read| read.is_err()));
    writer.into_sync().unwrap().write_all(b"still there").unwrap();
    let mut text = String::new();
    reader.into_sync().read_to_string(&mut text).unwrap();
    assert_eq!(text, "still there");
}
