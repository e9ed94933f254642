//! What has other names, or needs fewer steps, than on macOS.
#![expect(unsafe_code, reason = "calls what rustix doesn't have")]

use rustix::{
    fs::{CWD, Mode},
    io::Result,
    net::{
        AddressFamily, SendFlags, SocketFlags, SocketType, accept_with, socket_with, socketpair,
        sockopt,
    },
    pipe::{PipeFlags, pipe_with},
};
use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};
use strait_core::Credentials;

/// How a send doesn't wait, and raises no signal.
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);

pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}

pub(crate) fn socket(kind: SocketType) -> Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
}

pub(crate) fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)
}

pub(crate) fn accept(listener: impl AsFd) -> Result<OwnedFd> {
    accept_with(listener, SocketFlags::CLOEXEC)
}

/// Makes a pipe with a name.
pub(crate) fn make_fifo(path: &Path, mode: Mode) -> Result<()> {
    rustix::fs::mkfifoat(CWD, path, mode)
}

/// Who the peer was when the connection was made.
pub(crate) fn of_peer(socket: impl AsFd) -> io::Result<Credentials> {
    /// The level of the options of local sockets, of sys/un.h.
    const SOL_LOCAL: libc::c_int = 0;
    // SAFETY: it is integers and a pointer, for which zeros are valid, and any bytes.
    let mut found: libc::xucred = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::xucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes to the place,
    // which has as many.
    let code = unsafe {
        let (fd, place) = (socket.as_fd().as_raw_fd(), (&raw mut found).cast());
        libc::getsockopt(fd, SOL_LOCAL, libc::LOCAL_PEERCRED, place, &raw mut len)
    };
    if code == -1 {
        return Err(io::Error::last_os_error());
    }
    if found.cr_version != libc::XUCRED_VERSION || found.cr_ngroups < 1 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // SAFETY: the kernel writes the number there since FreeBSD 13, and zeros before.
    let pid = unsafe { found.cr_pid__c_anonymous_union.cr_pid };
    Ok(Credentials::new(u32::try_from(pid).unwrap_or(0), found.cr_uid, found.cr_groups[0]))
}

/// Whether it is a local socket.
pub(crate) fn is_local(socket: impl AsFd) -> bool {
    sockopt::socket_domain(socket) == Ok(AddressFamily::UNIX)
}

/// Whether it waits for others to connect, or the system doesn't tell.
pub(crate) fn may_listen(socket: impl AsFd) -> bool {
    sockopt::socket_acceptconn(socket) != Ok(false)
}

/// Where the number of the last error is.
pub(crate) fn errno_place() -> *mut libc::c_int {
    // SAFETY: it only computes.
    unsafe { libc::__error() }
}
