//! What a peer sends along with a message is shared memory only if nobody can pull it away again.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use rustix::{
    fs::{self, FallocateFlags, MemfdFlags, SealFlags},
    net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg},
    param::page_size,
};
use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::FileExt,
    },
    sync::Mutex,
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
fn memory_that_is_only_spoken_of_is_refused_and_takes_no_space() {
    for len in [4096, 64 << 20, 1 << 40] {
        let sparse = fs::memfd_create("sparse", MemfdFlags::ALLOW_SEALING).unwrap();
        fs::ftruncate(&sparse, len).unwrap();
        seal(&sparse);
        // A process of 32 bits can't map the longest, whatever is in it.
        let fits = isize::try_from(len).is_ok();
        let expected = if fits { ErrorKind::PeerCorrupt } else { ErrorKind::OutOfMemory };
        assert_eq!(refusal(&[sparse.as_fd()]), expected, "{len}");
        assert_eq!(fs::fstat(&sparse).unwrap().st_blocks, 0, "{len}");
    }
    // With one hole within it.
    let holed = reserved(3 * page_size());
    let (hole, page) = (FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, page_size() as u64);
    fs::fallocate(&holed, hole, page, page).unwrap();
    seal(&holed);
    assert_eq!(refusal(&[holed.as_fd()]), ErrorKind::PeerCorrupt);
}

#[test]
fn memory_that_can_not_be_written_is_refused() {
    for more in [SealFlags::WRITE, SealFlags::FUTURE_WRITE] {
        let file = reserved(page_size());
        fs::fcntl_add_seals(&file, more).unwrap();
        seal(&file);
        assert_eq!(refusal(&[file.as_fd()]), ErrorKind::PeerCorrupt, "{more:?}");
    }
    let file = reserved(page_size());
    seal(&file);
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let read_only = fs::open(path, fs::OFlags::RDONLY, fs::Mode::empty()).unwrap();
    assert_eq!(refusal(&[read_only.as_fd()]), ErrorKind::PeerCorrupt);
}

#[test]
fn large_memory_of_a_peer_is_not_touched_before_it_is_looked_at() {
    let (here, there) = Posix::pair().unwrap();
    for (len, is_touched) in [(1 << 20, true), (64 << 20, false)] {
        here.send(b"x", Some(&PosixSegment::anonymous(len).unwrap())).unwrap();
        let (_, received) = there.receive(&mut [0; 8]).unwrap().unwrap();
        let received = received.unwrap();
        assert_eq!(is_present(received.start().addr().get() + len / 2), is_touched, "{len}");
        // It is there all the same.
        assert_eq!(received.len(), len);
    }
}

/// Whether the page of an address has been touched since it was mapped.
fn is_present(address: usize) -> bool {
    let mut entry = [0; 8];
    let pagemap = std::fs::File::open("/proc/self/pagemap").unwrap();
    pagemap.read_exact_at(&mut entry, (address / page_size() * 8) as u64).unwrap();
    u64::from_ne_bytes(entry) >> 63 == 1
}

#[test]
fn more_descriptors_than_one_are_refused_and_closed() {
    let _alone = COUNTING.lock();
    let before = open_descriptors();
    for how_many in [2, 3, 100, 253] {
        let file = memory_file();
        seal(&file);
        assert_eq!(refusal(&vec![file.as_fd(); how_many]), ErrorKind::PeerCorrupt, "{how_many}");
    }
    // Other tests run beside this one: a bomb of descriptors would show as hundreds.
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
    let _alone = COUNTING.lock();
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

/// A memory file for which the space was taken, as strait does.
fn reserved(len: usize) -> OwnedFd {
    let file = fs::memfd_create("test", MemfdFlags::ALLOW_SEALING).unwrap();
    fs::fallocate(&file, FallocateFlags::empty(), 0, len as u64).unwrap();
    file
}

fn seal(file: &OwnedFd) {
    fs::fcntl_add_seals(file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).unwrap();
}

/// Held by those who count what this process has open, and have hundreds of it for a moment.
static COUNTING: Mutex<()> = Mutex::new(());

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
