//! Sleeping on words of shared memory.

use crate::{Posix, sys::futex};
use std::sync::atomic::AtomicU32;
use strait_core::{Deadline, Result, WaitAddress, WaitOutcome};

impl WaitAddress for Posix {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
        futex::wait(word, expected, deadline)
    }

    fn wake_one(word: &AtomicU32) {
        futex::wake(word, 1);
    }

    fn wake_all(word: &AtomicU32) {
        futex::wake(word, i32::MAX as u32);
    }
}
