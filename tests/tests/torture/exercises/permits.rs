//! Permits that are owned: never more are out than there are, and none is lost.

use super::{Attempt, LEDGER, MOMENT, Outcome, Patience, ensure};
use crate::{
    sole::life_of,
    state::{State, WORKERS},
    worker::Worker,
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use strait::{ErrorKind, Shareable, sync::Semaphore};
use strait_conformance::Verdict;

const PERMITS: usize = 3;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Permits {
    semaphore: Semaphore,
    /// The ticket of each worker that has a permit, another one each time; 0 of the others.
    inside: [AtomicU64; WORKERS],
}

impl Permits {
    pub(crate) fn new() -> Self {
        Self { semaphore: Semaphore::new(PERMITS as u32), inside: Default::default() }
    }

    pub(crate) fn bury(&self, slot: usize) {
        self.inside[slot].store(0, Ordering::SeqCst);
    }

    /// Of the dead and the living all were given back.
    pub(crate) fn check_at_end(&self) -> Verdict {
        let acquire = |_| self.semaphore.acquire_timeout(Duration::from_secs(1));
        let permits = (0..PERMITS).map(acquire).collect::<Result<Vec<_>, _>>();
        let permits = permits.map_err(|error| format!("permits: all have ended, but {error}"))?;
        ensure!(self.semaphore.try_acquire().is_err(), "permits: there is one more than there was");
        drop(permits);
        let left = self.semaphore.available();
        ensure!(left as usize == PERMITS, "permits: all were given back, and there are {left}");
        Ok(())
    }

    /// How many living workers had a permit at the same time: those in whose place the same ticket is
    /// found twice had one between the first look of all and the second.
    fn count(&self, state: &State) -> usize {
        let look = || self.inside.each_ref().map(|ticket| ticket.load(Ordering::SeqCst));
        let (first, second) = (look(), look());
        let both = first.into_iter().zip(second);
        both.filter(|&(a, b)| a == b && a != 0 && state.lives(life_of(a))).count()
    }
}

/// Holds a permit, and at times a lock too.
pub(super) fn hold(worker: &mut Worker<'_>) -> Attempt {
    let permits = &worker.state.permits;
    let permit = match worker.patience() {
        Patience::Endless => permits.semaphore.acquire(),
        Patience::Moment => permits.semaphore.acquire_timeout(MOMENT),
        Patience::None => permits.semaphore.try_acquire(),
    };
    let permit = match permit {
        Err(error) if [ErrorKind::TimedOut, ErrorKind::WouldBlock].contains(&error.kind()) => {
            return Ok(Outcome::Missed);
        }
        permit => permit?,
    };
    let inside = &permits.inside[worker.slot];
    inside.store(worker.ticket(), Ordering::SeqCst);
    let count = permits.count(worker.state);
    ensure!(count <= PERMITS, "{count} had one of {PERMITS} permits at the same time");
    match worker.random.one_in(4) {
        true => worker.perform(LEDGER)?,
        false => worker.hold(),
    }
    inside.store(0, Ordering::SeqCst);
    drop(permit);
    Ok(Outcome::Done)
}
