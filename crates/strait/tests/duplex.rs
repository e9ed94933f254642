//! Two-way traffic with other programs.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::{
    io::{self, Read, Write},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use strait::{Duplex, ErrorKind};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn ten_megabytes_go_through_a_child_and_back() {
    let mut child = cat();
    let duplex = Duplex::of_child(&mut child).unwrap();
    let sent: Vec<u8> = (0..10 << 20).map(|i: u32| (i % 251) as u8).collect();
    let (mut reader, mut writer) = duplex.split();
    thread::scope(|scope| {
        let sent = &sent;
        // Dropped at its end, which is that of the child's input.
        scope.spawn(move || writer.write_all(sent).unwrap());
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == *sent);
    });
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_child_that_says_nothing_is_timed_out_and_a_killed_one_is_the_end() {
    let mut child = cat();
    let duplex = Duplex::of_child(&mut child).unwrap();
    let soon = Duration::from_millis(20);
    let error = duplex.until(soon).read_exact(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    duplex.until(PATIENCE).write_all(b"half").unwrap();
    let mut limited = duplex.until(Duration::from_millis(200));
    let error = limited.read_exact(&mut [0; 8]).unwrap_err();
    assert_eq!((error.kind(), limited.count()), (io::ErrorKind::TimedOut, 4));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(duplex.read_timeout(&mut [0], PATIENCE).unwrap(), 0);
    let error = duplex.write_timeout(b"lost", PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

#[test]
fn a_child_without_pipes_is_refused_and_left_as_it_was() {
    let mut command = Command::new("cat");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let error = Duplex::of_child(&mut child).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("Stdio::piped()"), "{error}");
    // Its input is still there, and ends when it is dropped.
    child.stdin.take().unwrap().write_all(b"x").unwrap();
    assert!(child.wait().unwrap().success());
    let mut child = cat();
    let first = Duplex::of_child(&mut child).unwrap();
    assert_eq!(Duplex::of_child(&mut child).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(first);
    assert!(child.wait().unwrap().success());
}

/// What is read from it is what std would read: neither end of the child's is changed.
#[test]
fn a_childs_own_ends_still_block() {
    let mut command = Command::new("sh");
    command.args(["-c", "read line && echo \"got $line\""]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut duplex = Duplex::of_child(&mut child).unwrap();
    assert!(duplex.read_timeout(&mut [0; 16], Duration::from_millis(20)).is_err());
    duplex.write_all(b"it\n").unwrap();
    let mut all = String::new();
    duplex.until(PATIENCE).read_to_string(&mut all).unwrap();
    assert_eq!(all, "got it\n");
    assert!(child.wait().unwrap().success());
}

fn cat() -> Child {
    Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}
