//! What a peer sends along with a message is shared memory only if nobody can pull it away again.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use rustix::{
    fs::{self, MemfdFlags, SealFlags},
    net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg},
};
use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};
use strait_core::{Connection, ErrorKind, Rendezvous, Segment};
use strait_posix::{Posix, PosixSegment};

#[test]
fn the_size_of_anonymous_memory_can_not_be_changed_by_whoever_has_it() {
    let (here, there) = Posix::pair().unwrap();
    here.send(b"x", Some(&PosixSegment::anonymous(10_000).unwrap())).unwrap();
    let memory = take_descriptor(&there);
    assert!(fs::ftruncate(&memory, 0).is_err());
    assert!(fs::ftruncate(&memory, 1 << 20).is_err());
    assert!(fs::fcntl_add_seals(&memory, SealFlags::WRITE).is_err());
    assert_eq!(fs::fstat(&memory).unwrap().st_size, 10_000);
}

#[test]
fn memory_that_could_still_be_truncated_is_refused() {
    let unsealed = memory_file();
    let half_sealed = memory_file();
    fs::fcntl_add_seals(&half_sealed, SealFlags::GROW).unwrap();
    for file in [unsealed, half_sealed] {
        assert_eq!(refusal(&[file.as_fd()]), ErrorKind::PeerCorrupt);
    }
}

#[test]
fn what_is_no_memory_is_refused() {
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    let file = fs::open("/dev/null", fs::OFlags::RDWR, fs::Mode::empty()).unwrap();
    for descriptor in [reader, file] {
        assert_eq!(refusal(&[descriptor.as_fd()]), ErrorKind::PeerCorrupt);
    }
}

#[test]
fn memory_of_no_length_is_refused() {
    let empty = fs::memfd_create("empty", MemfdFlags::ALLOW_SEALING).unwrap();
    seal(&empty);
    assert_eq!(refusal(&[empty.as_fd()]), ErrorKind::PeerCorrupt);
}

#[test]
fn more_descriptors_than_one_are_refused_and_closed() {
    let before = open_descriptors();
    for how_many in [2, 3, 100, 253] {
        let file = memory_file();
        seal(&file);
        assert_eq!(refusal(&vec![file.as_fd(); how_many]), ErrorKind::PeerCorrupt, "{how_many}");
    }
    // Tests run beside each other: a bomb of descriptors would show as hundreds.
    assert!(open_descriptors() < before + 50);
}

/// The kind of the error that a message with these descriptors gets its receiver.
fn refusal(descriptors: &[BorrowedFd<'_>]) -> ErrorKind {
    let (here, there) = Posix::pair().unwrap();
    let mut space = vec![MaybeUninit::uninit(); 2048];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    sendmsg(&here, &[IoSlice::new(b"x")], &mut ancillary, SendFlags::empty()).unwrap();
    there.receive(&mut [0; 8]).unwrap_err().kind()
}

/// The descriptor that has come over a connection, as any process can take it.
fn take_descriptor(connection: impl AsFd) -> OwnedFd {
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, recvmsg};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut into = [std::io::IoSliceMut::new(&mut byte)];
    recvmsg(connection, &mut into, &mut ancillary, RecvFlags::empty()).unwrap();
    let found = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn descriptors_that_come_with_a_ring_are_closed() {
    use strait_core::{Deadline, Doorbell, Wake};
    let (here, there) = Posix::pair().unwrap();
    let before = open_descriptors();
    for _ in 0..200 {
        here.send(b"!", Some(&PosixSegment::anonymous(64).unwrap())).unwrap();
        assert_eq!(there.wait(Deadline::NEVER).unwrap(), Wake::Rung);
    }
    assert!(open_descriptors() < before + 50);
    assert!(recv(&there, &mut [0; 8], RecvFlags::DONTWAIT).is_err());
}

fn memory_file() -> OwnedFd {
    let file = fs::memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
    fs::ftruncate(&file, 4096).unwrap();
    file
}

fn seal(file: &OwnedFd) {
    fs::fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).unwrap();
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
