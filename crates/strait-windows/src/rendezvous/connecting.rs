//! Connecting to a listener, which may still be to come.

use crate::{
    credentials,
    link::Link,
    message_pipe::{MessagePipe, Use},
    name_claim::{self, Found, Owned, Sort},
    object,
    user::User,
    wait,
};
use std::{io, time::Duration};
use strait_core::{Deadline, Error, ErrorKind, Name, Result};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, ERROR_PIPE_BUSY,
};

/// Connects to the listener called `name` of a user (`None`: this one), which has to be of this sort, and looks at what
/// it has besides by its number.
pub(crate) fn connect<T>(
    name: &Name,
    wanted: Sort,
    owner: Option<u32>,
    deadline: Deadline<'_>,
    mut look: impl FnMut(u128) -> Result<Option<T>>,
) -> Result<(Link, T)> {
    let own = User::own()?.number();
    let owner = owner.unwrap_or(own);
    let connected = name_claim::wait_for(owner, name, deadline, CONNECT, || {
        let found = match Owned::look(owner, name, CONNECT) {
            // Another user's that isn't open to others.
            Err(error) if owner != own && error.kind() == ErrorKind::PermissionDenied => None,
            found => found?,
        };
        let Some(found) = found else { return Ok(None) };
        expect(found, wanted, name)?;
        let Some(pipe) = open(name, owner, found, deadline)? else { return Ok(None) };
        let peer = credentials::of_server(&pipe).map_err(|error| error.on(name))?;
        if peer.user != owner {
            let why = "another user listens there";
            return Err(Error::new(ErrorKind::PermissionDenied, CONNECT, why).on(name));
        }
        let link =
            Link::new(pipe, Some(peer)).map_err(|error| Error::os(CONNECT, error).on(name))?;
        Ok(look(found.id)?.map(|seen| (link, seen)))
    })?;
    connected.ok_or_else(|| {
        let error = deadline.check(CONNECT).map_or_else(|cancelled| cancelled, |_| nobody(name));
        error.on(name)
    })
}

pub(crate) const CONNECT: &str = "connect to";

/// What the pipe of a listener is for, by the sort that its name is of.
pub(crate) fn use_of(sort: Sort) -> Option<Use> {
    match sort {
        Sort::Stream => Some(Use::Stream),
        Sort::Datagram => Some(Use::Datagram),
        Sort::Rendezvous => Some(Use::Rendezvous),
        Sort::Pipe => None,
    }
}

/// The error of a name under which nobody listens.
fn nobody(name: &Name) -> Error {
    Error::new(ErrorKind::NotFound, CONNECT, "nobody listens there")
        .on(name)
        .hint("start who is to listen, or give it more time")
}

/// Refuses what isn't of the sort that is wanted.
fn expect(found: Found, wanted: Sort, name: &Name) -> Result<()> {
    let describe = |sort| match sort {
        Sort::Rendezvous => "the receiver of a channel",
        Sort::Stream => "a listener for streams",
        Sort::Datagram => "a listener for datagrams",
        Sort::Pipe => "a named pipe",
    };
    if found.sort == wanted {
        return Ok(());
    }
    let why = format!("it is {} and not {}", describe(found.sort), describe(wanted));
    Err(Error::new(ErrorKind::TypeMismatch, CONNECT, why).on(name))
}

/// Opens the pipe of a listener; `None` where that is gone, or hasn't made it yet.
///
/// More instances are always about to be made, so it is worth waiting a little for one, whatever the deadline.
fn open(
    name: &Name,
    owner: u32,
    found: Found,
    deadline: Deadline<'_>,
) -> Result<Option<MessagePipe>> {
    let Some(used) = use_of(found.sort) else { return Ok(None) };
    let failed = |error| Error::os(CONNECT, error).on(name);
    let (path, least) = (used.pipe(found.id), Deadline::after(GRACE));
    let never = object::event().map_err(failed)?;
    loop {
        let error = match MessagePipe::open(&path) {
            Ok(pipe) => return Ok(Some(pipe)),
            Err(error) => error,
        };
        match code(&error) {
            ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => return Ok(None),
            ERROR_PIPE_BUSY => {}
            ERROR_ACCESS_DENIED if owner != User::own()?.number() => {
                let error = nobody(name).with_source(error);
                return Err(error.hint("that user listens for others only where it says so"));
            }
            _ => return Err(failed(error)),
        }
        // Of one that has ended there may still be connections.
        if Owned::look(owner, name, CONNECT)? != Some(found) {
            return Ok(None);
        }
        if deadline.has_passed() && (least.has_passed() || deadline.is_cancelled()) {
            let error = deadline.error(CONNECT).on(name);
            return Err(error.hint("the listener accepts nobody"));
        }
        // Nothing tells when there is another.
        wait::one(&never, Deadline::after(NAP)).map_err(failed)?;
    }
}

/// How long to wait at least for a listener that lives to make room.
const GRACE: Duration = Duration::from_secs(1);

const NAP: Duration = Duration::from_millis(1);

fn code(error: &io::Error) -> u32 {
    error.raw_os_error().map_or(0, |code| code as u32)
}
