//! Pipes.
//!
//! A pipe is a named one whose name is random, and has room for one reader and one writer only. Both ends are
//! overlapped, so that reading and writing have deadlines.
//!
//! A write whose deadline passes while it is under way goes on, and counts as written: it can't be taken back
//! exactly. The next one waits for it.

use crate::{
    Windows, WindowsHandle,
    courier::Delivery,
    merged::Merged,
    overlapped::{self, Ended},
    pipe_end::{self, Direction, ROOM},
    random,
    security::Security,
    user::User,
};
use std::{
    collections::VecDeque,
    os::windows::io::{AsHandle, OwnedHandle},
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use strait_core::{
    Access, Deadline, Error, ErrorKind, Pipe, PipeRead, PipeWrite, ReadNow, Result, Transfer,
};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_BROKEN_PIPE, ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_NO_DATA,
    ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED,
};

impl Pipe for Windows {
    type Reader = WindowsPipeReader;
    type Writer = WindowsPipeWriter;

    fn pipe() -> Result<(WindowsPipeReader, WindowsPipeWriter)> {
        const MAKE: &str = "make a pipe";
        let user = User::own()?.number();
        let security = Security::of(Access::Private)?;
        let mut tries = 0;
        loop {
            tries += 1;
            let path = format!(r"\\.\pipe\strait.{user:08x}.anon.{:032x}", random::number());
            let ends = pipe_end::only_reader(&path, &security)
                .and_then(|reader| Ok((reader, pipe_end::writer(&path)?)));
            return match ends {
                Ok((reader, writer)) => {
                    Ok((WindowsPipeReader::one(reader), WindowsPipeWriter::new(writer)))
                }
                // Somebody lists all pipes, and has opened it in between, or made one with its name.
                Err(error) if tries < TRIES && is_taken(&error) => continue,
                Err(error) => Err(Error::os(MAKE, error)),
            };
        }
    }
}

/// The end of a pipe that is read from.
#[derive(Debug)]
pub struct WindowsPipeReader(Source);

#[derive(Debug)]
enum Source {
    /// One pipe.
    One(OwnedHandle),
    /// All those of a name.
    Named(Arc<Merged>),
}

/// The end of a pipe that is written to.
#[derive(Debug)]
pub struct WindowsPipeWriter {
    end: Arc<OwnedHandle>,
    /// Writes whose deadline has passed, and which go on.
    left: Mutex<VecDeque<Delivery>>,
}

impl PipeRead for WindowsPipeReader {
    fn read(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize> {
        match &self.0 {
            _ if buffer.is_empty() => Ok(0),
            Source::Named(merged) => merged.read(buffer, deadline),
            Source::One(end) => {
                read_one(end, buffer, deadline)?.ok_or_else(|| deadline.error(READ))
            }
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match &self.0 {
            _ if buffer.is_empty() => Ok(Some(0)),
            Source::Named(merged) => merged.try_read(buffer),
            Source::One(end) => read_one(end, buffer, Deadline::now()),
        }
    }

    fn read_now(&self, buffer: &mut [u8]) -> Result<ReadNow> {
        match (self.try_read(buffer)?, &self.0) {
            (Some(read), _) => Ok(ReadNow::Bytes(read)),
            (None, Source::Named(merged)) if merged.is_forsaken()? => {
                // A writer may have come just before.
                Ok(self.try_read(buffer)?.map_or(ReadNow::Forsaken, ReadNow::Bytes))
            }
            (None, _) => Ok(ReadNow::Nothing),
        }
    }

    fn try_clone(&self) -> Result<Self> {
        Ok(Self(match &self.0 {
            Source::One(end) => Source::One(duplicate(end)?),
            Source::Named(merged) => Source::Named(Arc::clone(merged)),
        }))
    }
}

impl PipeWrite for WindowsPipeWriter {
    const ATOMIC: usize = 4096;

    fn write(&self, bytes: &[u8], deadline: Deadline<'_>) -> Result<usize> {
        match self.write_until(bytes, deadline)? {
            Some(written) => Ok(written),
            None => Err(deadline.error(WRITE)),
        }
    }

    fn try_write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        self.write_until(bytes, Deadline::now())
    }

    fn try_clone(&self) -> Result<Self> {
        Ok(Self { end: Arc::clone(&self.end), left: Mutex::default() })
    }
}

impl WindowsPipeReader {
    pub(crate) fn one(end: OwnedHandle) -> Self {
        Self(Source::One(end))
    }

