//! What peers of sockets can do that have the descriptors, and not these types.
#![allow(unsafe_code, clippy::unwrap_used)]

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    net::{
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, send, sendmsg,
        sockopt::set_socket_passcred,
    },
};
use std::{
    io::{self, IoSlice, Read, Write},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    os::unix::net::UnixStream,
    sync::mpsc,
    thread,
    time::Duration,
};
use strait::{
    ByteReceiver, ByteSender, CancelToken, Endpoint, ErrorKind, LocalDatagram, LocalListener,
    LocalStream, byte_channel, pipe,
};

#[test]
fn bytes_out_of_band_put_off_neither_a_deadline_nor_a_cancellation() {
    in_time(|| {
        let (here, there) = LocalStream::pair().unwrap();
        let token = CancelToken::new().unwrap();
        // Most often it waits already when such a byte comes.
        let nap = || assert!(token.wait_timeout(SOON).is_err());
        thread::scope(|scope| {
            let timed = scope.spawn(|| there.recv_handles_timeout(&mut [0; 8], 3 * SOON));
            nap();
            send_out_of_band(here.as_fd());
            assert_eq!(timed.join().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
            let ended = scope.spawn(|| there.recv_handles_deadline(&mut [0; 8], &token));
            nap();
            send_out_of_band(here.as_fd());
            nap();
            token.cancel();
            assert_eq!(ended.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        });
        // What is meant comes all the same.
        here.send_handles(b"fine", Vec::new()).unwrap();
        assert_eq!(there.recv_handles_timeout(&mut [0; 8], PATIENCE).unwrap().0, 4);
    });
}

#[test]
fn who_peeks_elsewhere_hides_no_message() {
    in_time(|| {
        let (here, there) = LocalDatagram::pair().unwrap();
        here.send(b"there all the same").unwrap();
        peek_at(there.as_fd(), 1000);
        let mut buffer = [0; 32];
        assert_eq!(there.recv_timeout(&mut buffer, PATIENCE).unwrap(), 18);
        // Nor one of which the socket comes from elsewhere.
        here.send(b"there all the same").unwrap();
        peek_at(there.as_fd(), 10);
        let there = LocalDatagram::try_from(OwnedFd::try_from(there).unwrap()).unwrap();
        assert_eq!(there.recv_vec_timeout(PATIENCE).unwrap(), b"there all the same");
    });
}

#[test]
fn a_message_whose_sender_is_not_told_is_not_the_end() {
    let (here, there) = LocalDatagram::pair().unwrap();
    set_socket_passcred(&there, false).unwrap();
    here.send(b"a message").unwrap();
    assert_eq!(there.recv_timeout(&mut [0; 32], PATIENCE).unwrap(), 9);
}

#[test]
fn who_has_always_something_to_read_is_ended_by_the_deadline() {
    in_time(|| {
        let (here, there) = LocalStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        let floods = [
            thread::spawn(move || while (&here).write_all(&[7; 65536]).is_ok() {}),
            thread::spawn(move || while (&writer).write_all(&[7; 65536]).is_ok() {}),
        ];
        assert_eq!(ends(there.until(SOON), |end| end.read_exact(&mut [0])), TIMED_OUT);
        assert_eq!(ends(reader.until(SOON), |end| end.read_exact(&mut [0])), TIMED_OUT);
        assert_eq!(there.until(Duration::ZERO).read(&mut [0]).unwrap(), 1);
        let error = there.read_exact_timeout(&mut vec![0; MUCH], MOMENT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop((there, reader));
        for flood in floods {
            flood.join().unwrap();
        }
    });
}

#[test]
fn who_has_always_room_to_write_is_ended_by_the_deadline() {
    in_time(|| {
        let (here, there) = LocalStream::pair().unwrap();
        let (reader, writer) = pipe().unwrap();
        let drains = [
            thread::spawn(move || io::copy(&mut &there, &mut io::sink()).unwrap()),
            thread::spawn(move || io::copy(&mut &reader, &mut io::sink()).unwrap()),
        ];
        assert_eq!(ends(here.until(SOON), |end| end.write_all(&[1])), TIMED_OUT);
        assert_eq!(ends(writer.until(SOON), |end| end.write_all(&[1])), TIMED_OUT);
        let error = here.write_all_timeout(&vec![0; MUCH], MOMENT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop((here, writer));
        for drain in drains {
            drain.join().unwrap();
        }
    });
}

#[test]
fn handles_that_come_bit_by_bit_are_not_kept() {
    let message = b"shp1\0\0\0\0\x04\0\0\0\x01\0\0\0four";
    // Among the bytes before the frame is known, and after it.
    for with_first in [0, 1] {
        for second in [1, 15, 16, 19] {
            let (here, there) = LocalStream::pair().unwrap();
            let (mut reader, writer) = pipe().unwrap();
            let writers = [writer.as_fd(); 250];
            send_with(here.as_fd(), &message[..1], &writers[..with_first]);
            send_with(here.as_fd(), &message[1..second], &[]);
            let partial = there.recv_handles_timeout(&mut [0; 8], MOMENT).unwrap_err();
            assert_eq!(partial.kind(), ErrorKind::TimedOut);
            send_with(here.as_fd(), &message[second..=second], &writers);
            let error = there.recv_handles_timeout(&mut [0; 8], MOMENT).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PeerCorrupt, "{with_first} {second}");
            drop(writer);
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        }
    }
}

#[test]
fn who_makes_a_listener_block_puts_off_no_deadline() {
    in_time(|| {
        let name = format!("test/blocks-{}", std::process::id());
        let listener = LocalListener::bind(&name).unwrap();
        let block = || {
            let flags = fcntl_getfl(&listener).unwrap();
            fcntl_setfl(&listener, flags - OFlags::NONBLOCK).unwrap();
        };
        block();
        let error = listener.accept_timeout(SOON).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let _there = LocalStream::connect(&name).unwrap();
        listener.accept_timeout(PATIENCE).unwrap();
        assert!(fcntl_getfl(&listener).unwrap().contains(OFlags::NONBLOCK));
    });
}

#[test]
fn a_stream_with_part_of_a_message_is_not_made_something_else() {
    let (here, there) = LocalStream::pair().unwrap();
    let (reader, _writer) = pipe().unwrap();
    send_with(here.as_fd(), b"shp1\0\0\0\0\x04\0\0\0\x01\0\0\0fo", &[reader.as_fd()]);
    assert!(there.recv_handles_timeout(&mut [0; 8], MOMENT).is_err());
    let clone = || there.try_clone().unwrap();
    let errors = [
        OwnedFd::try_from(clone()).err(),
        UnixStream::try_from(clone()).err(),
        clone().into_backend().err(),
    ];
    for error in errors {
        assert_eq!(error.unwrap().kind(), ErrorKind::InvalidInput);
    }
    send_with(here.as_fd(), b"ur", &[]);
    assert_eq!(there.recv_handles_timeout(&mut [0; 8], PATIENCE).unwrap().1.len(), 1);
    assert!(OwnedFd::try_from(there).is_ok());
}

#[test]
fn a_doorbell_that_was_handed_over_takes_no_handles() {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (sender, receiver) = byte_channel().unwrap();
    let mut receiver = ByteReceiver::from_parcel(receiver.into_parcel().unwrap()).unwrap();
    let parcel = sender.into_parcel().unwrap();
    let bell = parcel.handles[1].as_fd().try_clone_to_owned().unwrap();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [bell.as_fd()];
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)));
    let sent = sendmsg(&bell, &[IoSlice::new(b"!")], &mut ancillary, SendFlags::NOSIGNAL);
    assert!(sent == Err(Errno::PERM) || version < (6, 16), "{release}: {sent:?}");
    // It rings as ever.
    let mut sender = ByteSender::from_parcel(parcel).unwrap();
    sender.send(b"heard").unwrap();
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE).unwrap(), b"heard");
}

