//! Pipes.
//!
//! An end is an open file description of its own that doesn't block, so that reading and writing have
//! deadlines whatever other readers and writers do. What is handed out for other programs is opened once
//! more, and blocks, as they expect.
//!
//! One of a pipe with a name that is opened after the last writer has left waits for the next one, as if none had
//! ever come. So where the end was reached before, the description that knows of it goes along.

use crate::{Posix, PosixHandle, poll, sys::pipe as system};
use rustix::{
    fs::{self, FileType, OFlags},
    io::{self, Errno},
    pipe::PIPE_BUF,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use strait_core::{
    Deadline, Error, ErrorKind, Pipe, PipeRead, PipeWrite, ReadNow, Result, Transfer,
};

impl Pipe for Posix {
    type Reader = PosixPipeReader;
    type Writer = PosixPipeWriter;

    fn pipe() -> Result<(PosixPipeReader, PosixPipeWriter)> {
        let (reader, writer) = system::pipe().map_err(|errno| Error::os("make a pipe", errno))?;
        Ok((PosixPipeReader::new(reader), PosixPipeWriter::new(writer)))
    }
}

/// The end of a pipe that is read from.
#[derive(Debug)]
pub struct PosixPipeReader {
    end: OwnedFd,
    /// What says in its place whether there is something to read or the end: the description that it was opened
    /// from, where that had seen the last writer leave. It may block, and isn't read from.
    told: Option<OwnedFd>,
}

/// The end of a pipe that is written to.
#[derive(Debug)]
pub struct PosixPipeWriter(OwnedFd);

impl PipeRead for PosixPipeReader {
    fn read(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize> {
        loop {
            if let Some(read) = self.try_read(buffer)? {
                return Ok(read);
            }
            if !poll::readable(self, deadline).map_err(|errno| Error::os(READ, errno))? {
                return Err(deadline.error(READ));
            }
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let failed = |errno| Error::os(READ, errno);
        loop {
            match system::read(&self.end, buffer) {
                Ok(0) if !buffer.is_empty() => {
                    // One with a name is read as if at its end before the first writer comes, too.
                    match poll::readable_or_ended(self).map_err(failed)? {
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

    fn read_now(&self, buffer: &mut [u8]) -> Result<ReadNow> {
        let failed = |errno| Error::os(READ, errno);
        if let Some(read) = self.try_read(buffer)? {
            return Ok(ReadNow::Bytes(read));
        }
        if fs::fstat(&self.end).map_err(failed)?.st_nlink > 0 {
            return Ok(ReadNow::Nothing);
        }
        // The system itself says 0 where there is no writer, be it not yet, and `AGAIN` where there is one.
        match io::read(&self.end, &mut *buffer) {
            // An end, where a writer came and left just now.
            Ok(0) => Ok(self.try_read(buffer)?.map_or(ReadNow::Forsaken, ReadNow::Bytes)),
            Ok(read) => Ok(ReadNow::Bytes(read)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(ReadNow::Nothing),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn try_clone(&self) -> Result<Self> {
        let told = self.told.as_ref().map(duplicate).transpose()?;
        Ok(Self { end: duplicate(&self.end)?, told })
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
            match system::write(&self.0, bytes) {
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
        Self { end, told: None }
    }

    /// That of a descriptor that may be shared.
    fn opened_from(file: OwnedFd) -> Result<Self> {
        let end = opened_again(&file, OFlags::RDONLY)?;
        // Duplicated, so that no child gets it either.
        let told = knows_of_an_end(&file, &end)?.then(|| duplicate(&file)).transpose()?;
        Ok(Self { end, told })
    }

    /// One that knows what this one does.
    fn another(&self) -> Result<OwnedFd> {
        let again = opened_again(&self.end, OFlags::RDONLY)?;
        match knows_of_an_end(self, &again)? {
            // Whoever gets it shares it: there is nothing more to read, and so nothing to block.
            true => duplicate(self),
            false => Ok(again),
        }
    }
}

impl AsFd for PosixPipeReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.told.as_ref().unwrap_or(&self.end).as_fd()
    }
}

impl PosixPipeWriter {
    /// That of a descriptor that doesn't block, and is nobody else's.
    pub(crate) fn new(end: OwnedFd) -> Self {
        Self(end)
    }

    fn opened_from(file: OwnedFd) -> Result<Self> {
        opened_again(&file, OFlags::WRONLY).map(Self)
    }

    fn another(&self) -> Result<OwnedFd> {
        opened_again(&self.0, OFlags::WRONLY)
    }
}

impl AsFd for PosixPipeWriter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What both ends are to the rest of the system: a descriptor.
macro_rules! descriptor {
    ($end:ident, $direction:expr, $other:expr) => {
        /// Opened once more on both sides: who has the other description can't make this one block.
        impl Transfer<PosixHandle> for $end {
            fn to_handle(&self) -> Result<PosixHandle> {
                Ok(self.another()?.into())
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
                // One with a name that blocked would wait for the other side to be opened.
                let end = opened_again(&end, $direction)?;
                fs::fcntl_setfl(&end, OFlags::empty()).map_err(|errno| Error::os(TAKE, errno))?;
                Ok(end)
            }
        }

        /// Where it is the right end of a pipe, named or not.
        impl TryFrom<OwnedFd> for $end {
            type Error = Error;

            fn try_from(file: OwnedFd) -> Result<Self> {
                check(&file, $other)?;
                Self::opened_from(file)
            }
        }
    };
}

descriptor!(PosixPipeReader, OFlags::RDONLY, OFlags::WRONLY);
descriptor!(PosixPipeWriter, OFlags::WRONLY, OFlags::RDONLY);

const TAKE: &str = "take the end of a pipe";

/// A new open file description of the same end, where the system can make one, which doesn't block.
fn opened_again(end: impl AsFd, how: OFlags) -> Result<OwnedFd> {
    system::opened_again(end, how).map_err(|errno| match errno {
        Errno::NXIO => unread(TAKE),
        Errno::NOENT => Error::os(TAKE, errno).hint("mount /proc"),
        errno => Error::os(TAKE, errno),
    })
}

/// Whether a description says that the last writer has left, and one that was opened later doesn't.
fn knows_of_an_end(earlier: impl AsFd, later: impl AsFd) -> Result<bool> {
    let is_over = |end| poll::has_no_writer(end).map_err(|errno| Error::os(TAKE, errno));
    Ok(is_over(earlier.as_fd())? && !is_over(later.as_fd())?)
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

fn duplicate(end: impl AsFd) -> Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(end, 0).map_err(|errno| Error::os("clone the end of a pipe", errno))
}
