//! Local sockets, as these systems make them.

use crate::{poll, sys::raw};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{Errno, Result},
    net::{SocketAddrUnix, SocketType, sockopt},
};
use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};
use strait_core::Deadline;

pub(crate) use raw::{SEND, is_local, may_listen, of_peer};

/// The longest path that a socket can have, in bytes: `sun_path` has one more, for the end.
pub(crate) const PATH_MAX: usize = 103;

/// A socket that listens nowhere yet, and won't block.
pub(crate) fn listener(kind: SocketType) -> Result<OwnedFd> {
    let socket = raw::socket(kind)?;
    fcntl_setfl(&socket, fcntl_getfl(&socket)? | OFlags::NONBLOCK)?;
    Ok(socket)
}

/// Two that are connected with each other.
pub(crate) fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd)> {
    let (a, b) = raw::pair(kind)?;
    adopt(&a)?;
    adopt(&b)?;
    Ok((a, b))
}

/// Takes one that has connected to a listener.
pub(crate) fn accept(listener: impl AsFd) -> Result<OwnedFd> {
    let socket = raw::accept(listener)?;
    // It may have that from the listener.
    let flags = fcntl_getfl(&socket)?;
    if flags.contains(OFlags::NONBLOCK) {
        fcntl_setfl(&socket, flags - OFlags::NONBLOCK)?;
    }
    adopt(&socket)?;
    Ok(socket)
}

/// Makes one that somebody else has made ready for [`SEND`].
pub(crate) fn adopt(socket: impl AsFd) -> Result<()> {
    match sockopt::set_socket_nosigpipe(socket, true) {
        // To macOS, one whose peer has left: what that has sent is still there.
        Err(Errno::INVAL) => Ok(()),
        result => result,
    }
}

/// Connects, which doesn't wait here. A queue that is full refuses as a listener that is gone does: that is
/// `ECONNREFUSED`, after which the caller looks again until its deadline.
pub(crate) fn connect(path: &Path, kind: SocketType, deadline: Deadline<'_>) -> Result<OwnedFd> {
    let socket = raw::socket(kind)?;
    adopt(&socket)?;
    let address = SocketAddrUnix::new(path)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::ISCONN) => Ok(socket),
        // It goes on by itself, and is done when it can be written to.
        Err(Errno::INTR | Errno::INPROGRESS) => match poll::writable(&socket, deadline)? {
            true => sockopt::socket_error(&socket)?.map(|()| socket),
            false => Err(Errno::AGAIN),
        },
        Err(errno) => Err(errno),
    }
}
