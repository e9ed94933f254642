//! Pipes, as this process and its children have their ends.

use super::*;
use std::{
    fs::File,
    io::{Read, Write},
    process::{Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(60);
const COPIES: &str = "STRAIT_TEST_COPIES";

fn read_to_end(reader: &WindowsPipeReader) -> Vec<u8> {
    let (mut all, mut chunk) = (Vec::new(), [0; 100]);
    loop {
        match reader.read(&mut chunk, Deadline::after(PATIENCE)).unwrap() {
            0 => return all,
            read => all.extend_from_slice(&chunk[..read]),
        }
    }
}

#[test]
fn what_is_no_end_to_read_from_is_refused() {
    let path = format!(r"\\.\pipe\strait.test.{:032x}", random::number());
    let security = Security::of(Access::Private).unwrap();
    let server = pipe_end::only_reader(&path, &security).unwrap();
    let synchronous = File::options().write(true).open(&path).unwrap();
    let event = crate::object::event().unwrap();
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let (_reader, writer) = Windows::pipe().unwrap();
    let writer = OwnedHandle::try_from(writer).unwrap();
    for other in [event, file.into(), writer] {
        let error = WindowsPipeReader::try_from(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TypeMismatch, "{error}");
    }
    for other in [server, synchronous.into()] {
        let error = WindowsPipeWriter::try_from(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TypeMismatch, "{error}");
    }
}

#[test]
fn an_end_that_is_handed_over_works() {
    let (reader, writer) = Windows::pipe().unwrap();
    let reader = WindowsPipeReader::from_handle(reader.into_handle().unwrap()).unwrap();
    let writer = WindowsPipeWriter::from_handle(writer.into_handle().unwrap()).unwrap();
    assert_eq!(reader.try_read(&mut [0]).unwrap(), None);
    assert_eq!(writer.try_write(b"over").unwrap(), Some(4));
    drop(writer);
    assert_eq!(read_to_end(&reader), b"over");
}

#[test]
fn what_a_thread_has_left_is_delivered_when_that_has_ended() {
    let (reader, writer) = Windows::pipe().unwrap();
    let fill = || {
        let mut filled = 0;
        while let Some(written) = writer.try_write(&[7; 1000]).unwrap() {
            filled += written;
        }
        filled
    };
    let filled = std::thread::scope(|scope| scope.spawn(fill).join().unwrap());
    drop(writer);
    assert_eq!(read_to_end(&reader).len(), filled);
}

#[test]
fn a_child_has_ends_as_its_input_and_output() {
    if std::env::var_os(COPIES).is_some() {
        let mut all = Vec::new();
        std::io::stdin().read_to_end(&mut all).unwrap();
        return std::io::stdout().write_all(&all).unwrap();
    }
    let (input, to_write) = Windows::pipe().unwrap();
    let (to_read, output) = Windows::pipe().unwrap();
    let stdio = |end: Result<OwnedHandle>| Stdio::from(end.unwrap());
    let name = "pipe::tests::a_child_has_ends_as_its_input_and_output";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(COPIES, "1");
    command.stdin(stdio(input.try_into())).stdout(stdio(output.try_into()));
    let mut child = command.spawn().unwrap();
    drop(command);
    assert_eq!(to_write.write(b"through a child", Deadline::after(PATIENCE)).unwrap(), 15);
    drop(to_write);
    let all = read_to_end(&to_read);
    assert!(String::from_utf8_lossy(&all).contains("through a child"));
    assert!(child.wait().unwrap().success());
    // And one that isn't written in Rust.
    let (to_read, output) = Windows::pipe().unwrap();
    let mut command = Command::new("cmd");
    command.args(["/c", "echo", "said"]).stdout(stdio(output.try_into()));
    let mut child = command.spawn().unwrap();
    drop(command);
    assert_eq!(String::from_utf8_lossy(&read_to_end(&to_read)).trim(), "said");
    assert!(child.wait().unwrap().success());
}
