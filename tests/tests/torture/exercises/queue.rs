//! A queue with room for a few: what is put in comes out, in order, once.

use super::{Attempt, MOMENT, Outcome, ensure, had, lock};
use crate::worker::Worker;
use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
};
use strait::{
    Shareable,
    sync::{Condvar, Mutex, MutexGuard},
};
use strait_conformance::{Failure, Verdict};

const ROOM: u64 = 4;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Queue {
    items: Mutex<Items>,
    pushed: Condvar,
    popped: Condvar,
    /// How many were surely popped. It never goes down.
    taken: AtomicU64,
}

#[derive(Shareable)]
#[repr(C)]
struct Items {
    pushed: u64,
    popped: u64,
    /// Each says which one it is.
    items: [u64; ROOM as usize],
}

impl Queue {
    pub(crate) fn new() -> Self {
        let items = Mutex::new(Items { pushed: 0, popped: 0, items: [0; ROOM as usize] });
        Self { items, pushed: Condvar::new(), popped: Condvar::new(), taken: AtomicU64::new(0) }
    }
}

impl Items {
    fn len(&self) -> u64 {
        self.pushed.wrapping_sub(self.popped)
    }

    fn at(&mut self, number: u64) -> &mut u64 {
        &mut self.items[(number % ROOM) as usize]
    }

    /// What somebody left who died in the midst of it: nothing.
    fn repair(&mut self) {
        self.popped = self.pushed.max(self.popped);
        self.pushed = self.popped;
    }

    fn check(&mut self, taken: u64) -> Verdict {
        let (pushed, popped) = (self.pushed, self.popped);
        ensure!(self.len() <= ROOM, "the lock was whole, but {popped} of {pushed} were popped");
        for number in popped..pushed {
            let found = *self.at(number);
            ensure!(found == number, "item {found} was found in the place of {number}");
        }
        ensure!(popped >= taken, "{taken} were popped, and after that only {popped}");
        Ok(())
    }
}

pub(super) fn push_or_pop(worker: &mut Worker<'_>) -> Attempt {
    if worker.random.one_in(2) { push(worker) } else { pop(worker) }
}

fn push(worker: &mut Worker<'_>) -> Attempt {
    let queue = &worker.state.queue;
    let Some(mut items) = locked(worker, &queue.popped, |items| items.len() == ROOM)? else {
        return Ok(Outcome::Missed);
    };
    let number = items.pushed;
    *black_box(&mut *items).at(number) = number;
    worker.linger();
    black_box(&mut *items).pushed += 1;
    drop(items);
    queue.pushed.notify_one();
    Ok(Outcome::Done)
}

fn pop(worker: &mut Worker<'_>) -> Attempt {
    let queue = &worker.state.queue;
    let Some(mut items) = locked(worker, &queue.pushed, |items| items.len() == 0)? else {
        return Ok(Outcome::Missed);
    };
    let number = items.popped;
    let found = std::mem::replace(black_box(&mut *items).at(number), u64::MAX);
    ensure!(found == number, "item {found} was popped in the place of {number}");
    worker.linger();
    black_box(&mut *items).popped += 1;
    drop(items);
    queue.popped.notify_one();
    queue.taken.fetch_max(number + 1, Ordering::SeqCst);
    Ok(Outcome::Done)
}

/// The items, once they aren't as `condition` says any more; `None` where that takes too long.
fn locked<'a>(
    worker: &mut Worker<'a>,
    changed: &Condvar,
    condition: impl Fn(&Items) -> bool,
) -> Result<Option<MutexGuard<'a, Items>>, Failure> {
    let queue = &worker.state.queue;
    let taken = queue.taken.load(Ordering::SeqCst);
    let mut held = lock(&queue.items, worker.patience())?;
    while let Some((mut items, died)) = held {
        if died {
            items.repair();
            items.mark_consistent();
            worker.recovered();
        }
        items.check(taken)?;
        if !condition(&items) {
            return Ok(Some(items));
        }
        let woken = had(changed.wait_timeout_while(items, MOMENT, |items| condition(items)))?;
        held = match woken {
            Some(((items, result), died)) if died || !result.timed_out() => Some((items, died)),
            _ => None,
        };
    }
    Ok(None)
}
