//! A place in which one living process is at a time.

use crate::{exercises::ensure, state::State};
use std::sync::atomic::{AtomicU64, Ordering};
use strait::Shareable;
use strait_conformance::{Failure, Verdict};

/// Where whoever has something for itself alone enters itself, to find out whether anybody else has it
/// too.
#[derive(Debug, Shareable)]
#[repr(transparent)]
pub(crate) struct Sole(AtomicU64);

impl Sole {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Enters with the ticket of a worker. Returns whether somebody died in there.
    pub(crate) fn enter(&self, ticket: u64, state: &State) -> Result<bool, Failure> {
        let before = self.0.swap(ticket, Ordering::SeqCst);
        let life = life_of(before);
        ensure!(
            before == 0 || !state.lives(life),
            "life {} was let in where life {life}, which goes on, is inside",
            life_of(ticket)
        );
        Ok(before != 0)
    }

    pub(crate) fn leave(&self, ticket: u64) -> Verdict {
        let after = self.0.swap(0, Ordering::SeqCst);
        let (mine, other) = (life_of(ticket), life_of(after));
        ensure!(after == ticket, "life {other} came in and out where life {mine} was inside");
        Ok(())
    }
}

/// A number that is used once: by which worker, and for the how manieth time.
pub(crate) fn ticket(life: u64, count: u64) -> u64 {
    life << 32 | count
}

/// Whose it is.
pub(crate) fn life_of(ticket: u64) -> u64 {
    ticket >> 32
}
