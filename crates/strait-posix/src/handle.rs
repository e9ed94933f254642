//! Handles: descriptors.

use crate::{Posix, sys::net};
use rustix::{
    fs::{FileType, fstat},
    io::{self, FdFlags},
    net::{SocketType, getpeername, sockopt},
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use strait_core::{Error, ErrorKind, Handles, Result, Transfer};

impl Handles for Posix {
    type Handle = PosixHandle;
}

/// A descriptor of anything, which is closed on exec.
#[derive(Debug)]
pub struct PosixHandle(OwnedFd);

impl PosixHandle {
    /// Another descriptor of the same open file.
    pub(crate) fn duplicate(file: impl AsFd) -> Result<Self> {
        io::fcntl_dupfd_cloexec(file, 0).map(Self).map_err(|errno| Error::os(HAND_OVER, errno))
    }
}

impl Transfer<Self> for PosixHandle {
    fn to_handle(&self) -> Result<Self> {
        Self::duplicate(&self.0)
    }

    fn into_handle(self) -> Result<Self> {
        Ok(self)
    }

    fn from_handle(handle: Self) -> Result<Self> {
        Ok(handle)
    }
}

impl AsFd for PosixHandle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for PosixHandle {
    fn from(file: OwnedFd) -> Self {
        // It can't fail for a descriptor that is open.
        let _ = io::fcntl_setfd(&file, FdFlags::CLOEXEC);
        Self(file)
    }
}

impl From<PosixHandle> for OwnedFd {
    fn from(handle: PosixHandle) -> Self {
        handle.0
    }
}

pub(crate) const HAND_OVER: &str = "hand over a handle";

/// Refuses what isn't a connected local socket of this type.
pub(crate) fn check_connected(file: &OwnedFd, expected: SocketType) -> Result<()> {
    const TAKE: &str = "take a connection";
    let refused = |why: &str| Err(Error::new(ErrorKind::TypeMismatch, TAKE, why));
    let stat = fstat(file).map_err(|errno| Error::os(TAKE, errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket || !net::is_local(file) {
        return refused("it is no local socket");
    }
    if sockopt::socket_type(file) != Ok(expected) {
        return refused("it is a local socket of another type");
    }
    if net::may_listen(file) || getpeername(file).is_err() {
        return refused("it isn't connected");
    }
    net::adopt(file).map_err(|errno| Error::os(TAKE, errno))
}
