//! The end that waits for others to connect.

use super::{advert::Advert, connection::PosixConnection, directory::Directory};
use rustix::{
    fs,
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen,
        socket_with,
    },
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};
use strait_core::{Error, ErrorKind, Listener, Name, Result};

/// A listening Unix socket. Dropping it frees the name.
#[derive(Debug)]
pub struct PosixListener {
    socket: OwnedFd,
    path: PathBuf,
    advert_path: PathBuf,
    /// The process that bound it: a forked child doesn't free the name.
    owner: u32,
    // Given up last: who has it may touch the socket's path.
    advert: Advert,
}

impl PosixListener {
    pub(crate) fn new(name: &Name, advert: &[u8]) -> Result<Self> {
        let directory = Directory::open(LISTEN).map_err(|error| error.on(name))?;
        let place = directory.place(name, LISTEN)?;
        let advert = Advert::show(&place, LISTEN, advert).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                let why = "a live process listens there";
                Error::new(ErrorKind::AddrInUse, LISTEN, why).on(name)
            }
            _ => error,
        })?;
        // Renamed when it listens, so that whoever finds it can connect, and a dead listener's
        // socket is replaced.
        let listening = || -> rustix::io::Result<OwnedFd> {
            unlink_if_there(&place.unready)?;
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
            bind(&socket, &SocketAddrUnix::new(&place.unready)?)?;
            listen(&socket, BACKLOG)?;
            fs::rename(&place.unready, &place.socket)?;
            Ok(socket)
        };
        let socket = listening().map_err(|errno| {
            let _ = unlink_if_there(&place.unready);
            Error::os(LISTEN, errno).on(name)
        })?;
        let owner = std::process::id();
        let (path, advert_path) = (place.socket.clone(), place.advert.clone());
        Ok(Self { socket, path, advert_path, owner, advert })
    }
}

impl Listener for PosixListener {
    type Connection = PosixConnection;

    fn accept(&self) -> Result<Option<PosixConnection>> {
        loop {
            match accept_with(&self.socket, SocketFlags::CLOEXEC) {
                Ok(socket) => {
                    let connection = PosixConnection::new(socket);
                    // The directory lets nobody else in, but for the superuser.
                    if connection.is_of_this_user() {
                        return Ok(Some(connection));
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                // It has hung up already, or a signal came in between.
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(errno) => return Err(Error::os("accept a connection", errno)),
            }
        }
    }
}

impl AsFd for PosixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for PosixListener {
    fn drop(&mut self) {
        // Where the advert was taken away, somebody else may listen there by now.
        if self.owner == std::process::id() && self.advert.is_at(&self.advert_path) {
            // What stays is replaced by the next listener.
            let _ = unlink_if_there(&self.path);
        }
    }
}

const LISTEN: &str = "listen on";

/// How many may have connected and wait to be accepted; the kernel has a limit of its own.
const BACKLOG: i32 = 4096;

fn unlink_if_there(path: &Path) -> rustix::io::Result<()> {
    match fs::unlink(path) {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}
