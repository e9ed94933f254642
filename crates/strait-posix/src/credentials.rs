//! Who is at the other end of a local socket.
#![expect(unsafe_code, reason = "rustix can't tell a peer that has no number in this namespace")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};
use strait_core::{Credentials, Error, Result};

/// Who the peer was when the connection was made.
pub(crate) fn of_peer(socket: impl AsFd) -> Result<Credentials> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open while it is borrowed; the kernel writes at most `len` bytes
    // to the place, which has as many, and any bytes are a valid `ucred`.
    let code = unsafe {
        let place = (&raw mut found).cast();
        let fd = socket.as_fd().as_raw_fd();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, place, &raw mut len)
    };
    if code == -1 {
        return Err(Error::os("ask who the peer is", io::Error::last_os_error()));
    }
    Ok(Credentials::new(u32::try_from(found.pid).unwrap_or(0), found.uid, found.gid))
}

/// The number of this process' user.
pub(crate) fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
