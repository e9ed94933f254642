//! Pipes under a name.
//!
//! # The rules
//!
//! 1. Who has a name is in its register ([`name_claim`]), with a random number, which is part of the path of the
//!    pipe. So a pipe that is created later never is that of an earlier one whose ends go on.
//! 2. Readers make the kernel's pipes, with some that wait for writers ([`Merged`]). A writer opens one of these: it
//!    writes to one reader, as long as that lives.
//! 3. Readers ring the bell of the name when there is something to open. Of the owner's death nothing tells, so who
//!    waits looks now and then too.

use crate::{
    Windows, WindowsPipeReader, WindowsPipeWriter,
    merged::{self, Merged},
    name_claim::{self, Found, Owned, Sort},
    object, peer_end, pipe_end,
    security::Security,
    user::User,
};
use std::{
    io,
    os::windows::io::OwnedHandle,
    path::{Path, PathBuf},
};
use strait_core::{Access, Deadline, Error, ErrorKind, Name, NamedPipe, NamedPipes, Result};
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_PIPE_BUSY};

/// The owner of a named pipe. Dropping it frees the name.
#[derive(Debug)]
pub struct WindowsNamedPipe {
    path: PathBuf,
    place: Place,
    /// `None` while this is dropped.
    owner: Option<Owned>,
}

impl NamedPipes for Windows {
    type NamedPipe = WindowsNamedPipe;

    fn create_pipe(name: &Name) -> Result<WindowsNamedPipe> {
        let user = User::own()?.number();
        let owner = Owned::create(name, Sort::Pipe, CREATE)?.ok_or_else(|| {
            Error::new(ErrorKind::AlreadyExists, CREATE, "a live process has that name").on(name)
        })?;
        let place = Place { user, name: object::file_name(name), id: owner.id() };
        Ok(WindowsNamedPipe { path: place.path().into(), place, owner: Some(owner) })
    }

    fn open_reader(name: &Name, there_by: Deadline<'_>) -> Result<WindowsPipeReader> {
        let user = User::own()?.number();
        let open = || match find(user, name, READ)? {
            Some(place) => Merged::open(place).map_err(|error| error.on(name)),
            None => Ok(None),
        };
        match name_claim::wait_for(user, name, there_by, READ, open)? {
            Some(merged) => Ok(WindowsPipeReader::named(merged)),
            None => Err(nobody(name, there_by, READ)),
        }
    }

    fn open_writer(
        name: &Name,
        there_by: Deadline<'_>,
        read_by: Deadline<'_>,
    ) -> Result<WindowsPipeWriter> {
        let user = User::own()?.number();
        loop {
            let look = || find(user, name, WRITE);
            let Some(place) = name_claim::wait_for(user, name, there_by, WRITE, look)? else {
                return Err(nobody(name, there_by, WRITE));
            };
            let open = || place.open_writer(name);
            match name_claim::wait_for(user, name, read_by, WRITE, open)? {
                Some(Opened::Writer(end)) => return Ok(WindowsPipeWriter::new(end)),
                // Nobody will come to read that one any more.
                Some(Opened::Freed) => {}
                None => return Err(read_by.error_because(WRITE, "nobody reads it").on(name)),
            }
        }
    }

    fn remove_pipe(name: &Name) -> Result<()> {
        let user = User::own()?.number();
        let place = find(user, name, REMOVE)?;
        let place = place.ok_or_else(|| nobody(name, Deadline::NEVER, REMOVE))?;
        if !Owned::remove(name, Found { sort: Sort::Pipe, id: place.id }, REMOVE)? {
            return Err(nobody(name, Deadline::NEVER, REMOVE));
        }
        merged::use_up(&place.path());
        Ok(())
    }
}

impl NamedPipe for WindowsNamedPipe {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WindowsNamedPipe {
    fn drop(&mut self) {
        self.owner = None;
        merged::use_up(&self.place.path());
    }
}

/// Where one pipe under a name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    user: u32,
    /// As object names have it.
    name: String,
    id: u128,
}

enum Opened {
    Writer(OwnedHandle),
    /// The name isn't that pipe's any more.
    Freed,
}

impl Place {
    fn path(&self) -> String {
        let Self { user, name, id } = self;
        format!(r"\\.\pipe\strait.{user:08x}.pipe.{name}.{id:032x}")
    }

    /// That of a path as [`peer_end::path_of`] gives it; `None` where it is none of this user's named pipes.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let user = User::own().ok()?.number();
        let prefix = format!("strait.{user:08x}.pipe.");
        let (name, id) = path.trim_start_matches('\\').strip_prefix(&prefix)?.rsplit_once('.')?;
        let is_number = id.len() == 32 && id.bytes().all(|c| c.is_ascii_hexdigit());
        let id = u128::from_str_radix(id, 16).ok().filter(|_| is_number)?;
        Some(Self { user, name: name.to_owned(), id })
    }

    /// Whether the name is still that pipe's, and its owner lives.
    pub(crate) fn is_current(&self) -> Result<bool> {
        let found = name_claim::look_for(self.user, &self.name);
        let found = found.map_err(|error| Error::os(READ, error))?;
        Ok(found.is_some_and(|found| found.id == self.id))
    }

    /// Makes an end that waits for a writer.
    pub(crate) fn new_end(&self) -> Result<OwnedHandle> {
        let security = Security::of(Access::Private)?;
        pipe_end::reader_of_one(&self.path(), &security).map_err(|error| Error::os(READ, error))
    }

    /// Tells writers that there is something to open.
    pub(crate) fn ring(&self) {
        name_claim::ring(self.user, &self.name);
    }

    /// Opens what waits for a writer; `None` where nothing does.
    fn open_writer(&self, name: &Name) -> Result<Option<Opened>> {
        match pipe_end::writer(&self.path()) {
            Ok(end) => {
                // Between two readers it is nobody's, and anybody could make one with that path.
                if peer_end::is_of_user(&end, User::own()?) {
                    return Ok(Some(Opened::Writer(end)));
                }
                let why = "what is there is no pipe of this user";
                Err(Error::new(ErrorKind::Foreign, WRITE, why).on(name))
            }
            Err(error) if has_no_reader(&error) => {
                Ok((!self.is_current()?).then_some(Opened::Freed))
            }
            Err(error) => Err(Error::os(WRITE, error).on(name)),
        }
    }
}

/// The pipe that has the name now.
fn find(user: u32, name: &Name, operation: &'static str) -> Result<Option<Place>> {
    match Owned::look(user, name, operation)? {
        Some(Found { sort: Sort::Pipe, id }) => {
            Ok(Some(Place { user, name: object::file_name(name), id }))
        }
        Some(_) => {
            let why = "a receiver or a listener has that name";
            Err(Error::new(ErrorKind::TypeMismatch, operation, why).on(name))
        }
        None => Ok(None),
    }
}

fn has_no_reader(error: &io::Error) -> bool {
    let codes = [ERROR_FILE_NOT_FOUND, ERROR_PIPE_BUSY];
    codes.iter().any(|&code| error.raw_os_error() == Some(code as i32))
}

fn nobody(name: &Name, there_by: Deadline<'_>, operation: &'static str) -> Error {
    if there_by.is_cancelled() {
        return there_by.error(operation).on(name);
    }
    Error::new(ErrorKind::NotFound, operation, "there is no such pipe")
        .on(name)
        .hint("create it, or give another process time to with a time-out")
}

const CREATE: &str = "create a named pipe";
const READ: &str = "open a named pipe to read";
const WRITE: &str = "open a named pipe to write";
const REMOVE: &str = "remove a named pipe";
