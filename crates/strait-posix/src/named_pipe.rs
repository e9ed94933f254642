//! Pipes under a name: FIFOs in a directory of the user's own.
//!
//! # The rules
//!
//! 1. A name is an [`Advert`], which shows by its lock that its creator lives, and the FIFO beside it.
//!    Both are made and removed by who holds [`Removal`](crate::sys::lock::Removal) of the advert, while its name leads to it.
//! 2. The advert says `READY` after what a dead creator left was removed, and before the new FIFO is there.
//!    So an opener that has read it never finds an old one.
//! 3. A writer can't open a FIFO that nobody reads, and waits until it is told that somebody opens it. Of
//!    another program that waits in `open` for a writer, and of the owner's death, nothing tells, so it looks
//!    now and then too. (An end
//!    to write to can be had without a reader, by opening the other for a moment. But that moment lets in
//!    other programs that wait to write, and a child that is just being started keeps it.)

use crate::{
    Posix, PosixPipeReader, PosixPipeWriter, fork,
    named_file::Address,
    poll,
    rendezvous::{Advert, Directory, Place},
    sys::fifo::{self, Found},
};
use rustix::{
    fs::{self, FileType, OFlags},
    io::Errno,
};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};
use strait_core::{Deadline, Error, ErrorKind, Name, NamedPipe, NamedPipes, Result};

/// The owner of a named pipe. Dropping it frees the name.
#[derive(Debug)]
pub struct PosixNamedPipe {
    path: PathBuf,
    advert_path: PathBuf,
    /// The process that has to free the name, by the number of forks before it.
    owner: u32,
    // Given up last: who has it may touch the FIFO's path.
    advert: Advert,
}

impl NamedPipes for Posix {
    type NamedPipe = PosixNamedPipe;

    fn create_pipe(name: &Name) -> Result<PosixNamedPipe> {
        let directory = Directory::open(CREATE).map_err(|error| error.on(name))?;
        let place = directory.place(name, CREATE)?;
        let advert = loop {
            let advert = Advert::show(&place, CREATE, UNREADY)?;
            // Where somebody removed it before it was ready, the name is free, or the next one's.
            if make(&advert, &place)? {
                break advert;
            }
        };
        let (path, advert_path) = (place.pipe.clone(), place.advert.clone());
        Ok(PosixNamedPipe { path, advert_path, owner: fork::count(), advert })
    }

    fn open_reader(name: &Name, there_by: Deadline<'_>) -> Result<PosixPipeReader> {
        let directory = Directory::open(READ).map_err(|error| error.on(name))?;
        let place = directory.place(name, READ)?;
        let fifo = directory.look_until(there_by, READ, || Fifo::find(&place, READ))?;
        match fifo.0.open(OFlags::RDONLY) {
            Ok(end) => Ok(PosixPipeReader::new(end)),
            Err(errno) => Err(Error::os(READ, errno).on(name)),
        }
    }

    fn open_writer(
        name: &Name,
        there_by: Deadline<'_>,
        read_by: Deadline<'_>,
    ) -> Result<PosixPipeWriter> {
        let directory = Directory::open(WRITE).map_err(|error| error.on(name))?;
        let place = directory.place(name, WRITE)?;
        loop {
            let fifo = directory.look_until(there_by, WRITE, || Fifo::find(&place, WRITE))?;
            // Where the name was freed meanwhile, or its owner has ended, nobody will come any more.
            if let Some(end) = fifo.writer(&place, read_by)? {
                return Ok(PosixPipeWriter::new(end));
            }
        }
    }