/// Does it over and over, and says by which error it ended.
fn ends<T>(mut end: T, mut step: impl FnMut(&mut T) -> io::Result<()>) -> io::ErrorKind {
    loop {
        if let Err(error) = step(&mut end) {
            return error.kind();
        }
    }
}

fn send_out_of_band(socket: BorrowedFd<'_>) {
    assert_eq!(send(socket, b"!", SendFlags::OOB | SendFlags::NOSIGNAL).unwrap(), 1);
}

fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    if bytes.is_empty() {
        return;
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(ancillary.push(SendAncillaryMessage::ScmRights(descriptors)));
    }
    let sent = sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL);
    assert_eq!(sent.unwrap(), bytes.len());
}

fn peek_at(socket: BorrowedFd<'_>, offset: i32) {
    let (socket, offset) = (socket.as_raw_fd(), &raw const offset);
    // SAFETY: the descriptor is open, and the option an integer.
    let code =
        unsafe { libc::setsockopt(socket, libc::SOL_SOCKET, libc::SO_PEEK_OFF, offset.cast(), 4) };
    assert_eq!(code, 0);
}

/// Fails where it takes for ever.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        test();
        done.send(())
    });
    assert_eq!(ended.recv_timeout(PATIENCE), Ok(()));
}

const TIMED_OUT: io::ErrorKind = io::ErrorKind::TimedOut;

/// More than is read or written in a moment.
const MUCH: usize = 256 << 20;

const MOMENT: Duration = Duration::from_millis(1);

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
