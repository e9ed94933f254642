//! Pipes.

use crate::until::Until;
use std::{
    fmt,
    io::{self, Read, Write},
    time::Duration,
};
use strait_core::{Backend, Capability, Deadline, PipeRead, PipeWrite, ReadNow, Result};

/// Makes a pipe: what is written at one end is read at the other, in order, as bytes without boundaries.
///
/// # Errors
///
/// `Os`, where there are no more handles.
pub fn pipe<B: Backend>() -> Result<(PipeReader<B>, PipeWriter<B>)> {
    B::CAPABILITIES.require(Capability::Pipes, "make a pipe")?;
    let (reader, writer) = B::pipe()?;
    Ok((PipeReader { end: reader }, PipeWriter { end: writer }))
}

/// The end of a pipe that is read from. Dropping the last one tells who writes.
///
/// It is a [`Read`], also by shared reference. Reading gives 0 bytes where there is no writer any more and
/// everything was read. A signal that this process handles meanwhile isn't seen.
///
/// No child process inherits it, unless it is made its input: then it blocks there, as other programs
/// expect.
///
/// ```
/// use std::io::{Read, Write};
///
/// let (mut reader, mut writer) = strait::pipe()?;
/// writer.write_all(b"one way")?;
/// drop(writer);
///
/// let mut all = String::new();
/// reader.read_to_string(&mut all)?;
/// assert_eq!(all, "one way");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PipeReader<B: Backend> {
    end: B::Reader,
}

/// The end of a pipe that is written to. Dropping the last one tells who reads.
///
/// It is a [`Write`], also by shared reference. Where nobody reads any more that is an error, of kind
/// `Disconnected` or [`io::ErrorKind::BrokenPipe`], and never a signal that ends this process, whatever it
/// does about such signals.
///
/// At most [`ATOMIC`](Self::ATOMIC) bytes are written in one piece: several can write messages to one
/// pipe.
///
/// ```
/// use std::time::Duration;
/// use strait::ErrorKind;
///
/// let (reader, writer) = strait::pipe()?;
/// drop(reader);
/// let error = writer.write_timeout(b"lost", Duration::from_secs(1)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Disconnected);
/// # Ok::<(), strait::Error>(())
/// ```
pub struct PipeWriter<B: Backend> {
    end: B::Writer,
}

impl<B: Backend> PipeReader<B> {
    /// Reads as much as there is and fits. Waits until there is something, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.read_deadline(buffer, timeout)
    }

    /// Reads as much as there is and fits. Waits until there is something, or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`.
    pub fn read_deadline<'d>(
        &self,
        buffer: &mut [u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        self.end.read(buffer, deadline.into().check(READ)?)
    }

    /// Reads what there is without waiting, and says whether it is in vain to wait: for a writer of a pipe the name
    /// of which was freed before one came.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn read_now(&self, buffer: &mut [u8]) -> Result<ReadNow> {
        self.end.read_now(buffer)
    }

    /// This end with a deadline for what std's [`Read`] does: `pipe.until(deadline).read_exact(…)`.
    pub fn until<'a>(&'a self, deadline: impl Into<Deadline<'a>>) -> Until<'a, Self> {
        Until::new(self, deadline.into())
    }

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self { end: self.end.try_clone()? })
    }

    /// The backend's own end.
    pub fn backend(&self) -> &B::Reader {
        &self.end
    }

    /// The backend's own end.
    pub fn into_backend(self) -> B::Reader {
        self.end
    }

    /// That of a backend's own end.
    pub fn from_backend(end: B::Reader) -> Self {
        Self { end }
    }
}

impl<B: Backend> PipeWriter<B> {
    /// As many bytes are written in one piece: all of them or none, and never with another writer's in
    /// between.
    pub const ATOMIC: usize = B::Writer::ATOMIC;

    /// Writes as much as there is room for: all, where it is at most [`ATOMIC`](Self::ATOMIC) bytes. Waits
    /// until there is room, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `Disconnected`, where nobody reads any more; `TimedOut`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.write_deadline(bytes, timeout)
    }

    /// Writes as much as there is room for, as [`write_timeout`](Self::write_timeout) does, until the
    /// deadline.
    ///
    /// # Errors
    ///
    /// Those of [`write_timeout`](Self::write_timeout).
    pub fn write_deadline<'d>(
        &self,
        bytes: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        self.end.write(bytes, deadline.into().check(WRITE)?)
    }

    /// This end with a deadline for what std's [`Write`] does: `pipe.until(deadline).write_all(…)`.
    pub fn until<'a>(&'a self, deadline: impl Into<Deadline<'a>>) -> Until<'a, Self> {
        Until::new(self, deadline.into())
    }

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self { end: self.end.try_clone()? })
    }

    /// The backend's own end.
    pub fn backend(&self) -> &B::Writer {
        &self.end
    }

    /// The backend's own end.
    pub fn into_backend(self) -> B::Writer {
        self.end
    }

    /// That of a backend's own end.
    pub fn from_backend(end: B::Writer) -> Self {
        Self { end }
    }
}

impl<B: Backend> Read for &PipeReader<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.end.read(buffer, Deadline::NEVER)?)
    }
}

impl<B: Backend> Read for PipeReader<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl<B: Backend> Write for &PipeWriter<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.end.write(bytes, Deadline::NEVER)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Backend> Write for PipeWriter<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Backend> fmt::Debug for PipeReader<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeReader").field(&self.end).finish()
    }
}

impl<B: Backend> fmt::Debug for PipeWriter<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeWriter").field(&self.end).finish()
    }
}

const READ: &str = "read from a pipe";
const WRITE: &str = "write to a pipe";
