//! Meeting under a name, over pipes of messages.
//!
//! A name is claimed as all names are (`name_claim.rs`), and what listens for it is a pipe whose name is the random
//! number of the claim: so nobody has it before, and connections that outlive a listener are in nobody's way.

mod advert;
mod bound;
pub(crate) mod connecting;
mod connection;
mod listener;
mod rings;

use crate::{Windows, WindowsSegment, message_pipe::Use, name_claim::Sort, overlapped};
use advert::Advert;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use strait_core::{Deadline, Error, Name, Rendezvous, Result};

pub(crate) use bound::Bound;
pub use connection::WindowsConnection;
pub use listener::WindowsListener;

impl Rendezvous for Windows {
    type Segment = WindowsSegment;
    type Listener = WindowsListener;
    type Connection = WindowsConnection;

    fn listen(name: &Name, advert: &[u8]) -> Result<WindowsListener> {
        WindowsListener::new(name, advert)
    }

    fn connect(name: &Name, deadline: Deadline<'_>) -> Result<(WindowsConnection, Vec<u8>)> {
        let read = |id| Advert::read(id, connecting::CONNECT).map_err(|error| error.on(name));
        let (link, advert) = connecting::connect(name, Sort::Rendezvous, None, deadline, read)?;
        let failed = |error| Error::os(connecting::CONNECT, error).on(name);
        Ok((WindowsConnection::new(link).map_err(failed)?, advert))
    }

    fn pair() -> Result<(WindowsConnection, WindowsConnection)> {
        let (a, b) = crate::link::Link::pair(Use::Rendezvous)?;
        let failed = |error| Error::os("make a pair of connections", error);
        let end = |link| WindowsConnection::new(link).map_err(failed);
        Ok((end(a)?, end(b)?))
    }

    fn wait_any(
        listener: &WindowsListener,
        connections: &[WindowsConnection],
        deadline: Deadline<'_>,
    ) -> Result<bool> {
        if connections.iter().any(WindowsConnection::has_something) {
            return Ok(true);
        }
        let pipes: Vec<BorrowedHandle<'_>> = connections.iter().map(AsHandle::as_handle).collect();
        overlapped::readable(&pipes, &[listener.as_handle()], deadline)
            .map_err(|error| Error::os("wait for a sender", error))
    }
}
