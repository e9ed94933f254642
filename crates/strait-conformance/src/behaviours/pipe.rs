//! Pipes.

use super::kind_of;
use crate::{Backend, Failure, Verdict, behaviours};
use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{PipeReader, PipeWriter, pipe},
};

behaviours! {
    pipe;
    bytes_come_in_order_until_the_last_writer_is_gone needs [Pipes],
    an_end_that_was_cloned_is_open_until_both_are_dropped needs [Pipes],
    writing_without_a_reader_is_an_error needs [Pipes],
    reading_and_writing_end_at_the_deadline needs [Pipes],
    who_waits_goes_on_when_the_other_end_is_used_or_dropped needs [Pipes],
    what_is_written_in_one_piece_is_not_mixed needs [Pipes],
    what_does_not_fit_is_written_in_part needs [Pipes],
}

fn bytes_come_in_order_until_the_last_writer_is_gone<B: Backend>() -> Verdict {
    let (reader, mut writer) = pipe::<B>()?;
    let sent: Vec<u8> = (0..3_000_001_u32).map(|i| (i % 251) as u8).collect();
    let received = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut all = Vec::new();
            (&reader).read_to_end(&mut all).map(|_| all)
        });
        writer.write_all(&sent)?;
        drop(writer);
        receiver.join().map_err(|_| std::io::Error::other("the receiver panicked"))?
    })?;
    assert!(received == sent);
    // The end stays the end.
    assert_eq!((&reader).read(&mut [0])?, 0);
    Ok(())
}

fn an_end_that_was_cloned_is_open_until_both_are_dropped<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let (other_reader, other_writer) = (reader.try_clone()?, writer.try_clone()?);
    drop((reader, writer));
    (&other_writer).write_all(b"both")?;
    drop(other_writer);
    let mut all = String::new();
    (&other_reader).read_to_string(&mut all)?;
    assert_eq!(all, "both");
    Ok(())
}

fn writing_without_a_reader_is_an_error<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    (&writer).write_all(b"never read")?;
    drop(reader);
    assert_eq!(kind_of(writer.write_timeout(b"lost", SOON)), ErrorKind::Disconnected);
    let error = (&writer).write(b"lost").err().ok_or("it was written")?;
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    Ok(())
}

fn reading_and_writing_end_at_the_deadline<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    for timeout in [Duration::ZERO, Duration::from_micros(10), SOON] {
        let begin = Instant::now();
        assert_eq!(kind_of(reader.read_timeout(&mut [0], timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
    }
    let filled = fill(&writer)?;
    let begin = Instant::now();
    assert_eq!(kind_of(writer.write_timeout(&[1], SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    // What was written before is there, and nothing else.
    drop(writer);
    let mut all = Vec::new();
    (&reader).read_to_end(&mut all)?;
    assert!(all.len() == filled && all.iter().all(|&byte| byte == 0));
    Ok(())
}

fn who_waits_goes_on_when_the_other_end_is_used_or_dropped<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    thread::scope(|scope| -> Result<(), Failure> {
        let waiter = scope.spawn(|| {
            let mut byte = [0];
            let first = reader.read_timeout(&mut byte, PATIENCE)?;
            let second = reader.read_timeout(&mut byte, PATIENCE)?;
            Ok::<_, strait::Error>((first, second))
        });
        (&writer).write_all(&[1])?;
        drop(writer);
        assert_eq!(waiter.join().map_err(|_| "the waiter panicked")??, (1, 0));
        Ok(())
    })?;
    let (reader, writer) = pipe::<B>()?;
    fill(&writer)?;
    thread::scope(|scope| -> Result<(), Failure> {
        let waiter = scope.spawn(|| writer.write_timeout(&[1], PATIENCE).map_err(|e| e.kind()));
        drop(reader);
        let result = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!(result, Err(ErrorKind::Disconnected));
        Ok(())
    })
}

fn what_is_written_in_one_piece_is_not_mixed<B: Backend>() -> Verdict {
    const WRITERS: u8 = 4;
    const TIMES: usize = 2000;
    let piece = PipeWriter::<B>::ATOMIC;
    let (reader, writer) = pipe::<B>()?;
    let mut counts = [0; WRITERS as usize];
    thread::scope(|scope| -> Result<(), Failure> {
        for number in 0..WRITERS {
            let writer = writer.try_clone()?;
            scope.spawn(move || {
                let bytes = vec![number; piece];
                for _ in 0..TIMES {
                    assert_eq!(writer.write_timeout(&bytes, PATIENCE).ok(), Some(piece));
                }
            });
        }
        drop(writer);
        let mut bytes = vec![0; piece];
        while read_whole(&reader, &mut bytes)? {
            assert!(bytes.iter().all(|&byte| byte == bytes[0]), "pieces are mixed");
            counts[usize::from(bytes[0])] += 1;
        }
        Ok(())
    })?;
    assert_eq!(counts, [TIMES; WRITERS as usize]);
    Ok(())
}

fn what_does_not_fit_is_written_in_part<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let much = vec![7; 64 << 20];
    let written = writer.write_timeout(&much, SOON)?;
    assert!(0 < written && written < much.len(), "{written}");
    drop(writer);
    let mut all = Vec::new();
    assert_eq!((&reader).read_to_end(&mut all)?, written);
    Ok(())
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes zeros until there is no room; returns how many.
fn fill<B: Backend>(writer: &PipeWriter<B>) -> Result<usize, Failure> {
    let mut filled = 0;
    loop {
        match writer.write_timeout(&[0; 512], Duration::ZERO) {
            Ok(written) => filled += written,
            Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(filled),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads until the buffer is full; `false` at the end.
fn read_whole<B: Backend>(reader: &PipeReader<B>, buffer: &mut [u8]) -> Result<bool, Failure> {
    let mut at = 0;
    while at < buffer.len() {
        match reader.read_timeout(&mut buffer[at..], PATIENCE)? {
            0 if at == 0 => return Ok(false),
            0 => return Err("the end came within a piece".into()),
            read => at += read,
        }
    }
    Ok(true)
}
