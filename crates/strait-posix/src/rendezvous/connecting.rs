//! Connecting to a listener, which may still be to come.

use super::{
    CONNECT,
    advert::{Advert, Sort},
    directory::Place,
};
use crate::{credentials, sys::net};
use rustix::{io::Errno, net::SocketType};
use std::{os::fd::OwnedFd, path::Path};
use strait_core::{Deadline, Error, ErrorKind, Name, Result};

/// Reads the advert of the live listener, which has to be of this sort, and connects by `connect`.
pub(crate) fn by_advert<T>(
    place: &Place<'_>,
    wanted: Sort,
    mut connect: impl FnMut() -> Result<T>,
) -> Result<(T, Advert)> {
    loop {
        let advert = Advert::read(place, CONNECT).map_err(|error| match error.kind() {
            ErrorKind::NotFound => nobody(place.name),
            _ => error,
        })?;
        advert.expect(wanted, place.name, CONNECT)?;
        let connected = connect()?;
        // Of a listener that came in between, the advert would be another.
        if advert.is_at(&place.advert) {
            return Ok((connected, advert));
        }
    }
}

/// The error of a name under which nobody listens.
pub(crate) fn nobody(name: &Name) -> Error {
    Error::new(ErrorKind::NotFound, CONNECT, "nobody listens there")
        .on(name)
        .hint("start who is to listen, or give it more time")
}

/// Connects to the listening socket `path` of the user `owner`; waits until the deadline only for room in its
/// queue.
pub(crate) fn to_socket(
    name: &Name,
    path: &Path,
    kind: SocketType,
    owner: u32,
    deadline: Deadline<'_>,
) -> Result<OwnedFd> {
    let failed = |kind, why| Err(Error::new(kind, CONNECT, why).on(name));
    let socket = match net::connect(path, kind, deadline) {
        Ok(socket) => socket,
        Err(Errno::NOENT | Errno::CONNREFUSED) => return Err(nobody(name)),
        // Another user's place isn't open yet, or isn't to this one.
        Err(errno @ Errno::ACCESS) if owner != credentials::own_user() => {
            let error = nobody(name).with_source(errno);
            return Err(error.hint("that user listens for others only where it says so"));
        }
        Err(Errno::PROTOTYPE) => {
            return failed(ErrorKind::TypeMismatch, "it is a listener of another sort");
        }
        Err(Errno::AGAIN) => {
            let error = deadline.error(CONNECT).on(name);
            return Err(error.hint("the listener accepts nobody"));
        }
        Err(errno) => return Err(Error::os(CONNECT, errno).on(name)),
    };
    match credentials::of_peer(&socket) {
        Ok(peer) if peer.user == owner => Ok(socket),
        _ => failed(ErrorKind::PermissionDenied, "another user listens there"),
    }
}
