//! A listening socket under a name.

use super::{
    advert::Advert,
    directory::{Directory, Place},
};
use crate::{poll, sys::net};
use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
    net::{SocketAddrUnix, SocketType, bind, listen},
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};
use strait_core::{Deadline, Error, ErrorKind, Name, Result};

/// A listening Unix socket and its advert. Dropping it frees the name.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: OwnedFd,
    /// The process that bound it: a forked child doesn't free the name.
    owner: u32,
    // Given up last: who has them may touch the sockets there.
    held: Vec<Held>,
}

/// An advert that is shown, and what is beside it.
#[derive(Debug)]
struct Held {
    advert: Advert,
    path: PathBuf,
    socket: PathBuf,
}

impl Bound {
    /// Listens under `name`, among what is for this user only.
    pub(crate) fn new(name: &Name, content: &[u8], kind: SocketType) -> Result<Self> {
        let directory = Directory::open(LISTEN).map_err(|error| error.on(name))?;
        let place = directory.place(name, LISTEN)?;
        let held = vec![show(&place, content)?];
        let socket = listening(&place, kind, None)?;
        Ok(Self { socket, owner: std::process::id(), held })
    }

    /// Listens under `name` where other users get to it too. Whoever has the name among what is for
    /// this user has it there, and this user finds it there.
    pub(crate) fn open_to_others(name: &Name, content: &[u8], kind: SocketType) -> Result<Self> {
        let own = Directory::open(LISTEN).map_err(|error| error.on(name))?;
        let own = own.place(name, LISTEN)?;
        let mut held = vec![show(&own, content)?];
        // Processes of this user that differ in where their own directory is meet here.
        let open = Directory::open_to_others(LISTEN).map_err(|error| error.on(name))?;
        let open = open.place(name, LISTEN)?;
        held.push(show(&open, content)?);
        let socket = listening(&open, kind, Some(Mode::from_raw_mode(0o666)))?;
        let bound = Self { socket, owner: std::process::id(), held };
        let link = || -> rustix::io::Result<()> {
            unlink_if_there(&own.unready)?;
            fs::symlink(&open.socket, &own.unready)?;
            fs::rename(&own.unready, &own.socket)
        };
        link().map_err(|errno| Error::os(LISTEN, errno).on(name))?;
        Ok(bound)
    }

    /// Takes one that has connected and hasn't hung up, if there is one.
    ///
    /// Who shares the description, as a forked child and a program that got it do, can make it block. So it
    /// is asked first whether there is one: it waits only where that one also takes who was there meanwhile.
    pub(crate) fn accept(&self) -> rustix::io::Result<Option<OwnedFd>> {
        loop {
            if !poll::readable(&self.socket, Deadline::now())? {
                return Ok(None);
            }
            let flags = fs::fcntl_getfl(&self.socket)?;
            if !flags.contains(OFlags::NONBLOCK) {
                fs::fcntl_setfl(&self.socket, flags | OFlags::NONBLOCK)?;
            }
            match net::accept(&self.socket) {
                Ok(socket) => return Ok(Some(socket)),
                Err(Errno::AGAIN) => return Ok(None),
                // It has hung up already, or a signal came in between.
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if self.owner != std::process::id() {
            return;
        }
        for Held { advert, path, socket } in &self.held {
            // Where the advert was taken away, somebody else may listen there by now.
            if advert.is_at(path) {
                // What stays is replaced by the next listener.
                let _ = unlink_if_there(socket);
            }
        }
    }
}

const LISTEN: &str = "listen on";

/// How many may have connected and wait to be accepted; the kernel has a limit of its own.
const BACKLOG: i32 = 4096;

fn show(place: &Place<'_>, content: &[u8]) -> Result<Held> {
    let advert = Advert::show(place, LISTEN, content).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let why = "a live process has that name";
            Error::new(ErrorKind::AddrInUse, LISTEN, why).on(place.name)
        }
        _ => error,
    })?;
    Ok(Held { advert, path: place.advert.clone(), socket: place.socket.clone() })
}

/// A socket that listens there. It is renamed when it does, so that whoever finds it can connect, and a
/// dead listener's is replaced.
fn listening(place: &Place<'_>, kind: SocketType, mode: Option<Mode>) -> Result<OwnedFd> {
    let attempt = || -> rustix::io::Result<OwnedFd> {
        unlink_if_there(&place.unready)?;
        let socket = net::listener(kind)?;
        bind(&socket, &SocketAddrUnix::new(&place.unready)?)?;
        if let Some(mode) = mode {
            fs::chmod(&place.unready, mode)?;
        }
        listen(&socket, BACKLOG)?;
        fs::rename(&place.unready, &place.socket)?;
        Ok(socket)
    };
    attempt().map_err(|errno| {
        let _ = unlink_if_there(&place.unready);
        Error::os(LISTEN, errno).on(place.name)
    })
}

fn unlink_if_there(path: &Path) -> rustix::io::Result<()> {
    match fs::unlink(path) {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}