    pub(crate) fn named(merged: Merged) -> Self {
        Self(Source::Named(Arc::new(merged)))
    }

    /// What it reads from now, and whether it may be more later.
    #[cfg(feature = "tokio")]
    pub(crate) fn ends(&self) -> std::io::Result<(Vec<Arc<OwnedHandle>>, bool)> {
        match &self.0 {
            Source::One(end) => Ok((vec![Arc::new(end.try_clone()?)], false)),
            Source::Named(merged) => Ok((merged.ends(), true)),
        }
    }

    fn opened_from(end: OwnedHandle) -> Result<Self> {
        pipe_end::check(&end, Direction::Read, TAKE)?;
        if let Some(merged) = Merged::opened_from(&end)? {
            return Ok(Self::named(merged));
        }
        Ok(Self::one(end))
    }

    fn another(&self) -> Result<OwnedHandle> {
        match &self.0 {
            Source::One(end) => duplicate(end),
            Source::Named(merged) => merged.only_end(TAKE),
        }
    }
}

impl WindowsPipeWriter {
    pub(crate) fn new(end: OwnedHandle) -> Self {
        Self { end: Arc::new(end), left: Mutex::default() }
    }

    /// Signalled when the first of earlier writes has ended that go on; `None` where there is none.
    #[cfg(feature = "tokio")]
    pub(crate) fn under_way(&self) -> std::io::Result<Option<OwnedHandle>> {
        self.left().front().and_then(Delivery::end).transpose()
    }

    fn opened_from(end: OwnedHandle) -> Result<Self> {
        pipe_end::check(&end, Direction::Write, TAKE)?;
        Ok(Self::new(end))
    }

    fn another(&self) -> Result<OwnedHandle> {
        duplicate(&self.end)
    }

    fn write_until(&self, bytes: &[u8], deadline: Deadline<'_>) -> Result<Option<usize>> {
        let failed = |error| Error::os(WRITE, error);
        let bytes = &bytes[..bytes.len().min(ROOM)];
        if !self.settle(deadline)? {
            return Ok(None);
        }
        if bytes.is_empty() {
            return Ok(Some(0));
        }
        if deadline.is_never() {
            // Nothing ends it, so it needs no bytes of its own.
            let ended = overlapped::write(&*self.end, bytes, deadline).map_err(failed)?;
            return match ended {
                Some(ended) => written(ended).map(Some),
                None => Ok(None),
            };
        }
        let mut delivery = Delivery::begin(&self.end, bytes).map_err(failed)?;
        match delivery.wait(deadline).map_err(failed)? {
            Some(ended) => written(ended).map(Some),
            None => {
                self.left().push_back(delivery);
                Ok(Some(bytes.len()))
            }
        }
    }

