//! A cell behind a mutex that one at a time may touch.

use super::{Attempt, Outcome, ensure, lock};
use crate::{sole::Sole, worker::Worker};
use std::hint::black_box;
use strait::{Shareable, sync::Mutex};
use strait_conformance::Verdict;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Canary {
    cage: Mutex<u64>,
    inside: Sole,
}

impl Canary {
    pub(crate) fn new() -> Self {
        Self { cage: Mutex::new(0), inside: Sole::new() }
    }

    pub(crate) fn check_at_end(&self) -> Verdict {
        let cage = self.cage.try_lock().or_else(strait::sync::LockError::recover);
        ensure!(cage.is_ok(), "canary: all have ended, and somebody holds the lock");
        Ok(())
    }
}

/// Writes into the cell, and looks whether that stays.
pub(super) fn look(worker: &mut Worker<'_>) -> Attempt {
    let canary = &worker.state.canary;
    let Some((mut cage, died)) = lock(&canary.cage, worker.patience())? else {
        return Ok(Outcome::Missed);
    };
    let ticket = worker.ticket();
    let died_inside = canary.inside.enter(ticket, worker.state)?;
    ensure!(died || !died_inside, "who held the lock died, and the next one wasn't told");
    *black_box(&mut *cage) = ticket;
    worker.linger();
    let found = *black_box(&mut *cage);
    ensure!(found == ticket, "{ticket:x} was written, and it is {found:x} although nobody may");
    if died {
        cage.mark_consistent();
        worker.recovered();
    }
    canary.inside.leave(ticket)?;
    drop(cage);
    Ok(Outcome::Done)
}
