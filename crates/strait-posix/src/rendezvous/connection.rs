//! An established connection: bytes and segments at first, and then the doorbell of a ring.
//!
//! The doorbell is the socket itself: a byte is a ring, and end-of-file is the end of the peer. An
//! eventfd would be as fast (see `docs/decisions/0002-the-socket-is-the-doorbell.md`), and a hostile
//! peer could make a write to it block, which it can't do here.

use crate::{
    PosixHandle, PosixSegment, credentials,
    handle::check_connected,
    poll,
    receive::receive_bytes,
    sys::{net, pass_rights::refuse_descriptors},
};
use rustix::{
    io::Errno,
    net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SocketType, recv, send, sendmsg},
};
use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};
use strait_core::{
    Connection, Credentials, Deadline, Doorbell, Error, ErrorKind, Result, Transfer, Wake,
};

/// One end of a connected Unix socket.
#[derive(Debug)]
pub struct PosixConnection {
    socket: OwnedFd,
}

impl PosixConnection {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    pub(crate) fn pair() -> Result<(Self, Self)> {
        net::pair(SocketType::STREAM)
            .map(|(a, b)| (Self::new(a), Self::new(b)))
            .map_err(|errno| Error::os("make a pair of connections", errno))
    }

    pub(crate) fn is_of_this_user(&self) -> bool {
        self.peer().is_ok_and(|peer| peer.user == credentials::own_user())
    }
}

impl Connection for PosixConnection {
    type Segment = PosixSegment;

    fn send(&self, message: &[u8], segment: Option<&PosixSegment>) -> Result<()> {
        const SEND: &str = "send over a connection";
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptor = match segment.map(PosixSegment::descriptor) {
            Some(None) => {
                let why = "only anonymous shared memory can be sent";
                return Err(Error::new(ErrorKind::InvalidInput, SEND, why));
            }
            Some(Some(descriptor)) => Some([descriptor]),
            None => None,
        };
        if let Some(descriptors) = &descriptor {
            ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let parts = [IoSlice::new(message)];
        match retry(|| sendmsg(&self.socket, &parts, &mut ancillary, net::SEND)) {
            Ok(sent) if sent == message.len() => Ok(()),
            // Small messages aren't split, unless the peer doesn't read at all.
            Ok(_) => Err(Error::os(SEND, Errno::AGAIN)),
            Err(errno) => Err(Error::os(SEND, errno)),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, Option<PosixSegment>)>> {
        const RECEIVE: &str = "receive from a connection";
        let mut descriptors = Vec::new();
        let (bytes, cut) = match receive_bytes(&self.socket, buffer, Some(&mut descriptors)) {
            Ok(came) => (came.bytes, came.cut),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::CONNRESET) => (0, false),
            Err(errno) => return Err(Error::os(RECEIVE, errno)),
        };
        match (descriptors.pop(), descriptors.len()) {
            // One came, and this process has no room for it.
            (None, _) if cut => Err(Error::os(RECEIVE, Errno::MFILE)),
            (None, _) => Ok(Some((bytes, None))),
            (Some(one), 0) => Ok(Some((bytes, Some(PosixSegment::received(one)?)))),
            _ => Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, "too many descriptors came")),
        }
    }

    fn peer(&self) -> Result<Credentials> {
        credentials::of_peer(&self.socket)
    }
}

impl Transfer<PosixHandle> for PosixConnection {
    fn to_handle(&self) -> Result<PosixHandle> {
        PosixHandle::duplicate(&self.socket)
    }

    fn into_handle(self) -> Result<PosixHandle> {
        Ok(self.socket.into())
    }

    fn from_handle(handle: PosixHandle) -> Result<Self> {
        let socket = OwnedFd::from(handle);
        check_connected(&socket, SocketType::STREAM)?;
        // What is handed over is a doorbell by then, which takes none.
        refuse_descriptors(&socket);
        Ok(Self::new(socket))
    }
}

impl Doorbell for PosixConnection {
    fn ring(&self) -> Result<()> {
        match retry(|| send(&self.socket, RING, net::SEND)) {
            // Where there is no room for another ring, there are enough to be heard.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(Errno::PIPE | Errno::CONNRESET) => {
                Err(Error::new(ErrorKind::Disconnected, "wake the peer", "it is gone"))
            }
            Err(errno) => Err(Error::os("wake the peer", errno)),
        }
    }

    fn wait(&self, deadline: Deadline<'_>) -> Result<Wake> {
        // Hears many rings at once, and drops descriptors that a hostile peer sends along.
        let mut rings = [0_u8; 64];
        let failed = |errno| Error::os("wait for the peer", errno);
        loop {
            // One that never gives up sleeps and hears in one system call.
            let flags = match deadline.is_never() {
                true => RecvFlags::empty(),
                false => match poll::readable(&self.socket, deadline).map_err(failed)? {
                    true => RecvFlags::DONTWAIT,
                    false => return Ok(Wake::TimedOut),
                },
            };
            match retry(|| recv(&self.socket, &mut rings[..], flags)) {
                Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(Wake::HungUp),
                Ok(_) => return Ok(Wake::Rung),
                // A byte out of band came, of which a peer can send ever more.
                Err(Errno::AGAIN) if deadline.has_passed() => return Ok(Wake::TimedOut),
                // Another process may have its description, and have made that one not block.
                Err(Errno::AGAIN) => {
                    poll::readable(&self.socket, deadline).map_err(failed)?;
                }
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
}

impl AsFd for PosixConnection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

const RING: &[u8] = b"!";

/// Repeats what a signal has interrupted.
fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