    /// Waits until nothing is left of earlier writes; `false` where the deadline passed first.
    fn settle(&self, deadline: Deadline<'_>) -> Result<bool> {
        loop {
            // Nobody else waits meanwhile, or keeps this locked.
            let Some(mut delivery) = self.left().pop_front() else { return Ok(true) };
            match delivery.wait(deadline).map_err(|error| Error::os(WRITE, error))? {
                Some(ended) => written(ended).map(drop)?,
                None => {
                    self.left().push_front(delivery);
                    return Ok(false);
                }
            }
        }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, VecDeque<Delivery>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads from one pipe; 0 at its end. `None` where the deadline passed.
fn read_one(end: &OwnedHandle, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<Option<usize>> {
    loop {
        let ended = overlapped::read(end, buffer, deadline).map_err(|e| Error::os(READ, e))?;
        let Some(ended) = ended else { return Ok(None) };
        match (ended.code, ended.bytes) {
            // Somebody has written nothing, which isn't the end.
            (0, 0) => {}
            (0 | ERROR_MORE_DATA, read) => return Ok(Some(read)),
            (ERROR_BROKEN_PIPE | ERROR_PIPE_NOT_CONNECTED, _) => return Ok(Some(0)),
            _ => return ended.bytes().map(Some).map_err(|error| Error::os(READ, error)),
        }
    }
}

fn written(ended: Ended) -> Result<usize> {
    ended.bytes().map_err(|error| match ended.code {
        ERROR_NO_DATA | ERROR_BROKEN_PIPE | ERROR_PIPE_NOT_CONNECTED => {
            let why = "nobody reads it any more";
            Error::new(ErrorKind::Disconnected, WRITE, why).with_source(error)
        }
        _ => Error::os(WRITE, error),
    })
}

/// What both ends are to the rest of the system: a handle.
macro_rules! handle {
    ($end:ident) => {
        impl Transfer<WindowsHandle> for $end {
            fn to_handle(&self) -> Result<WindowsHandle> {
                Ok(self.another()?.into())
            }

            fn from_handle(handle: WindowsHandle) -> Result<Self> {
                Self::opened_from(handle.into())
            }
        }

        /// An overlapped one, from which other programs can do one thing at a time: the input or output of a
        /// child, say.
        impl TryFrom<$end> for OwnedHandle {
            type Error = Error;

            fn try_from(end: $end) -> Result<Self> {
                end.into_file()
            }
        }

        /// Where it is an overlapped one of the right end of a pipe, named or not.
        impl TryFrom<OwnedHandle> for $end {
            type Error = Error;

            fn try_from(end: OwnedHandle) -> Result<Self> {
                Self::opened_from(end)
            }
        }
    };
}

handle!(WindowsPipeReader);
handle!(WindowsPipeWriter);

impl WindowsPipeReader {
    /// Of a named one another pipe, into which a thread copies what comes: other programs expect neither messages nor
    /// several handles. It ends with this process.
    fn into_file(self) -> Result<OwnedHandle> {
        match self.0 {
            Source::One(end) => Ok(end),
            Source::Named(_) => {
                let (reader, writer) = Windows::pipe()?;
                let copying = thread::Builder::new().name("strait-copy".to_owned());
                let started = copying.spawn(move || copy(&self, &writer));
                started.map_err(|error| Error::os(TAKE, error))?;
                reader.into_file()
            }
        }
    }
}

/// Until the end of either.
fn copy(reader: &WindowsPipeReader, writer: &WindowsPipeWriter) {
    let mut chunk = vec![0; ROOM];
    while let Ok(read @ 1..) = reader.read(&mut chunk, Deadline::NEVER) {
        let mut rest = &chunk[..read];
        while !rest.is_empty() {
            match writer.write(rest, Deadline::NEVER) {
                Ok(written) => rest = &rest[written..],
                Err(_) => return,
            }
        }
    }
}

impl WindowsPipeWriter {
    fn into_file(self) -> Result<OwnedHandle> {
        let Self { end, left } = self;
        drop(left);
        Arc::try_unwrap(end).or_else(|shared| duplicate(&shared))
    }
}

const READ: &str = "read from a pipe";
const WRITE: &str = "write to a pipe";
const TAKE: &str = "take the end of a pipe";

/// How often somebody may have the random name of a pipe.
const TRIES: u32 = 16;

fn is_taken(error: &std::io::Error) -> bool {
    let codes = [ERROR_PIPE_BUSY, ERROR_ACCESS_DENIED, ERROR_FILE_NOT_FOUND];
    codes.iter().any(|&code| error.raw_os_error() == Some(code as i32))
}

fn duplicate(end: impl AsHandle) -> Result<OwnedHandle> {
    let copy = end.as_handle().try_clone_to_owned();
    copy.map_err(|error| Error::os("clone the end of a pipe", error))
}

#[cfg(test)]
mod tests;
