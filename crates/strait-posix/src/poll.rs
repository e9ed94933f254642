//! Waiting until descriptors are readable, with a deadline, whatever signals arrive.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, Result},
};
use std::os::fd::AsFd;
use strait_core::Deadline;

/// Waits until `fd` is readable or hung up; `false` if the deadline passed first.
pub(crate) fn readable(fd: impl AsFd, deadline: Deadline) -> Result<bool> {
    any(&mut [PollFd::new(&fd, PollFlags::IN)], deadline)
}

/// Waits until `fd` can be written to or nobody reads any more; `false` if the deadline passed first.
pub(crate) fn writable(fd: impl AsFd, deadline: Deadline) -> Result<bool> {
    any(&mut [PollFd::new(&fd, PollFlags::OUT)], deadline)
}

/// Waits until one of `fds` is readable or hung up; `false` if the deadline passed first.
pub(crate) fn any(fds: &mut [PollFd<'_>], deadline: Deadline) -> Result<bool> {
    loop {
        match poll(fds, timeout(deadline).as_ref()) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            // The kernel's clock may be a little ahead of ours.
            Ok(0) if !deadline.has_passed() => {}
            Ok(ready) => return Ok(ready > 0),
        }
    }
}

/// The time until a deadline, for the kernel; `None` for ever.
pub(crate) fn timeout(deadline: Deadline) -> Option<Timespec> {
    // What is too long for the kernel's clock is for ever.
    deadline.remaining().and_then(|left| Timespec::try_from(left).ok())
}
