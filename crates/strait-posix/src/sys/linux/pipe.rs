//! Ends of pipes: each an open file description of its own.

use crate::quiet_write;
use rustix::{
    fs::{self, Mode, OFlags},
    io::{self, Result},
    pipe::{PipeFlags, pipe_with},
};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// A pipe whose ends don't block.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)
}

/// A new open file description of the same end, which doesn't block.
pub(crate) fn opened_again(end: impl AsFd, how: OFlags) -> Result<OwnedFd> {
    let itself = format!("/proc/self/fd/{}", end.as_fd().as_raw_fd());
    fs::open(itself, how | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
}

/// Reads, and doesn't wait.
pub(crate) fn read(end: impl AsFd, buffer: &mut [u8]) -> Result<usize> {
    io::read(end, buffer)
}

/// Writes, and doesn't wait; `EPIPE` comes without a signal.
pub(crate) fn write(end: impl AsFd, bytes: &[u8]) -> Result<usize> {
    quiet_write::write(end, bytes)
}
