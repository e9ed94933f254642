//! What has other names, or needs more steps, than on FreeBSD.
//!
//! Descriptors are closed on exec from the moment after they were made, as the kernel has no calls that make
//! such ones: a child that another thread starts just then keeps them until it execs or ends, if it is forked by
//! other means than std's.
#![expect(unsafe_code, reason = "calls what rustix doesn't have")]

use rustix::{
    fs::{Mode, OFlags, fcntl_setfl},
    io::{Errno, FdFlags, Result, fcntl_setfd},
    net::{AddressFamily, SendFlags, SocketType, getsockname},
};
use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};
use strait_core::Credentials;

/// How a send doesn't wait, and raises no signal.
pub(crate) const SEND: SendFlags =
    SendFlags::DONTWAIT.union(SendFlags::from_bits_retain(libc::MSG_NOSIGNAL as _));

pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        fcntl_setfd(end, FdFlags::CLOEXEC)?;
        fcntl_setfl(end, OFlags::NONBLOCK)?;
    }
    Ok((reader, writer))
}

pub(crate) fn socket(kind: SocketType) -> Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, kind, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

pub(crate) fn pair(kind: SocketType) -> Result<(OwnedFd, OwnedFd)> {
    let none = rustix::net::SocketFlags::empty();
    let (a, b) = rustix::net::socketpair(AddressFamily::UNIX, kind, none, None)?;
    fcntl_setfd(&a, FdFlags::CLOEXEC)?;
    fcntl_setfd(&b, FdFlags::CLOEXEC)?;
    Ok((a, b))
}

pub(crate) fn accept(listener: impl AsFd) -> Result<OwnedFd> {
    let socket = rustix::net::accept(listener)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// Makes a pipe with a name.
pub(crate) fn make_fifo(path: &Path, mode: Mode) -> Result<()> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::INVAL)?;
    // SAFETY: the path ends in zero, and lives as long as the call.
    match unsafe { libc::mkfifo(path.as_ptr(), mode.as_raw_mode()) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

/// Who the peer was when the connection was made.
pub(crate) fn of_peer(socket: impl AsFd) -> io::Result<Credentials> {
    // SAFETY: they are integers, for which zeros are valid, and any bytes.
    let (mut found, mut pid): (libc::xucred, libc::pid_t) = unsafe { std::mem::zeroed() };
    let ask = |option, place: *mut libc::c_void, size: usize| {
        let mut len = size as libc::socklen_t;
        let fd = socket.as_fd().as_raw_fd();
        // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes to the
        // place, which has as many.
        match unsafe { libc::getsockopt(fd, libc::SOL_LOCAL, option, place, &raw mut len) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    ask(libc::LOCAL_PEERCRED, (&raw mut found).cast(), size_of::<libc::xucred>())?;
    // It isn't known any more where the peer has ended.
    let _ = ask(libc::LOCAL_PEERPID, (&raw mut pid).cast(), size_of::<libc::pid_t>());
    if found.cr_version != libc::XUCRED_VERSION || found.cr_ngroups < 1 {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok(Credentials::new(u32::try_from(pid).unwrap_or(0), found.cr_uid, found.cr_groups[0]))
}

/// Whether it is a local socket.
pub(crate) fn is_local(socket: impl AsFd) -> bool {
    getsockname(socket).is_ok_and(|address| address.address_family() == AddressFamily::UNIX)
}

/// Whether it waits for others to connect: the system doesn't tell, but such a one has no peer, which is asked
/// for too.
pub(crate) fn may_listen(_socket: impl AsFd) -> bool {
    false
}

/// Where the number of the last error is.
pub(crate) fn errno_place() -> *mut libc::c_int {
    // SAFETY: it only computes.
    unsafe { libc::__error() }
}
