//! An event for each worker: who waits for one that is set goes on, whoever set it, and is dead by now.

use super::{Attempt, Outcome, ensure};
use crate::{state::WORKERS, worker::Worker};
use std::sync::atomic::{AtomicU64, Ordering};
use strait::{Shareable, sync::Event};
use strait_conformance::Verdict;

/// A bell for each worker, which it waits for without a limit, as the parent rings all again and again.
#[derive(Debug, Shareable)]
#[repr(transparent)]
pub(crate) struct Bells([Bell; WORKERS]);

#[derive(Debug, Shareable)]
#[repr(C)]
struct Bell {
    event: Event,
    /// How often it was set, or was about to be.
    set: AtomicU64,
    /// How often it surely let its worker through.
    passed: AtomicU64,
}

impl Bells {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Bell {
            event: Event::auto_reset(),
            set: AtomicU64::new(0),
            passed: AtomicU64::new(0),
        }))
    }

    pub(crate) fn ring_all(&self) {
        self.0.iter().for_each(Bell::ring);
    }

    pub(crate) fn check(&self) -> Verdict {
        for bell in &self.0 {
            // In this order, as it is set before anybody passes.
            let passed = bell.passed.load(Ordering::SeqCst);
            let set = bell.set.load(Ordering::SeqCst);
            ensure!(passed <= set, "bells: one was rung {set} times, and heard {passed} times");
        }
        Ok(())
    }
}

impl Bell {
    fn ring(&self) {
        self.set.fetch_add(1, Ordering::SeqCst);
        self.event.set();
    }
}

/// Rings for others, and waits to be rung for.
pub(super) fn ring_and_wait(worker: &mut Worker<'_>) -> Attempt {
    let Bells(bells) = &worker.state.bells;
    for _ in 0..3 {
        let other = worker.anyone();
        bells[other].ring();
    }
    let own = &bells[worker.slot];
    own.event.wait()?;
    own.passed.fetch_add(1, Ordering::SeqCst);
    Ok(Outcome::Done)
}
