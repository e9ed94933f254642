//! Local sockets: Unix sockets in a directory of the user's own.
//!
//! A listener is two files there. The advert, `NAME.advert`, is a [`NamedFile`] that its lock shows
//! to be alive, and it has what whoever connects is shown, and the real name. Only who holds that lock
//! touches the socket, `NAME.socket`, so a live listener's is never stolen, and a dead one's is
//! replaced.

mod advert;
mod connection;
mod directory;
mod listener;

use crate::{Posix, PosixSegment, named_pipe, poll, sys::shm};
use rustix::event::{PollFd, PollFlags};
use std::{os::fd::AsFd, path::PathBuf};
use strait_core::{Deadline, Error, ErrorKind, Name, Rendezvous, Result};

pub(crate) use advert::Advert;
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
        directory.look_until(deadline, CONNECT, || try_connect(&directory, name, deadline))
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
    shm::unnamed_file(directory.path()).map_err(|errno| {
        let path = directory.path().display();
        Error::os(USE, errno).hint(format!("{path} must be on a file system with unnamed files"))
    })?;
    Ok(directory.path().to_owned())
}

const CONNECT: &str = "connect to";

/// Connects if there is a listener: its advert is there and held, and its socket listens.
fn try_connect(
    directory: &Directory,
    name: &Name,
    deadline: Deadline<'_>,
) -> Result<(PosixConnection, Vec<u8>)> {
    let place = directory.place(name, CONNECT)?;
    loop {
        let advert = Advert::read(&place, CONNECT).map_err(|error| match error.kind() {
            ErrorKind::NotFound => nobody(&place),
            _ => error,
        })?;
        if named_pipe::is_pipe(advert.content()) {
            let why = "a named pipe has that name";
            return Err(Error::new(ErrorKind::TypeMismatch, CONNECT, why).on(name));
        }
        let connection = PosixConnection::connect(&place, deadline)?;
        // Of a listener that came in between, the advert would be another.
        if advert.is_at(&place.advert) {
            return Ok((connection, advert.content().to_vec()));
        }
    }
}

/// The error of a name under which nobody listens.
fn nobody(place: &Place<'_>) -> Error {
    Error::new(ErrorKind::NotFound, CONNECT, "nobody listens there")
        .on(place.name)
        .hint("start the receiver, or give it time with a time-out")
}