    fn remove_pipe(name: &Name) -> Result<()> {
        let directory = Directory::open(REMOVE).map_err(|error| error.on(name))?;
        let place = directory.place(name, REMOVE)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let advert = match Advert::read(&place, REMOVE) {
                Ok(advert) => {
                    check_kind(&advert, &place, REMOVE)?;
                    advert
                }
                // What a dead creator left only who has the name may touch.
                Err(error) if error.kind() == ErrorKind::NotFound && exists(&place.pipe) => {
                    match Advert::show(&place, REMOVE, UNREADY) {
                        Ok(shown) => shown,
                        // Somebody was faster: then it is theirs that is removed. But not where it is that
                        // of a name with the same hash.
                        Err(taken) if taken.kind() == ErrorKind::AlreadyExists => match tries {
                            TRIES.. => return Err(error),
                            _ => continue,
                        },
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            return free(&advert, &place);
        }
    }
}

impl NamedPipe for PosixNamedPipe {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PosixNamedPipe {
    fn drop(&mut self) {
        if self.owner != fork::count() {
            return;
        }
        let path = &self.advert_path;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let address = Address { directory, path, operation: REMOVE, name: "" };
        // What stays is replaced by the next who creates it.
        let Ok(_removal) = self.advert.removal(address) else { return };
        if self.advert.is_at(path) {
            let _ = unlink_if_there(&self.path);
        }
    }
}

/// A FIFO that was found.
struct Fifo(Found);

impl Fifo {
    /// That of a creator who lives.
    fn find(place: &Place<'_>, operation: &'static str) -> Result<Self> {
        loop {
            let advert = Advert::read(place, operation).map_err(|error| match error.kind() {
                ErrorKind::NotFound => nobody(place, operation),
                _ => error,
            })?;
            check_kind(&advert, place, operation)?;
            if advert.content() == UNREADY {
                return Err(nobody(place, operation));
            }
            let found = match Found::at(&place.pipe) {
                Ok(found) => found,
                Err(Errno::NOENT) => return Err(nobody(place, operation)),
                Err(errno) => return Err(Error::os(operation, errno).on(place.name)),
            };
            let stat = found.stat().map_err(|e| Error::os(operation, e).on(place.name))?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo
                || stat.st_uid != rustix::process::geteuid().as_raw()
            {
                let why = "what is there is no pipe of this user";
                let error = Error::new(ErrorKind::Foreign, operation, why).on(place.name);
                return Err(error.hint(format!("see {}", place.pipe.display())));
            }
            // Of a creator that came in between, the advert would be another.
            if advert.is_at(&place.advert) {
                return Ok(Self(found));
            }
        }
    }

    /// The writing end, as soon as somebody reads; `None` where the name is freed before, or its owner ends
    /// (rule 3).
    fn writer(&self, place: &Place<'_>, read_by: Deadline<'_>) -> Result<Option<OwnedFd>> {
        let failed = |errno| Error::os(WRITE, errno).on(place.name);
        let look = || match self.0.open(OFlags::WRONLY) {
            Ok(end) => Ok(Some(end)),
            Err(Errno::NXIO) => Ok(None),
            Err(errno) => Err(failed(errno)),
        };
        if let Some(end) = look()? {
            return Ok(Some(end));
        }
        // Before the next look, so that nobody is missed who comes after it. Where there is none, looking now
        // and then will do.
        let watch = self.0.watch().map_err(failed)?;
        let mut is_over = read_by.has_passed();
        loop {
            if let Some(end) = look()? {
                return Ok(Some(end));
            }
            match Advert::read(place, WRITE) {
                Ok(_) if self.0.is_linked().map_err(failed)? => {}
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => return Ok(None),
            }
            if is_over {
                return Err(read_by.error_because(WRITE, "nobody reads it").on(place.name));
            }
            let nap = read_by.within(LOOK_EVERY);
            match &watch {
                Some(watch) => watch.wait(nap),
                None => poll::any(&mut [], nap),
            }
            .map_err(failed)?;
            // Whoever came just before that is seen by the last look.
            is_over = read_by.has_passed();
        }
    }
}

/// How often to look for a program that waits for a writer, and whether the owner lives.
const LOOK_EVERY: Duration = Duration::from_millis(40);

const CREATE: &str = "create a named pipe";
const READ: &str = "open a named pipe to read";
const WRITE: &str = "open a named pipe to write";
const REMOVE: &str = "remove a named pipe";

/// How often somebody may be faster.
const TRIES: u32 = 64;

const UNREADY: &[u8] = b"st-pipe 0";
const READY: &[u8] = b"st-pipe 1";
const _: () = assert!(UNREADY.len() == READY.len());

/// Whether what an advert shows is a pipe.
pub(crate) fn is_pipe(content: &[u8]) -> bool {
    content == UNREADY || content == READY
}

/// Makes the FIFO beside its advert (rules 1 and 2); `false` where that isn't there any more.
fn make(advert: &Advert, place: &Place<'_>) -> Result<bool> {
    let _removal = advert.removal(place.address(CREATE))?;
    if !advert.is_at(&place.advert) {
        return Ok(false);
    }
    let failed = |errno| Error::os(CREATE, errno).on(place.name);
    unlink_if_there(&place.pipe).map_err(failed)?;
    unlink_if_there(&place.unready).map_err(failed)?;
    advert.change(READY).map_err(failed)?;
    let made = fifo::make(&place.unready).and_then(|()| fs::rename(&place.unready, &place.pipe));
    made.map(|()| true).map_err(|errno| {
        let _ = unlink_if_there(&place.unready);
        failed(errno)
    })
}

/// Removes the FIFO and its advert.
fn free(advert: &Advert, place: &Place<'_>) -> Result<()> {
    let _removal = advert.removal(place.address(REMOVE))?;
    if !advert.is_at(&place.advert) {
        return Err(nobody(place, REMOVE));
    }
    unlink_if_there(&place.pipe)
        .and_then(|()| unlink_if_there(&place.advert))
        .map_err(|errno| Error::os(REMOVE, errno).on(place.name))
}

/// Refuses the name of a listener.
fn check_kind(advert: &Advert, place: &Place<'_>, operation: &'static str) -> Result<()> {
    if is_pipe(advert.content()) {
        return Ok(());
    }
    let why = "a receiver or a listener has that name";
    Err(Error::new(ErrorKind::TypeMismatch, operation, why).on(place.name))
}

fn nobody(place: &Place<'_>, operation: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, operation, "there is no such pipe")
        .on(place.name)
        .hint("create it, or give another process time to with a time-out")
}

fn exists(path: &Path) -> bool {
    fs::lstat(path).is_ok()
}

fn unlink_if_there(path: &Path) -> rustix::io::Result<()> {
    match fs::unlink(path) {
        Err(Errno::NOENT) => Ok(()),
        result => result,
    }
}
