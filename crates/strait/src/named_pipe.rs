//! Pipes under a name.

use crate::pipe::{PipeReader, PipeWriter};
use std::{fmt, path::Path, time::Duration};
use strait_core::{Backend, Capability, Deadline, Name, NamedPipe as _, Result};

/// A pipe that processes find by its name, and the right to that name.
///
/// Who creates it owns the name: dropping this frees it, and where its process is killed, the name is
/// reclaimed by whoever uses it next. Ends that are open go on either way. The ends are those of
/// [`pipe()`](crate::generic::pipe): any number of processes may have them open, and reading ends when the
/// last writer has left. A name that a live process uses for a channel is taken.
///
/// Other programs use its [`path`](Self::path) as any other: `cat < path`.
///
/// ```
/// use std::{io::{Read, Write}, thread, time::Duration};
/// use strait::NamedPipe;
///
/// let name = format!("doc/pipe-{}", std::process::id());
/// let pipe = NamedPipe::create(&name)?;
/// # let other = name.clone();
///
/// // In any other process of this user:
/// let sent = thread::spawn(move || -> std::io::Result<()> {
///     let mut writer = NamedPipe::open_writer_timeout(&other, Duration::from_secs(10))?;
///     writer.write_all(b"by its name")
/// });
///
/// let mut all = String::new();
/// pipe.reader()?.read_to_string(&mut all)?;
/// assert_eq!(all, "by its name");
/// # sent.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Portability
///
/// | system | is |
/// |---|---|
/// | Linux, macOS, FreeBSD | a FIFO of mode 0600 in a directory that only this user can enter |
/// | Windows | a named pipe, whose path is another each time; other programs can write to it while it is read |
///
/// On Windows a writer writes to one of the readers, as long as that one lives.
///
/// On Linux waiting until somebody creates it takes one of the user's inotify instances, of which there are some
/// 128 (`fs.inotify.max_user_instances`): `LimitReached` or `Os`, where there are no more.
pub struct NamedPipe<B: Backend> {
    owner: B::NamedPipe,
    name: Name,
}

impl<B: Backend> NamedPipe<B> {
    /// Creates a pipe.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, where a live process has the name; `InvalidInput`, where it is none.
    pub fn create(name: impl AsRef<str>) -> Result<Self> {
        B::CAPABILITIES.require(Capability::NamedPipes, "create a named pipe")?;
        let name = Name::new(name.as_ref())?;
        Ok(Self { owner: B::create_pipe(&name)?, name })
    }

    /// Opens the end that is read from. It doesn't wait: reading waits for the first writer.
    ///
    /// Where all writers have left, reading gives 0 bytes; opened again, it waits for another one. An end that had
    /// no writer when the name was freed waits for one that can't come: read it with a deadline, and open it again.
    ///
    /// # Errors
    ///
    /// `NotFound`, where nobody who lives has created the pipe; `TypeMismatch`, where the name is
    /// something else's; `Foreign`, where another program has put something in the pipe's place.
    pub fn open_reader(name: impl AsRef<str>) -> Result<PipeReader<B>> {
        Self::open_reader_deadline(name, Deadline::now())
    }

    /// Opens the end that is read from; waits until somebody creates the pipe, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader).
    pub fn open_reader_timeout(name: impl AsRef<str>, timeout: Duration) -> Result<PipeReader<B>> {
        Self::open_reader_deadline(name, timeout)
    }

    /// Opens the end that is read from; waits until somebody creates the pipe, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader).
    pub fn open_reader_deadline<'d>(
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<PipeReader<B>> {
        B::CAPABILITIES.require(Capability::NamedPipes, OPEN)?;
        let end = B::open_reader(&Name::new(name.as_ref())?, deadline.into().check(OPEN)?)?;
        Ok(PipeReader::from_backend(end))
    }

    /// Opens the end that is written to; waits until somebody has it open for reading.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader): `NotFound` also where whoever created it ends meanwhile, or
    /// the name is freed.
    pub fn open_writer(name: impl AsRef<str>) -> Result<PipeWriter<B>> {
        Self::open_writer_by(name.as_ref(), Deadline::now(), Deadline::NEVER)
    }

    /// Opens the end that is written to; waits until somebody creates the pipe and somebody has it open
    /// for reading, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader), and `TimedOut`, where there is a pipe and nobody
    /// reads it.
    pub fn open_writer_timeout(name: impl AsRef<str>, timeout: Duration) -> Result<PipeWriter<B>> {
        Self::open_writer_deadline(name, timeout)
    }

    /// Opens the end that is written to, as [`open_writer_timeout`](Self::open_writer_timeout) does,
    /// until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`open_writer_timeout`](Self::open_writer_timeout).
    pub fn open_writer_deadline<'d>(
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<PipeWriter<B>> {
        let deadline = deadline.into().check(OPEN)?;
        Self::open_writer_by(name.as_ref(), deadline, deadline)
    }

    /// Frees a name, whoever has it. Ends that are open go on.
    ///
    /// # Errors
    ///
    /// `NotFound`, where there is no such pipe; `TypeMismatch`, where the name is something else's.
    pub fn remove(name: impl AsRef<str>) -> Result<()> {
        B::CAPABILITIES.require(Capability::NamedPipes, "remove a named pipe")?;
        B::remove_pipe(&Name::new(name.as_ref())?)
    }

    /// [`open_reader`](Self::open_reader) with this pipe's name.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader): also an owner's name can be
    /// [removed](Self::remove) by others.
    pub fn reader(&self) -> Result<PipeReader<B>> {
        Self::open_reader(&self.name)
    }

    /// [`open_writer`](Self::open_writer) with this pipe's name.
    ///
    /// # Errors
    ///
    /// Those of [`open_writer`](Self::open_writer).
    pub fn writer(&self) -> Result<PipeWriter<B>> {
        Self::open_writer(&self.name)
    }

    /// [`open_writer_timeout`](Self::open_writer_timeout) with this pipe's name.
    ///
    /// # Errors
    ///
    /// Those of [`open_writer_timeout`](Self::open_writer_timeout).
    pub fn writer_timeout(&self, timeout: Duration) -> Result<PipeWriter<B>> {
        self.writer_deadline(timeout)
    }

    /// [`open_writer_deadline`](Self::open_writer_deadline) with this pipe's name.
    ///
    /// # Errors
    ///
    /// Those of [`open_writer_timeout`](Self::open_writer_timeout).
    pub fn writer_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<PipeWriter<B>> {
        Self::open_writer_by(self.name.as_str(), Deadline::now(), deadline.into().check(OPEN)?)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where other programs find it.
    pub fn path(&self) -> &Path {
        self.owner.path()
    }

    fn open_writer_by(
        name: &str,
        there_by: Deadline<'_>,
        read_by: Deadline<'_>,
    ) -> Result<PipeWriter<B>> {
        B::CAPABILITIES.require(Capability::NamedPipes, OPEN)?;
        let end = B::open_writer(&Name::new(name)?, there_by, read_by)?;
        Ok(PipeWriter::from_backend(end))
    }
}

impl<B: Backend> fmt::Debug for NamedPipe<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedPipe").field("name", &self.name).field("path", &self.path()).finish()
    }
}

const OPEN: &str = "open a named pipe";
