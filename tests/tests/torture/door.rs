//! Counting what can be lost by who dies with it, exactly.
//!
//! Each worker notes how far it is with it. Of one that is killed right where it takes or gives back it isn't
//! known whether it had anything; then the parent closes the door, waits until nobody is inside, and counts
//! what is left.

use crate::{exercises::ensure, state::WORKERS};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::Shareable;
use strait_conformance::{Failure, Verdict};

/// Behind it there is something that one takes and gives back.
#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Door {
    closed: AtomicU64,
    notes: [AtomicU64; WORKERS],
}

/// What is known of one that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    HadNothing,
    HadOne,
    /// Nobody knows whether it had one.
    InDoubt,
}

const OUTSIDE: u64 = 0;
const IN_DOUBT: u64 = 1;
const HOLDING: u64 = 2;

impl Door {
    pub(crate) fn new() -> Self {
        Self { closed: AtomicU64::new(0), notes: Default::default() }
    }

    /// Says that it is about to take one. Returns whether it may.
    pub(crate) fn enter(&self, slot: usize) -> bool {
        self.note(slot, IN_DOUBT);
        let open = self.closed.load(Ordering::SeqCst) == 0;
        if !open {
            self.note(slot, OUTSIDE);
        }
        open
    }

    /// Says that it has one.
    pub(crate) fn hold(&self, slot: usize) {
        self.note(slot, HOLDING);
    }

    /// Says that it is about to give it back.
    pub(crate) fn give_back(&self, slot: usize) {
        self.note(slot, IN_DOUBT);
    }

    /// Says that it has none any more.
    pub(crate) fn leave(&self, slot: usize) {
        self.note(slot, OUTSIDE);
    }

    /// Strikes out one that died.
    pub(crate) fn bury(&self, slot: usize) -> Fate {
        match self.notes[slot].swap(OUTSIDE, Ordering::SeqCst) {
            OUTSIDE => Fate::HadNothing,
            HOLDING => Fate::HadOne,
            _ => Fate::InDoubt,
        }
    }

    /// Has something done while nobody is inside.
    pub(crate) fn alone<R>(&self, f: impl FnOnce() -> R) -> Result<R, Failure> {
        self.closed.store(1, Ordering::SeqCst);
        self.wait_until_empty()?;
        let result = f();
        self.closed.store(0, Ordering::SeqCst);
        Ok(result)
    }

    fn wait_until_empty(&self) -> Verdict {
        let begin = Instant::now();
        while self.notes.iter().any(|note| note.load(Ordering::SeqCst) != OUTSIDE) {
            let waited = begin.elapsed();
            ensure!(waited < PATIENCE, "somebody is still inside after {waited:?}: {self:?}");
            thread::park_timeout(Duration::from_micros(50));
        }
        Ok(())
    }

    fn note(&self, slot: usize, note: u64) {
        self.notes[slot].store(note, Ordering::SeqCst);
    }
}

/// Nobody stays inside longer than a moment, but on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);
