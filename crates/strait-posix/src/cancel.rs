//! Ending waits before their time, by a pipe with a byte in it, which nobody reads.

use crate::{poll, sys::pipe};
use rustix::io::{Errno, write};
use std::{
    any::Any,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};
use strait_core::{Cancel, Deadline, Error, Result};

/// What ends waits before their time. Its descriptor is readable from then on.
///
/// A forked child shares it: what cancels here cancels there, and the other way round, as soon as
/// somebody waits for a descriptor.
#[derive(Debug)]
pub struct PosixCancel {
    /// So that nobody has to ask the kernel.
    cancelled: AtomicBool,
    reader: OwnedFd,
    writer: OwnedFd,
}

impl PosixCancel {
    /// The one that a deadline carries, if it is of this kind.
    pub(crate) fn of<'a>(deadline: Deadline<'a>) -> Option<&'a Self> {
        deadline.cancel()?.as_any().downcast_ref()
    }

    /// It was seen to be readable.
    pub(crate) fn notice(&self) {
        self.cancelled.store(true, Ordering::Release);
    }
}

impl Cancel for PosixCancel {
    fn new() -> Result<Self> {
        let (reader, writer) =
            pipe::pipe().map_err(|errno| Error::os("make a cancellation token", errno))?;
        Ok(Self { cancelled: AtomicBool::new(false), reader, writer })
    }

    fn cancel(&self) {
        if !self.cancelled.swap(true, Ordering::AcqRel) {
            // Its one byte always has room, and it has a reader: this one.
            while write(&self.writer, b"!") == Err(Errno::INTR) {}
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        let failed = |errno| Error::os("wait for a cancellation", errno);
        let ready =
            self.is_cancelled() || poll::readable(&self.reader, deadline).map_err(failed)?;
        if ready {
            self.notice();
        }
        Ok(ready)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl AsFd for PosixCancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
