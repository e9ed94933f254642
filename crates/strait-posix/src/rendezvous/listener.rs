//! The end of a rendezvous that waits for others to connect.

use super::{bound::Bound, connection::PosixConnection};
use std::os::fd::{AsFd, BorrowedFd};
use strait_core::{Error, Listener, Name, Result};

/// A listening Unix socket. Dropping it frees the name.
#[derive(Debug)]
pub struct PosixListener(Bound);

impl PosixListener {
    pub(crate) fn new(name: &Name, advert: &[u8]) -> Result<Self> {
        Bound::new(name, advert, rustix::net::SocketType::STREAM).map(Self)
    }
}

impl Listener for PosixListener {
    type Connection = PosixConnection;

    fn accept(&self) -> Result<Option<PosixConnection>> {
        let failed = |errno| Error::os("accept a connection", errno);
        while let Some(socket) = self.0.accept().map_err(failed)? {
            let connection = PosixConnection::new(socket);
            // The directory lets nobody else in, but for the superuser.
            if connection.is_of_this_user() {
                return Ok(Some(connection));
            }
        }
        Ok(None)
    }
}

impl AsFd for PosixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
