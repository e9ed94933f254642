//! An established connection: bytes and segments at first, and then the doorbell of a ring.
//!
//! The doorbell is the socket itself: a byte is a ring, and end-of-file is the end of the peer. An
//! eventfd would be as fast (see `docs/decisions/0002-the-socket-is-the-doorbell.md`), and a hostile
//! peer could make a write to it block, which it can't do here.
#![expect(unsafe_code, reason = "rustix can't tell a peer that has no number in this namespace")]

use super::{directory::Place, nobody};
use crate::{PosixHandle, PosixSegment, handle::check_connected, poll};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
        SocketType, connect, recv, recvmsg, send, sendmsg, socket_with, socketpair, sockopt,
    },
};
use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
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
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map(|(a, b)| (Self::new(a), Self::new(b)))
            .map_err(|errno| Error::os("make a pair of connections", errno))
    }

    /// Connects to the listener there; waits until the deadline only for room in its queue.
    pub(crate) fn connect(place: &Place<'_>, deadline: Deadline<'_>) -> Result<Self> {
        let connected = || -> rustix::io::Result<OwnedFd> {
            let flags = SocketFlags::CLOEXEC;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            let address = SocketAddrUnix::new(&place.socket)?;
            loop {
                // Zero means for ever there.
                let patience = poll::patience(deadline).map(|left| left.max(MOMENT));
                sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, patience)?;
                match connect(&socket, &address) {
                    Ok(()) => break,
                    Err(Errno::INTR) => {}
                    // Only a look whether it was cancelled.
                    Err(Errno::AGAIN) if !deadline.has_passed() => {}
                    Err(errno) => return Err(errno),
                }
            }
            Ok(socket)
        };
        let connection = match connected() {
            Ok(socket) => Self::new(socket),
            Err(Errno::NOENT | Errno::CONNREFUSED) => return Err(nobody(place)),
            Err(Errno::AGAIN) => {
                return Err(deadline
                    .error(super::CONNECT)
                    .on(place.name)
                    .hint("the listener accepts nobody"));
            }
            Err(errno) => return Err(Error::os(super::CONNECT, errno).on(place.name)),
        };
        if !connection.is_of_this_user() {
            let why = "another user listens there";
            return Err(Error::new(ErrorKind::PermissionDenied, super::CONNECT, why).on(place.name));
        }
        Ok(connection)
    }

    pub(crate) fn is_of_this_user(&self) -> bool {
        let user = rustix::process::geteuid().as_raw();
        self.peer().is_ok_and(|peer| peer.user == user)
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
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match retry(|| sendmsg(&self.socket, &[IoSlice::new(message)], &mut ancillary, flags)) {
            Ok(sent) if sent == message.len() => Ok(()),
            // Small messages aren't split, unless the peer doesn't read at all.
            Ok(_) => Err(Error::os(SEND, Errno::AGAIN)),
            Err(errno) => Err(Error::os(SEND, errno)),
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, Option<PosixSegment>)>> {
        const RECEIVE: &str = "receive from a connection";
        // Room for more than one descriptor, so that a peer that sends several is found out; what
        // there is no room for the kernel closes.
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received =
            retry(|| recvmsg(&self.socket, &mut [IoSliceMut::new(buffer)], &mut ancillary, flags));
        let (bytes, cut) = match received {
            Ok(received) => (received.bytes, received.flags.contains(ReturnFlags::CTRUNC)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::CONNRESET) => (0, false),
            Err(errno) => return Err(Error::os(RECEIVE, errno)),
        };
        let mut descriptors: Vec<OwnedFd> = ancillary
            .drain()
            .filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        match (descriptors.pop(), descriptors.len()) {
            // One came, and this process has no room for it.
            (None, _) if cut => Err(Error::os(RECEIVE, Errno::MFILE)),
            (None, _) => Ok(Some((bytes, None))),
            (Some(one), 0) => Ok(Some((bytes, Some(PosixSegment::received(one)?)))),
            _ => Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, "too many descriptors came")),
        }
    }

    fn peer(&self) -> Result<Credentials> {
        let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let mut len = size_of::<libc::ucred>() as libc::socklen_t;
        // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes
        // to the place, which has as many, and any bytes are a valid `ucred`.
        let code = unsafe {
            let place = (&raw mut found).cast();
            let fd = self.socket.as_raw_fd();
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut len)
        };
        if code == -1 {
            return Err(Error::os("ask who the peer is", io::Error::last_os_error()));
        }
        Ok(Credentials::new(u32::try_from(found.pid).unwrap_or(0), found.uid, found.gid))
    }
}

impl Transfer<PosixHandle> for PosixConnection {
    fn to_handle(&self) -> Result<PosixHandle> {
        PosixHandle::duplicate(&self.socket)
    }

    fn from_handle(handle: PosixHandle) -> Result<Self> {
        let socket = OwnedFd::from(handle);
        check_connected(&socket, SocketType::STREAM)?;
        Ok(Self::new(socket))
    }
}

impl Doorbell for PosixConnection {
    fn ring(&self) -> Result<()> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match retry(|| send(&self.socket, RING, flags)) {
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
const MOMENT: std::time::Duration = std::time::Duration::from_micros(1);

/// Repeats what a signal has interrupted.
fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
