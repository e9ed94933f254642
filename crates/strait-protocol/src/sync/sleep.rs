//! Sleeping on a word: that of a backend, or with `--cfg loom` one that the model brings along.

use crate::primitive::AtomicU32;
use strait_core::{Deadline, Result, WaitOutcome};

/// [`WaitAddress`](strait_core::WaitAddress), over the atomics that this crate uses. Every backend
/// has it.
pub trait Sleep: 'static {
    /// Sleeps while `word` has the value `expected`, until woken, for no reason, or until the
    /// deadline.
    ///
    /// # Errors
    ///
    /// Those of the backend.
    fn sleep(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome>;

    /// Wakes one that sleeps on `word`, if any does.
    fn wake_one(word: &AtomicU32);

    /// Wakes all that sleep on `word`.
    fn wake_all(word: &AtomicU32);
}

#[cfg(not(loom))]
impl<B: strait_core::WaitAddress + 'static> Sleep for B {
    fn sleep(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
        B::wait(word, expected, deadline)
    }

    fn wake_one(word: &AtomicU32) {
        B::wake_one(word);
    }

    fn wake_all(word: &AtomicU32) {
        B::wake_all(word);
    }
}
