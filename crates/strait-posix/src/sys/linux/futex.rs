//! Sleeping on a word: the futex, not private to a process, on the monotonic clock.

use crate::poll;
use rustix::{
    io::Errno,
    thread::futex::{self, Flags},
};
use std::sync::atomic::AtomicU32;
use strait_core::{Deadline, Error, Result, WaitOutcome};

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
    let timeout = poll::timeout(deadline);
    match futex::wait(word, Flags::empty(), expected, timeout.as_ref()) {
        // A signal's handler ran, or the word had changed: for the caller the same as a wake-up.
        Ok(()) | Err(Errno::INTR | Errno::AGAIN) => Ok(WaitOutcome::Woken),
        // Only a look whether it was cancelled.
        Err(Errno::TIMEDOUT) if deadline.cancel().is_some() && !deadline.has_passed() => {
            Ok(WaitOutcome::Woken)
        }
        Err(Errno::TIMEDOUT) => Ok(WaitOutcome::TimedOut),
        Err(errno) => Err(Error::os("wait on a word of shared memory", errno)),
    }
}

pub(crate) fn wake(word: &AtomicU32, how_many: u32) {
    // It fails only for addresses that aren't mapped or aligned, which a reference never is.
    let _ = futex::wake(word, Flags::empty(), how_many);
}
