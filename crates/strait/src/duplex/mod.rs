//! Traffic both ways, over two pipes.

mod listener;

pub use listener::DuplexListener;

use crate::{
    pipe::{PipeReader, PipeWriter, pipe},
    until::Until,
};
use std::{
    fmt,
    io::{self, Read, Write},
    time::Duration,
};
use strait_core::{Backend, Deadline, Result};

/// One end of two pipes: what is written at this end is read at the other, and the other way round.
///
/// It is a [`Read`] and a [`Write`], also by shared reference, so that one thread can write while another
/// reads. A pipe holds some 64 KiB: two that both write more than that before they read wait for each other.
///
/// Both ends are independent: [`close_write`](Self::close_write) tells the peer that nothing more comes, and
/// what the peer sends is still received. Reading gives 0 bytes where the peer has closed its writing end or
/// is gone, and writing to one that is gone is `Disconnected`, never a signal.
///
/// ```
/// use std::{io::{Read, Write}, thread};
/// use strait::Duplex;
///
/// let (mut here, mut there) = Duplex::pair()?;
/// let echo = thread::spawn(move || -> std::io::Result<()> {
///     let mut question = [0; 8];
///     there.read_exact(&mut question)?;
///     there.write_all(&question)
/// });
/// here.write_all(b"question")?;
///
/// let mut answer = String::new();
/// here.close_write().read_to_string(&mut answer)?;
/// assert_eq!(answer, "question");
/// # echo.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Portability
///
/// The same everywhere, as pipes are.
pub struct Duplex<B: Backend> {
    reader: PipeReader<B>,
    writer: PipeWriter<B>,
}

impl<B: Backend> Duplex<B> {
    /// Two ends that are each other's.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn pair() -> Result<(Self, Self)> {
        let (here_reads, there_writes) = pipe()?;
        let (there_reads, here_writes) = pipe()?;
        Ok((Self::new(here_reads, here_writes), Self::new(there_reads, there_writes)))
    }

    /// The end that reads from one pipe and writes to another.
    pub fn new(reader: PipeReader<B>, writer: PipeWriter<B>) -> Self {
        Self { reader, writer }
    }

    /// The two pipes' ends.
    pub fn split(self) -> (PipeReader<B>, PipeWriter<B>) {
        (self.reader, self.writer)
    }

    /// Tells the peer that nothing more comes. What it sends can still be read.
    ///
    /// Where the writing end was cloned, it takes the end of the clones too.
    pub fn close_write(self) -> PipeReader<B> {
        self.reader
    }

    /// The end that is read from.
    pub fn reader(&self) -> &PipeReader<B> {
        &self.reader
    }

    /// The end that is written to.
    pub fn writer(&self) -> &PipeWriter<B> {
        &self.writer
    }

    /// Reads as much as there is and fits. Waits until there is something, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.reader.read_timeout(buffer, timeout)
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
        self.reader.read_deadline(buffer, deadline)
    }

    /// Writes as much as there is room for. Waits until there is room, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `Disconnected`, where the peer reads no more; `TimedOut`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.writer.write_timeout(bytes, timeout)
    }

    /// Writes as much as there is room for. Waits until there is room, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`write_timeout`](Self::write_timeout).
    pub fn write_deadline<'d>(
        &self,
        bytes: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        self.writer.write_deadline(bytes, deadline)
    }

    /// This end with a deadline for what std's [`Read`] and [`Write`] do.
    pub fn until<'a>(&'a self, deadline: impl Into<Deadline<'a>>) -> Until<'a, Self> {
        Until::new(self, deadline.into())
    }

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self::new(self.reader.try_clone()?, self.writer.try_clone()?))
    }
}

impl<B: Backend> Read for &Duplex<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.reader).read(buffer)
    }
}

impl<B: Backend> Read for Duplex<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl<B: Backend> Write for &Duplex<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.writer).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Backend> Write for Duplex<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Backend> fmt::Debug for Duplex<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("reader", &self.reader)
            .field("writer", &self.writer)
            .finish()
    }
}
