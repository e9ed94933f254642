//! The end that waits for others to connect.

use super::{WindowsSocket, sort_of};
use crate::{link::Link, rendezvous::Bound, user::User};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle},
};
use strait_core::{
    AcceptFrom, Accepted, Credentials, Deadline, Error, Name, Result, SocketListener, Style,
};

/// A pipe of messages that listens. Dropping it frees the name.
#[derive(Debug)]
pub struct WindowsSocketListener {
    bound: Bound,
    style: Style,
    from: AcceptFrom,
    own: u32,
}

impl WindowsSocketListener {
    pub(crate) fn new(name: &Name, style: Style, from: AcceptFrom) -> Result<Self> {
        let open = from != AcceptFrom::SameUser;
        let (bound, ()) = Bound::new(name, sort_of(style), open, |_| Ok(()))?;
        Ok(Self { bound, style, from, own: User::own()?.number() })
    }

    fn accepts(&self, peer: &Credentials) -> bool {
        match &self.from {
            AcceptFrom::SameUser => peer.user == self.own,
            AcceptFrom::Users(users) => users.contains(&peer.user),
            AcceptFrom::Anyone => true,
            // What this backend doesn't know of lets nobody in.
            _ => false,
        }
    }
}

impl SocketListener for WindowsSocketListener {
    type Socket = WindowsSocket;

    fn accept(&self, deadline: Deadline<'_>) -> Result<WindowsSocket> {
        loop {
            let goes_on = match self.try_accept()? {
                Accepted::Peer(socket) => return Ok(socket),
                // Peers that keep coming and are refused don't make this wait for ever.
                Accepted::Refused => !deadline.has_passed(),
                Accepted::Nobody => self.bound.wait(deadline).map_err(failed)?,
            };
            if !goes_on {
                return Err(deadline.error(ACCEPT));
            }
        }
    }

    fn try_accept(&self) -> Result<Accepted<WindowsSocket>> {
        let Some(client) = self.bound.accept().map_err(failed)? else {
            return Ok(Accepted::Nobody);
        };
        // Whom the system doesn't tell of isn't let in.
        if !client.peer.as_ref().is_some_and(|peer| self.accepts(peer)) {
            return Ok(Accepted::Refused);
        }
        let link = Link::accepted(client).map_err(failed)?;
        Ok(Accepted::Peer(WindowsSocket::new(link, self.style)))
    }
}

/// Signalled while there is somebody to accept.
impl AsHandle for WindowsSocketListener {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.bound.as_handle()
    }
}

const ACCEPT: &str = "accept a connection";

fn failed(error: io::Error) -> Error {
    Error::os(ACCEPT, error)
}
