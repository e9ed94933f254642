//! What the owner of a name shows to whoever uses it, in a file that says by its lock that it lives.
//!
//! Listeners and named pipes have one. So a name is taken by one thing at a time, whatever it is.

use super::directory::Place;
use crate::{
    named_file::{Address, NamedFile},
    named_pipe,
    sys::lock::Removal,
};
use rustix::io::Errno;
use std::{os::fd::BorrowedFd, path::Path};
use strait_core::{Access, Error, ErrorKind, Lifetime, Mapping, Name, Result, Style};

/// The advert of a name.
///
/// The file has the length of the content as a word of 32 bits, little-endian, the content, and to
/// its end the real name.
#[derive(Debug)]
pub(crate) struct Advert {
    file: NamedFile,
    content: Vec<u8>,
}

/// What sort of thing shows a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The listener of a rendezvous: a channel's.
    Rendezvous,
    /// A listening socket for programs.
    Socket(Style),
    /// A named pipe.
    Pipe,
}

impl Sort {
    /// The sort of what shows `content`.
    fn of(content: &[u8]) -> Self {
        match content.strip_prefix(SOCKET) {
            Some([0]) => Self::Socket(Style::Stream),
            Some([1]) => Self::Socket(Style::Datagram),
            _ if named_pipe::is_pipe(content) => Self::Pipe,
            _ => Self::Rendezvous,
        }
    }

    /// What a socket shows.
    pub(crate) fn of_socket(style: Style) -> Vec<u8> {
        [SOCKET, &[u8::from(style == Style::Datagram)]].concat()
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Rendezvous => "the receiver of a channel",
            Self::Socket(Style::Stream) => "a listener for streams",
            Self::Socket(Style::Datagram) => "a listener for datagrams",
            Self::Pipe => "a named pipe",
        }
    }
}

const SOCKET: &[u8] = b"st-sockt";

impl Advert {
    /// Shows `content`, if nobody who lives has the name: that is `AlreadyExists`.
    pub(crate) fn show(place: &Place<'_>, operation: &'static str, content: &[u8]) -> Result<Self> {
        let address = place.address(operation);
        let len = u32::try_from(content.len()).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, operation, "the advert is too long")
        })?;
        let bytes = [&len.to_le_bytes(), content, place.name.as_str().as_bytes()].concat();
        let file =
            NamedFile::create(address, Access::Private, Lifetime::Creator, lifetime, |file| {
                // So few bytes are written at once or not at all.
                match rustix::io::pwrite(file, &bytes, 0) {
                    Ok(written) if written == bytes.len() => Ok(()),
                    Ok(_) => Err(address.failed(Errno::NOSPC)),
                    Err(errno) => Err(address.failed(errno)),
                }
            })?;
        Ok(Self { file, content: content.to_vec() })
    }

    /// Reads the advert of an owner who lives; `NotFound` where there is none.
    pub(crate) fn read(place: &Place<'_>, operation: &'static str) -> Result<Self> {
        let address = place.address(operation);
        let user = rustix::process::geteuid().as_raw();
        let file = NamedFile::open(address, user, Mapping::ReadWrite, lifetime)?;
        let mut bytes = [0; 4096];
        let read = rustix::io::pread(file.as_fd(), &mut bytes[..], 0)
            .map_err(|errno| address.failed(errno))?;
        let Some((content, name)) = parse(&bytes[..read]) else {
            let why = "what it shows is not from strait";
            return Err(Error::new(ErrorKind::Foreign, operation, why).on(place.name));
        };
        if name != place.name.as_str().as_bytes() {
            // Two names with one hash: this one has no owner.
            return Err(address.not_found());
        }
        Ok(Self { content: content.to_vec(), file })
    }

    /// Whether the owner that showed it still does.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.file.is_at(path)
    }

    /// Changes what is shown from now on, to something of the same length.
    pub(crate) fn change(&self, content: &[u8]) -> rustix::io::Result<()> {
        debug_assert_eq!(content.len(), self.content.len(), "the name comes after it");
        match rustix::io::pwrite(self.file.as_fd(), content, size_of::<u32>() as u64)? {
            written if written == content.len() => Ok(()),
            _ => Err(Errno::NOSPC),
        }
    }

    /// Takes the right to remove the name, and what is beside it, for a few system calls.
    pub(crate) fn removal(&self, address: Address<'_>) -> Result<Removal<'_>> {
        self.file.removal(address)
    }

    /// Refuses what isn't of the sort that is wanted.
    pub(crate) fn expect(&self, wanted: Sort, name: &Name, operation: &'static str) -> Result<()> {
        let found = Sort::of(&self.content);
        if found == wanted {
            return Ok(());
        }
        let why = format!("it is {} and not {}", found.describe(), wanted.describe());
        Err(Error::new(ErrorKind::TypeMismatch, operation, why).on(name))
    }

    /// What was shown when it was read.
    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }
}

fn lifetime(_: BorrowedFd<'_>) -> Result<Lifetime> {
    Ok(Lifetime::Creator)
}

fn parse(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}
