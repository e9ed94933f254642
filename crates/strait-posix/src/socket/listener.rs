//! The end that waits for others to connect.

use super::PosixSocket;
use crate::{
    credentials, poll,
    rendezvous::{Bound, Sort},
    sys::lane::kind_of,
};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use strait_core::{
    AcceptFrom, Accepted, Deadline, Error, ErrorKind, Name, Result, SocketListener, Style,
};

/// A listening Unix socket. Dropping it frees the name.
#[derive(Debug)]
pub struct PosixSocketListener {
    bound: Bound,
    style: Style,
    from: AcceptFrom,
}

impl PosixSocketListener {
    pub(crate) fn new(name: &Name, style: Style, from: AcceptFrom) -> Result<Self> {
        let advert = Sort::of_socket(style);
        let bound = match from {
            AcceptFrom::SameUser => Bound::new(name, &advert, kind_of(style))?,
            _ => Bound::open_to_others(name, &advert, kind_of(style))?,
        };
        Ok(Self { bound, style, from })
    }

    fn accepts(&self, user: u32) -> bool {
        match &self.from {
            AcceptFrom::SameUser => user == credentials::own_user(),
            AcceptFrom::Users(users) => users.contains(&user),
            AcceptFrom::Anyone => true,
            // What this backend doesn't know of lets nobody in.
            _ => false,
        }
    }
}

impl SocketListener for PosixSocketListener {
    type Socket = PosixSocket;

    fn accept(&self, deadline: Deadline<'_>) -> Result<PosixSocket> {
        loop {
            let goes_on = match self.try_accept()? {
                Accepted::Peer(socket) => return Ok(socket),
                // Peers that keep coming and are refused don't make this wait for ever.
                Accepted::Refused => !deadline.has_passed(),
                Accepted::Nobody => poll::readable(&self.bound, deadline).map_err(failed)?,
            };
            if !goes_on {
                return Err(deadline.error(ACCEPT));
            }
        }
    }

    fn try_accept(&self) -> Result<Accepted<PosixSocket>> {
        let Some(socket) = self.bound.accept().map_err(failed)? else {
            return Ok(Accepted::Nobody);
        };
        // Whom the system doesn't tell of isn't let in.
        if !credentials::of_peer(&socket).is_ok_and(|peer| self.accepts(peer.user)) {
            return Ok(Accepted::Refused);
        }
        Ok(Accepted::Peer(PosixSocket::new(socket, self.style)?))
    }
}

impl AsFd for PosixSocketListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bound.as_fd()
    }
}

const ACCEPT: &str = "accept a connection";

fn failed(errno: Errno) -> Error {
    let no_room = |why| {
        Error::new(ErrorKind::LimitReached, ACCEPT, why).with_source(errno).hint(
            "close connections or raise the limit (ulimit -n); who has connected waits meanwhile",
        )
    };
    match errno {
        Errno::MFILE => no_room("this process has no descriptors left"),
        Errno::NFILE => no_room("the system has no descriptors left"),
        errno => Error::os(ACCEPT, errno),
    }
}
