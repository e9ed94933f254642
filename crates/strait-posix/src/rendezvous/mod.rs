//! Local sockets: Unix sockets in a directory of the user's own.
//!
//! A listener is two files there. The advert, `NAME.advert`, is a [`NamedFile`] that its lock shows
//! to be alive, and it has what whoever connects is shown, and the real name. Only who holds that lock
//! touches the socket, `NAME.socket`, so a live listener's is never stolen, and a dead one's is
//! replaced.
//!
//! What listens for other users too (`../socket/`) has its advert there all the same, which is what
//! has the name. Its socket is in another directory, through which others can pass.

mod advert;
mod bound;
pub(crate) mod connecting;
mod connection;
mod directory;
mod listener;

use crate::{Posix, PosixSegment, credentials, poll, sys::shm};
use rustix::{
    event::{PollFd, PollFlags},
    net::SocketType,
};
use std::{os::fd::AsFd, path::PathBuf};
use strait_core::{Deadline, Error, Name, Rendezvous, Result};

pub(crate) use advert::{Advert, Sort};
pub(crate) use bound::Bound;
pub(crate) use directory::{Directory, Place, complaint};

pub use connection::PosixConnection;
pub use listener::PosixListener;

impl Rendezvous for Posix {
    type Segment = PosixSegment;
    type Listener = PosixListener;
    type Connection = PosixConnection;

    fn listen(name: &Name, advert: &[u8]) -> Result<PosixListener> {
        PosixListener::new(name, advert)
    }

    fn connect(name: &Name, deadline: Deadline<'_>) -> Result<(PosixConnection, Vec<u8>)> {
        let directory = Directory::open(CONNECT).map_err(|error| error.on(name))?;
        directory.look_until(deadline, CONNECT, || {
            let place = directory.place(name, CONNECT)?;
            let (connection, advert) = connecting::by_advert(&place, Sort::Rendezvous, || {
                let (kind, user) = (SocketType::STREAM, credentials::own_user());
                connecting::to_socket(name, &place.socket, kind, user, deadline)
            })?;
            Ok((PosixConnection::new(connection), advert.content().to_vec()))
        })
    }

    fn pair() -> Result<(PosixConnection, PosixConnection)> {
        PosixConnection::pair()
    }

    fn wait_any(
        listener: &PosixListener,
        connections: &[PosixConnection],
        deadline: Deadline<'_>,
    ) -> Result<bool> {
        let all = [listener.as_fd()].into_iter().chain(connections.iter().map(AsFd::as_fd));
        let mut fds: Vec<_> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        poll::any(&mut fds, deadline).map_err(|errno| Error::os("wait for a sender", errno))
    }
}

/// The directory of this user's sockets, checked and tried.
pub(crate) fn examine() -> Result<PathBuf> {
    const USE: &str = "use local sockets";
    let directory = Directory::open(USE)?;
    let probe = directory.path().join("probe");
    shm::New::make(directory.path(), &probe).map_err(|errno| {
        let path = directory.path().display();
        Error::os(USE, errno).hint(format!("{path} must be on a file system with unnamed files"))
    })?;
    Ok(directory.path().to_owned())
}

pub(crate) const CONNECT: &str = "connect to";
