//! Pipes to and from other programs.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    process::{Command, Stdio},
    time::Duration,
};
use strait::{ErrorKind, PipeReader, PipeWriter, pipe};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_child_reads_and_writes_pipes_as_it_does_any_other() {
    let (child_reads, mut writer) = pipe().unwrap();
    let (mut reader, child_writes) = pipe().unwrap();
    let mut child = Command::new("tr")
        .args(["a-z", "A-Z"])
        .stdin(Stdio::try_from(child_reads).unwrap())
        .stdout(Stdio::try_from(child_writes).unwrap())
        .spawn()
        .unwrap();
    // Longer than both pipes, so that the child has to wait, which it does only if its ends block.
    let text = "one way and back ".repeat(100_000);
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(text.as_bytes()).unwrap());
        let mut all = String::new();
        reader.read_to_string(&mut all).unwrap();
        assert_eq!(all, "ONE WAY AND BACK ".repeat(100_000));
    });
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_killed_reader_is_an_error_and_a_killed_writer_the_end() {
    let (child_reads, writer) = pipe().unwrap();
    let (reader, child_writes) = pipe().unwrap();
    let mut child = Command::new("cat")
        .stdin(Stdio::try_from(child_reads).unwrap())
        .stdout(Stdio::try_from(child_writes).unwrap())
        .spawn()
        .unwrap();
    let mut byte = [0];
    assert_eq!(writer.write_timeout(b"a", PATIENCE).unwrap(), 1);
    assert_eq!(reader.read_timeout(&mut byte, PATIENCE).unwrap(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(reader.read_timeout(&mut byte, PATIENCE).unwrap(), 0);
    let error = writer.write_timeout(b"a", PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

/// As `program < fifo` is started.
#[test]
fn the_end_comes_to_who_takes_a_reader_when_the_last_writer_has_left() {
    let name = format!("test/taken-{}", std::process::id());
    let owner = strait::NamedPipe::create(name).unwrap();
    let given = OwnedFd::try_from(owner.reader().unwrap()).unwrap();
    owner.writer_timeout(PATIENCE).unwrap().write_all(b"all").unwrap();
    let reader = PipeReader::try_from(given).unwrap();
    let mut all = String::new();
    reader.until(PATIENCE).read_to_string(&mut all).unwrap();
    assert_eq!(all, "all");
}

/// One that had the other end of its own input would wait for itself for ever.
#[test]
fn a_child_inherits_no_end_that_it_was_not_given() {
    let (child_reads, writer) = pipe().unwrap();
    let clone = writer.try_clone().unwrap();
    let (unused, _also_unused) = pipe().unwrap();
    let mut child = Command::new("cat")
        .stdin(Stdio::try_from(child_reads).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    drop((writer, clone, unused));
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_is_no_pipe_or_the_other_end_is_refused() {
    let (reader, writer) = pipe().unwrap();
    let kind = |result: strait::Result<PipeReader>| result.unwrap_err().kind();
    let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    assert_eq!(kind(PipeReader::try_from(file)), ErrorKind::TypeMismatch);
    let other = writer.as_fd().try_clone_to_owned().unwrap();
    assert_eq!(kind(PipeReader::try_from(other)), ErrorKind::TypeMismatch);

    // The right ones work, and those they were made of go on blocking or not as before.
    let mut reader = PipeReader::try_from(OwnedFd::try_from(reader).unwrap()).unwrap();
    let writer = PipeWriter::try_from(OwnedFd::try_from(writer).unwrap()).unwrap();
    assert_eq!(kind_of_read(&reader), ErrorKind::TimedOut);
    writer.write_timeout(b"right", PATIENCE).unwrap();
    drop(writer);
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert_eq!(all, "right");
}

fn kind_of_read(reader: &PipeReader) -> ErrorKind {
    reader.read_timeout(&mut [0], Duration::ZERO).unwrap_err().kind()
}
