//! What this backend doesn't have yet: it is refused, and no value of it exists.

use crate::{Windows, WindowsHandle};
use std::path::Path;
use strait_core::{
    Deadline, Error, ErrorKind, Name, NamedPipe, NamedPipes, Pipe, PipeRead, PipeWrite, Result,
    Transfer,
};

/// Nothing.
#[derive(Debug)]
pub enum Lacking {}

fn lacking<T>(operation: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, operation, "this backend does not offer it yet"))
}

impl Transfer<WindowsHandle> for Lacking {
    fn to_handle(&self) -> Result<WindowsHandle> {
        match *self {}
    }
    fn from_handle(_: WindowsHandle) -> Result<Self> {
        lacking("take a handle")
    }
}

impl Pipe for Windows {
    type Reader = Lacking;
    type Writer = Lacking;
    fn pipe() -> Result<(Lacking, Lacking)> {
        lacking("make a pipe")
    }
}

impl PipeRead for Lacking {
    fn read(&self, _: &mut [u8], _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn try_read(&self, _: &mut [u8]) -> Result<Option<usize>> {
        match *self {}
    }
    fn try_clone(&self) -> Result<Self> {
        match *self {}
    }
}

impl PipeWrite for Lacking {
    const ATOMIC: usize = 0;
    fn write(&self, _: &[u8], _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn try_write(&self, _: &[u8]) -> Result<Option<usize>> {
        match *self {}
    }
    fn try_clone(&self) -> Result<Self> {
        match *self {}
    }
}

impl NamedPipes for Windows {
    type NamedPipe = Lacking;
    fn create_pipe(_: &Name) -> Result<Lacking> {
        lacking("create a named pipe")
    }
    fn open_reader(_: &Name, _: Deadline<'_>) -> Result<Lacking> {
        lacking("open a named pipe")
    }
    fn open_writer(_: &Name, _: Deadline<'_>, _: Deadline<'_>) -> Result<Lacking> {
        lacking("open a named pipe")
    }
    fn remove_pipe(_: &Name) -> Result<()> {
        lacking("remove a named pipe")
    }
}

impl NamedPipe for Lacking {
    fn path(&self) -> &Path {
        match *self {}
    }
}
