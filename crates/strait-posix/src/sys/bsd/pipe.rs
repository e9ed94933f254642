//! Ends of pipes.
//!
//! An end can't be opened once more, so its description is shared with whoever has the end, and whether it blocks
//! is the same for all of them. Ends of strait don't; one that is handed out for other programs does, and then
//! those that were cloned from it do too. So each attempt looks first whether it would have to wait.

use crate::{poll, quiet_write, sys::raw};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{self, Errno, Result},
    pipe::PIPE_BUF,
};
use std::os::fd::{AsFd, OwnedFd};
use strait_core::Deadline;

/// A pipe whose ends don't block.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    raw::pipe()
}

/// Another descriptor of the same end, which doesn't block.
pub(crate) fn opened_again(end: impl AsFd, _how: OFlags) -> Result<OwnedFd> {
    let again = io::fcntl_dupfd_cloexec(end, 0)?;
    let flags = fcntl_getfl(&again)?;
    if !flags.contains(OFlags::NONBLOCK) {
        fcntl_setfl(&again, flags | OFlags::NONBLOCK)?;
    }
    Ok(again)
}

/// Reads, and doesn't wait, unless who shares the description has just read what there was.
pub(crate) fn read(end: impl AsFd, buffer: &mut [u8]) -> Result<usize> {
    match poll::readable(&end, Deadline::now())? {
        true => io::read(end, buffer),
        false => Err(Errno::AGAIN),
    }
}

/// Writes, and doesn't wait, unless who shares the description has just filled it; `EPIPE` comes without a
/// signal.
pub(crate) fn write(end: impl AsFd, bytes: &[u8]) -> Result<usize> {
    if !poll::writable(&end, Deadline::now())? {
        return Err(Errno::AGAIN);
    }
    // For as much there is room in a pipe that can be written to.
    let room = match fcntl_getfl(&end)?.contains(OFlags::NONBLOCK) {
        true => bytes.len(),
        false => bytes.len().min(PIPE_BUF),
    };
    quiet_write::write(end, &bytes[..room])
}
