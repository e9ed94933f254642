#![cfg(unix)]
//! A descriptor numbered 0 is a descriptor. Alone in its process, which gives up its standard input.
#![allow(unsafe_code)]

use rustix::{fd::AsFd, process::geteuid};
use std::os::fd::AsRawFd;
use strait_core::{Connection, Deadline, Doorbell, Listener, Name, Rendezvous, Segment, Wake};
use strait_posix::{Posix, PosixSegment};

#[test]
fn memory_and_sockets_work_on_descriptor_0() {
    // SAFETY: nothing in this process uses its standard input.
    unsafe { rustix::io::close(0) };
    let segment = PosixSegment::anonymous(4096).unwrap();
    assert!(zero_is_open(), "0 isn't in use");

    let (here, there) = Posix::pair().unwrap();
    here.send(b"0", Some(&segment)).unwrap();
    drop(segment);
    assert!(!zero_is_open(), "0 was leaked");

    let received = there.receive(&mut [0; 8]).unwrap();
    assert!(matches!(received, Some((1, Some(_)))));
    assert!(zero_is_open(), "0 isn't in use");
    drop(received);

    let name = Name::new(&format!("zero-{}-{}", geteuid().as_raw(), std::process::id())).unwrap();
    let listener = Posix::listen(&name, b"").unwrap();
    let (connection, _) = Posix::connect(&name, Deadline::now()).unwrap();
    let accepted = listener.accept().unwrap().unwrap();
    let numbers = [connection.as_fd(), accepted.as_fd(), listener.as_fd()].map(|fd| fd.as_raw_fd());
    connection.ring().unwrap();
    assert_eq!(accepted.wait(Deadline::NEVER).unwrap(), Wake::Rung);
    drop((connection, accepted, listener));
    assert!(!zero_is_open(), "0 was leaked: {numbers:?}");
}

fn zero_is_open() -> bool {
    // SAFETY: it isn't -1. If it isn't open the call that is made with it says so.
    let zero = unsafe { rustix::fd::BorrowedFd::borrow_raw(0) };
    rustix::io::fcntl_getfd(zero).is_ok()
}
