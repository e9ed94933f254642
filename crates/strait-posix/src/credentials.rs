//! Who is at the other end of a local socket.

use crate::sys::net;
use std::os::fd::AsFd;
use strait_core::{Credentials, Error, Result};

/// Who the peer was when the connection was made.
pub(crate) fn of_peer(socket: impl AsFd) -> Result<Credentials> {
    net::of_peer(socket).map_err(|error| Error::os("ask who the peer is", error))
}

/// The number of this process' user.
pub(crate) fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}
