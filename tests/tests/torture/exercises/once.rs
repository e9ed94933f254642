//! What is made and what is done once, in one cell after another: by one at a time, and never again once
//! anybody has seen it.

use super::{Attempt, Outcome, ensure};
use crate::{sole::Sole, worker::Worker};
use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
};
use strait::{
    ErrorKind, Shareable,
    sync::{Once, OnceLock},
};
use strait_conformance::Verdict;

const CELLS: usize = 256;

/// What is used up: when all of it is, the parent makes new ones.
#[derive(Shareable)]
#[repr(C)]
pub(crate) struct Cells {
    /// How many are used up of the values, and of what is done.
    used: [AtomicU64; 2],
    values: [Value; CELLS],
    deeds: [Deed; CELLS],
}

#[derive(Shareable)]
#[repr(C)]
struct Value {
    lock: OnceLock<[u64; 4]>,
    making: Sole,
    /// What the first one saw who saw it.
    seen: AtomicU64,
}

#[derive(Shareable)]
#[repr(C)]
struct Deed {
    once: Once,
    doing: Sole,
    /// How often it was begun.
    begun: AtomicU64,
    /// How often that was when the first one saw that it was done.
    seen: AtomicU64,
}

impl Cells {
    pub(crate) fn new() -> Self {
        Self {
            used: Default::default(),
            values: array::from_fn(|_| Value {
                lock: OnceLock::new(),
                making: Sole::new(),
                seen: AtomicU64::new(0),
            }),
            deeds: array::from_fn(|_| Deed {
                once: Once::new(),
                doing: Sole::new(),
                begun: AtomicU64::new(0),
                seen: AtomicU64::new(0),
            }),
        }
    }

    /// Under which the ones of a generation are shared.
    pub(crate) fn name(state: &str, generation: u64) -> String {
        format!("{state}.cells.{generation}")
    }

    pub(crate) fn are_used_up(&self) -> bool {
        self.used.iter().all(|used| used.load(Ordering::SeqCst) >= CELLS as u64)
    }

    pub(crate) fn check(&self) -> Verdict {
        for value in &self.values {
            // In this order, as nobody sees it before it is made.
            let seen = value.seen.load(Ordering::SeqCst);
            let made = value.lock.get().map_or(0, |made| made[0]);
            ensure!(seen == 0 || seen == made, "once: {seen:x} was seen, and it is {made:x}");
        }
        for deed in &self.deeds {
            let seen = deed.seen.load(Ordering::SeqCst);
            let begun = deed.begun.load(Ordering::SeqCst);
            ensure!(
                seen == 0 || seen == begun,
                "once: begun {seen} times, done, begun {begun} times"
            );
        }
        Ok(())
    }

    /// The next one to be used; where all are, any.
    fn next(&self, which: usize, worker: &mut Worker<'_>) -> usize {
        match self.used[which].load(Ordering::SeqCst) as usize {
            next @ 0..CELLS => next,
            _ => worker.random.below(CELLS),
        }
    }

    fn is_used(&self, which: usize, cell: usize) {
        self.used[which].fetch_max(cell as u64 + 1, Ordering::SeqCst);
    }
}

const VALUES: usize = 0;
const DEEDS: usize = 1;

/// Makes a value, or finds it made.
pub(super) fn write_once(worker: &mut Worker<'_>) -> Attempt {
    let cells = worker.cells()?;
    let next = cells.next(VALUES, worker);
    let cell = &cells.values[next];
    let (limit, mut inside) = (worker.patience().limit(), Ok(()));
    let value = cell.lock.get_or_init_deadline(limit, || {
        let ticket = worker.ticket();
        inside = alone(&cell.making, ticket, worker);
        [ticket; 4]
    });
    inside?;
    let value = match value {
        Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(Outcome::Missed),
        value => *value?,
    };
    ensure!(value[0] != 0 && value == [value[0]; 4], "half a value was seen: {value:x?}");
    let seen = first(&cell.seen, value[0]);
    ensure!(seen == value[0], "{seen:x} was seen, and then {:x}", value[0]);
    cells.is_used(VALUES, next);
    Ok(Outcome::Done)
}

/// Does what is to be done once, or finds it done.
pub(super) fn call_once(worker: &mut Worker<'_>) -> Attempt {
    let cells = worker.cells()?;
    let next = cells.next(DEEDS, worker);
    let cell = &cells.deeds[next];
    let (limit, mut inside) = (worker.patience().limit(), Ok(()));
    let called = cell.once.call_once_deadline(limit, || {
        let ticket = worker.ticket();
        cell.begun.fetch_add(1, Ordering::SeqCst);
        inside = alone(&cell.doing, ticket, worker);
    });
    inside?;
    match called {
        Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(Outcome::Missed),
        called => called?,
    }
    let begun = cell.begun.load(Ordering::SeqCst);
    ensure!(begun > 0 && cell.once.is_completed(), "it is done, and was never begun");
    let seen = first(&cell.seen, begun);
    ensure!(seen == begun, "it was done, and was begun again: {seen} and then {begun} times");
    cells.is_used(DEEDS, next);
    Ok(Outcome::Done)
}

/// Takes a while in which nobody else may be there.
fn alone(sole: &Sole, ticket: u64, worker: &mut Worker<'_>) -> Verdict {
    if sole.enter(ticket, worker.state)? {
        worker.recovered();
    }
    worker.hold();
    sole.leave(ticket)
}

/// What the first one saw: this one, where it is.
fn first(seen: &AtomicU64, now: u64) -> u64 {
    match seen.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst) {
        Ok(_) => now,
        Err(before) => before,
    }
}
