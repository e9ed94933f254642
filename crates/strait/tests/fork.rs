//! A forked child that drops what its parent has, or just exits, takes nothing away from it.
#![cfg(unix)]
#![allow(unsafe_code, clippy::unwrap_used)]

use strait::{ByteReceiver, ByteSender, ErrorKind, SharedMemory};

#[test]
fn what_a_forked_child_drops_its_parent_keeps() {
    let name = format!("fork-{}", std::process::id());
    let mut receiver = ByteReceiver::bind(&name).unwrap();
    let mut sender = ByteSender::connect(&name).unwrap();
    let memory = SharedMemory::create(&name, 64).unwrap();
    sender.send(b"before").unwrap();
    assert_eq!(&*receiver.recv_ref().unwrap(), b"before");

    // SAFETY: the child only drops what is its copy, which takes no lock that another thread may
    // have held, and exits without running anything else of this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop((receiver, sender, memory));
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) };
    }
    let mut status = -1;
    // SAFETY: the place is valid, and the child is this process' own.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);

    sender.send(b"after").unwrap();
    assert_eq!(&*receiver.recv_ref().unwrap(), b"after");
    SharedMemory::open(&name).unwrap();
    ByteSender::connect(&name).unwrap();
    assert_eq!(ByteReceiver::bind(&name).unwrap_err().kind(), ErrorKind::AddrInUse);
    sender.finish().unwrap();
}
