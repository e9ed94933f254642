//! Waiting until descriptors are readable, with a deadline, whatever signals arrive.

use crate::PosixCancel;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, Result},
};
use std::{os::fd::AsFd, time::Duration};
use strait_core::Deadline;

/// Waits until `fd` is readable or hung up; `false` if the deadline passed first.
pub(crate) fn readable(fd: impl AsFd, deadline: Deadline<'_>) -> Result<bool> {
    any(&mut [PollFd::new(&fd, PollFlags::IN)], deadline)
}

/// Whether `pipe` has something to read, `true`, or has no writer any more, `false`; `None` if it has
/// something to wait for, as one has that no writer has opened yet.
pub(crate) fn readable_or_ended(pipe: impl AsFd) -> Result<Option<bool>> {
    let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
    let is_ready = any(&mut fds, Deadline::now())?;
    Ok(is_ready.then(|| fds[0].revents().contains(PollFlags::IN)))
}

/// Whether all writers of `pipe` have left, since the first came; there may be something to read still.
pub(crate) fn has_no_writer(pipe: impl AsFd) -> Result<bool> {
    let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
    Ok(any(&mut fds, Deadline::now())? && fds[0].revents().contains(PollFlags::HUP))
}

/// Waits until `fd` can be written to or nobody reads any more; `false` if the deadline passed first.
pub(crate) fn writable(fd: impl AsFd, deadline: Deadline<'_>) -> Result<bool> {
    any(&mut [PollFd::new(&fd, PollFlags::OUT)], deadline)
}

/// Waits until one of `fds` is readable or hung up, and doesn't say which; `false` if the deadline passed
/// first.
pub(crate) fn any(fds: &mut [PollFd<'_>], deadline: Deadline<'_>) -> Result<bool> {
    loop {
        match poll_or_cancel(fds, deadline) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
            // The kernel's clock may be a little ahead of ours.
            Ok(0) if !deadline.has_passed() => {}
            Ok(ready) => return Ok(ready > 0),
        }
    }
}

/// The time until a deadline, for the kernel; `None` for ever. One that can be cancelled by something
/// that the kernel can't wait for is short: the caller looks again.
pub(crate) fn timeout(deadline: Deadline<'_>) -> Option<Timespec> {
    patience(deadline).and_then(for_kernel)
}

/// The same, for whom it is no timeout of poll's.
pub(crate) fn patience(deadline: Deadline<'_>) -> Option<Duration> {
    match deadline.cancel() {
        None => deadline.remaining(),
        Some(_) => deadline.within(LOOK_EVERY).remaining(),
    }
}

/// How often to look whether a wait was cancelled by what can't be waited for.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// What is too long for the kernel's clock is for ever.
fn for_kernel(left: Duration) -> Option<Timespec> {
    Timespec::try_from(left).ok()
}

/// Poll counts milliseconds on some systems, and not many: who waits longer calls it again.
fn for_poll(left: Duration) -> Option<Timespec> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    for_kernel(left.min(LONGEST))
}

/// How many of `fds` are ready.
fn poll_or_cancel(fds: &mut [PollFd<'_>], deadline: Deadline<'_>) -> Result<usize> {
    let Some(cancel) = PosixCancel::of(deadline) else {
        return poll(fds, patience(deadline).and_then(for_poll).as_ref());
    };
    let mut all = fds.to_vec();
    all.push(PollFd::new(cancel, PollFlags::IN));
    let ready = poll(&mut all, deadline.remaining().and_then(for_poll).as_ref())?;
    let cancelled = all.pop().is_some_and(|fd| !fd.revents().is_empty());
    if cancelled {
        cancel.notice();
    }
    Ok(ready - usize::from(cancelled))
}
