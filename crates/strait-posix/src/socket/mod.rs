//! Local sockets for programs: under the names of the rendezvous, with its adverts.
//!
//! Descriptors that several have don't change how one waits: every call says of itself that it doesn't
//! block, and waiting is done apart.

mod end;
mod listener;

use crate::{
    Posix, credentials, poll,
    rendezvous::{CONNECT, Directory, Sort, connecting},
    sys::lane::kind_of,
};
use std::{os::fd::OwnedFd, time::Duration};
use strait_core::{AcceptFrom, Deadline, Error, ErrorKind, Name, Result, Sockets, Style};

pub use end::PosixSocket;
pub use listener::PosixSocketListener;

impl Sockets for Posix {
    type SocketListener = PosixSocketListener;
    type Socket = PosixSocket;

    fn listen_for(name: &Name, style: Style, from: AcceptFrom) -> Result<PosixSocketListener> {
        PosixSocketListener::new(name, style, from)
    }

    fn connect_to(
        name: &Name,
        style: Style,
        owner: Option<u32>,
        deadline: Deadline<'_>,
    ) -> Result<PosixSocket> {
        let user = credentials::own_user();
        let socket = match owner.filter(|&owner| owner != user) {
            Some(other) => connect_to_other(name, style, other, deadline)?,
            None => {
                let directory = Directory::open(CONNECT).map_err(|error| error.on(name))?;
                directory.look_until(deadline, CONNECT, || {
                    let place = directory.place(name, CONNECT)?;
                    let connected = connecting::by_advert(&place, Sort::Socket(style), || {
                        let kind = kind_of(style);
                        connecting::to_socket(name, &place.socket, kind, user, deadline)
                    });
                    Ok(connected?.0)
                })?
            }
        };
        PosixSocket::new(socket, style)
    }

    fn socket_pair(style: Style) -> Result<(PosixSocket, PosixSocket)> {
        PosixSocket::pair(style)
    }
}

/// Connects to a listener of another user's, of which nothing can be seen but whether it accepts.
fn connect_to_other(
    name: &Name,
    style: Style,
    owner: u32,
    deadline: Deadline<'_>,
) -> Result<OwnedFd> {
    const NAP: Duration = Duration::from_millis(5);
    let attempt = || {
        let directory = Directory::open_of(owner, CONNECT).map_err(|error| error.on(name))?;
        let directory = directory.ok_or_else(|| connecting::nobody(name))?;
        let place = directory.place(name, CONNECT)?;
        connecting::to_socket(name, &place.socket, kind_of(style), owner, deadline)
    };
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if deadline.has_passed() {
                    return Err(deadline.check(CONNECT).err().unwrap_or(error));
                }
                // Its directory can't be watched by others.
                poll::any(&mut [], deadline.within(NAP))
                    .map_err(|errno| Error::os(CONNECT, errno).on(name))?;
            }
            done => return done,
        }
    }
}
