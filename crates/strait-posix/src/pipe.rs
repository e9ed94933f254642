//! Pipes.
//!
//! An end is an open file description of its own that doesn't block, so that reading and writing have
//! deadlines whatever other readers and writers do. What is handed out for other programs is opened once
//! more, and blocks, as they expect.

use crate::{Posix, PosixHandle, poll, quiet_write};
use rustix::{
    fs::{self, FileType, Mode, OFlags},
    io::{self, Errno},
    pipe::{PIPE_BUF, PipeFlags, pipe_with},
};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use strait_core::{Deadline, Error, ErrorKind, Pipe, PipeRead, PipeWrite, Result, Transfer};

impl Pipe for Posix {
    type Reader = PosixPipeReader;
    type Writer = PosixPipeWriter;

    fn pipe() -> Result<(PosixPipeReader, PosixPipeWriter)> {
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let (reader, writer) = pipe_with(flags).map_err(|errno| Error::os("make a pipe", errno))?;
        Ok((PosixPipeReader(reader), PosixPipeWriter(writer)))
    }
}

/// The end of a pipe that is read from.
#[derive(Debug)]
pub struct PosixPipeReader(OwnedFd);

/// The end of a pipe that is written to.
#[derive(Debug)]
pub struct PosixPipeWriter(OwnedFd);

impl PipeRead for PosixPipeReader {
    fn read(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize> {
        loop {
            if let Some(read) = self.try_read(buffer)? {
                return Ok(read);
            }
            if !poll::readable(&self.0, deadline).map_err(|errno| Error::os(READ, errno))? {
                return Err(deadline.error(READ));
            }
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let failed = |errno| Error::os(READ, errno);
        loop {
            match io::read(&self.0, &mut *buffer) {
                Ok(0) if !buffer.is_empty() => {
                    // One with a name is read as if at its end before the first writer comes, too.
                    match poll::readable_or_ended(&self.0).map_err(failed)? {
                        Some(true) => {}
                        Some(false) => return Ok(Some(0)),
                        None => return Ok(None),
                    }
                }
                Ok(read) => return Ok(Some(read)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    fn try_clone(&self) -> Result<Self> {
        Ok(Self(duplicate(&self.0)?))
    }
}

impl PipeWrite for PosixPipeWriter {
    const ATOMIC: usize = PIPE_BUF;

    fn write(&self, bytes: &[u8], deadline: Deadline<'_>) -> Result<usize> {
        loop {
            if let Some(written) = self.try_write(bytes)? {
                return Ok(written);
            }
            if !poll::writable(&self.0, deadline).map_err(|errno| Error::os(WRITE, errno))? {
                return Err(deadline.error(WRITE));
            }
        }
    }

    fn try_write(&self, bytes: &[u8]) -> Result<Option<usize>> {
        loop {
            match quiet_write::write(&self.0, bytes) {
                Ok(written) => return Ok(Some(written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::PIPE) => return Err(unread(WRITE).with_source(Errno::PIPE)),
                Err(errno) => return Err(Error::os(WRITE, errno)),
            }
        }
    }

    fn try_clone(&self) -> Result<Self> {
        Ok(Self(duplicate(&self.0)?))
    }
}

const READ: &str = "read from a pipe";
const WRITE: &str = "write to a pipe";

impl PosixPipeReader {
    /// That of a descriptor that doesn't block, and is nobody else's.
    pub(crate) fn new(end: OwnedFd) -> Self {
        Self(end)
    }
}

impl PosixPipeWriter {
    /// That of a descriptor that doesn't block, and is nobody else's.
    pub(crate) fn new(end: OwnedFd) -> Self {
        Self(end)
    }
}

/// What both ends are to the rest of the system: a descriptor.
macro_rules! descriptor {
    ($end:ident, $direction:expr, $other:expr) => {
        impl AsFd for $end {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        /// Opened once more on both sides: who has the other description can't make this one block.
        impl Transfer<PosixHandle> for $end {
            fn to_handle(&self) -> Result<PosixHandle> {
                Ok(opened_again(&self.0, $direction | OFlags::NONBLOCK)?.into())
            }

            fn from_handle(handle: PosixHandle) -> Result<Self> {
                OwnedFd::from(handle).try_into()
            }
        }

        /// One that blocks, for other programs: the input or output of a child, say.
        ///
        /// Other programs take a pipe with a name that nobody has opened for writing yet for ended.
        impl TryFrom<$end> for OwnedFd {
            type Error = Error;

            fn try_from(end: $end) -> Result<Self> {
                // One with a name would wait for the other side to be opened.
                let end = opened_again(&end.0, $direction | OFlags::NONBLOCK)?;
                fs::fcntl_setfl(&end, OFlags::empty()).map_err(|errno| Error::os(TAKE, errno))?;
                Ok(end)
            }
        }

        /// Where it is the right end of a pipe, named or not.
        impl TryFrom<OwnedFd> for $end {
            type Error = Error;

            fn try_from(file: OwnedFd) -> Result<Self> {
                check(&file, $other)?;
                Ok(Self(opened_again(&file, $direction | OFlags::NONBLOCK)?))
            }
        }
    };
}

descriptor!(PosixPipeReader, OFlags::RDONLY, OFlags::WRONLY);
descriptor!(PosixPipeWriter, OFlags::WRONLY, OFlags::RDONLY);

const TAKE: &str = "take the end of a pipe";

/// A new open file description of the same end.
fn opened_again(end: &OwnedFd, how: OFlags) -> Result<OwnedFd> {
    let itself = format!("/proc/self/fd/{}", end.as_raw_fd());
    fs::open(itself, how | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| match errno {
        Errno::NXIO => unread(TAKE),
        errno => Error::os(TAKE, errno).hint("mount /proc"),
    })
}

fn check(file: &OwnedFd, other: OFlags) -> Result<()> {
    let failed = |errno| Error::os(TAKE, errno);
    let refused = |why: &str| Err(Error::new(ErrorKind::TypeMismatch, TAKE, why));
    let stat = fs::fstat(file).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo {
        return refused("it is no pipe");
    }
    match fs::fcntl_getfl(file).map_err(failed)? & OFlags::RWMODE {
        mode if mode == other => refused("it is the other end"),
        _ => Ok(()),
    }
}

fn unread(operation: &'static str) -> Error {
    Error::new(ErrorKind::Disconnected, operation, "nobody reads it any more")
}

fn duplicate(end: &OwnedFd) -> Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(end, 0).map_err(|errno| Error::os("clone the end of a pipe", errno))
}
