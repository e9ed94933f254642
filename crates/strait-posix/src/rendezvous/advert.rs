//! What a listener shows to whoever connects, in a file that says by its lock that it lives.

use super::directory::Place;
use crate::named_file::{Address, NamedFile};
use rustix::io::Errno;
use std::{os::fd::BorrowedFd, path::Path};
use strait_core::{Access, Error, ErrorKind, Lifetime, Mapping, Result};

/// The advert of a listener.
///
/// The file has the length of the content as a word of 32 bits, little-endian, the content, and to
/// its end the listener's real name.
#[derive(Debug)]
pub(crate) struct Advert {
    file: NamedFile,
    content: Vec<u8>,
}

impl Advert {
    /// Shows `content`, if no live listener has the name.
    pub(crate) fn show(place: &Place<'_>, content: &[u8]) -> Result<Self> {
        let address = address(place, "listen on");
        let len = u32::try_from(content.len()).map_err(|_| {
            Error::new(ErrorKind::InvalidInput, "listen on", "the advert is too long")
        })?;
        let bytes = [&len.to_le_bytes(), content, place.name.as_str().as_bytes()].concat();
        let created =
            NamedFile::create(address, Access::Private, Lifetime::Creator, lifetime, |file| {
                // So few bytes are written at once or not at all.
                match rustix::io::pwrite(file, &bytes, 0) {
                    Ok(written) if written == bytes.len() => Ok(()),
                    Ok(_) => Err(address.failed(Errno::NOSPC)),
                    Err(errno) => Err(address.failed(errno)),
                }
            });
        match created {
            Ok(file) => Ok(Self { file, content: content.to_vec() }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let why = "a live process listens there";
                Err(Error::new(ErrorKind::AddrInUse, "listen on", why).on(place.name))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the advert of a live listener.
    pub(crate) fn read(place: &Place<'_>) -> Result<Self> {
        let address = address(place, super::CONNECT);
        let user = rustix::process::geteuid().as_raw();
        let file =
            NamedFile::open(address, user, Mapping::ReadWrite, lifetime).map_err(|error| {
                match error.kind() {
                    ErrorKind::NotFound => nobody(place),
                    _ => error,
                }
            })?;
        let mut bytes = [0; 4096];
        let read = rustix::io::pread(file.as_fd(), &mut bytes[..], 0)
            .map_err(|errno| address.failed(errno))?;
        let Some((content, name)) = parse(&bytes[..read]) else {
            let why = "what it shows is not from strait";
            return Err(Error::new(ErrorKind::Foreign, super::CONNECT, why).on(place.name));
        };
        if name != place.name.as_str().as_bytes() {
            // Two names with one hash: this one has no listener.
            return Err(nobody(place));
        }
        Ok(Self { content: content.to_vec(), file })
    }

    /// Whether the listener that showed it still does.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.file.is_at(path)
    }

    pub(crate) fn into_content(self) -> Vec<u8> {
        self.content
    }
}

/// The error of a name under which nobody listens.
pub(crate) fn nobody(place: &Place<'_>) -> Error {
    Error::new(ErrorKind::NotFound, super::CONNECT, "nobody listens there")
        .on(place.name)
        .hint("start the receiver, or give it time with a time-out")
}

fn address<'a>(place: &'a Place<'_>, operation: &'static str) -> Address<'a> {
    Address {
        directory: place.directory,
        path: &place.advert,
        operation,
        name: place.name.as_str(),
    }
}

fn lifetime(_: BorrowedFd<'_>) -> Result<Lifetime> {
    Ok(Lifetime::Creator)
}

fn parse(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}
