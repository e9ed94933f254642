//! Local sockets, as this system makes them.
#![expect(unsafe_code, reason = "rustix can't tell a peer that has no number in this namespace")]

use crate::poll;
use rustix::{
    io::{Errno, Result},
    net::{
        AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with,
        socket_with, socketpair, sockopt,
    },
};
use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
    time::Duration,
};
use strait_core::{Credentials, Deadline};

/// How a send doesn't wait, and raises no signal.
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

/// The longest path that a socket can have, in bytes: `sun_path` has one more, for the end.
pub(crate) const PATH_MAX: usize = 107;

/// A socket that listens nowhere yet, and won't block.
pub(crate) fn listener(kind: SocketType) -> Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, kind, flags, None)
}

/// Two that are connected with each other.
pub(crate) fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
}

/// Takes one that has connected to a listener.
pub(crate) fn accept(listener: impl AsFd) -> Result<OwnedFd> {
    accept_with(listener, SocketFlags::CLOEXEC)
}

/// Makes one that somebody else has made ready for [`SEND`].
pub(crate) fn adopt(_socket: impl AsFd) -> Result<()> {
    Ok(())
}

/// Connects; waits until the deadline only for room in the listener's queue: then it is `EAGAIN`.
pub(crate) fn connect(path: &Path, kind: SocketType, deadline: Deadline<'_>) -> Result<OwnedFd> {
    const MOMENT: Duration = Duration::from_micros(1);
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    let address = SocketAddrUnix::new(path)?;
    loop {
        // Zero means for ever there.
        let patience = poll::patience(deadline).map(|left| left.max(MOMENT));
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, patience)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            // Only a look whether it was cancelled.
            Err(Errno::AGAIN) if !deadline.has_passed() => {}
            Err(errno) => return Err(errno),
        }
    }
    // What is handed out of it waits for ever.
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, None)?;
    Ok(socket)
}

/// Who the peer was when the connection was made.
pub(crate) fn of_peer(socket: impl AsFd) -> io::Result<Credentials> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes
    // to the place, which has as many, and any bytes are a valid `ucred`.
    let code = unsafe {
        let place = (&raw mut found).cast();
        let fd = socket.as_fd().as_raw_fd();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut len)
    };
    match code {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(Credentials::new(u32::try_from(found.pid).unwrap_or(0), found.uid, found.gid)),
    }
}

/// Whether it is a local socket.
pub(crate) fn is_local(socket: impl AsFd) -> bool {
    sockopt::socket_domain(socket) == Ok(AddressFamily::UNIX)
}

/// Whether it waits for others to connect, or the system doesn't tell.
pub(crate) fn may_listen(socket: impl AsFd) -> bool {
    sockopt::socket_acceptconn(socket) != Ok(false)
}
