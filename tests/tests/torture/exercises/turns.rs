//! Taking turns: who isn't next waits until it is, without a limit, as the others go on.
//!
//! Who has taken its turn says so while it still has the lock: if it dies before, whoever takes the lock
//! over learns of that, and says so instead. Between giving the lock back and saying so it could die with
//! nobody knowing that anything was to be said.

use super::{Attempt, MOMENT, Outcome, Patience, ensure, had, lock};
use crate::{state::WORKERS, worker::Worker};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use strait::{
    Shareable,
    sync::{Condvar, LockError, Mutex},
};
use strait_conformance::Verdict;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Turns {
    /// How many turns there were; who is next follows from that.
    number: Mutex<u64>,
    passed: Condvar,
    /// How many surely were taken. It never goes down.
    taken: AtomicU64,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self { number: Mutex::new(0), passed: Condvar::new(), taken: AtomicU64::new(0) }
    }

    /// Has those that wait look whether they are to end.
    pub(crate) fn wake_all(&self) -> Verdict {
        let number =
            self.number.lock_timeout(Duration::from_secs(5)).or_else(LockError::recover)?;
        drop(number);
        self.passed.notify_all();
        Ok(())
    }
}

/// Waits for its turn, and takes it.
pub(super) fn take(worker: &mut Worker<'_>) -> Attempt {
    let (state, turns) = (worker.state, &worker.state.turns);
    let Some((mut number, mut died)) = lock(&turns.number, worker.patience())? else {
        return Ok(Outcome::Missed);
    };
    let patience = match worker.random.below(64) {
        0 => Patience::Endless,
        1 => Patience::Moment,
        // Or all would wait for the slowest most of the time.
        _ => Patience::None,
    };
    loop {
        if died {
            // A single number is always whole.
            number.mark_consistent();
            worker.recovered();
            turns.passed.notify_all();
        }
        if state.stop.is_set() {
            return Ok(Outcome::Missed);
        }
        let taken = turns.taken.load(Ordering::SeqCst);
        ensure!(*number >= taken, "turn {taken} was taken, and after that it was {}", *number);
        if *number % WORKERS as u64 == worker.slot as u64 {
            break;
        }
        let woken = match patience {
            Patience::Endless => had(turns.passed.wait(number))?,
            Patience::None => return Ok(Outcome::Missed),
            Patience::Moment => match had(turns.passed.wait_timeout(number, MOMENT))? {
                Some(((_, result), died)) if result.timed_out() && !died => {
                    return Ok(Outcome::Missed);
                }
                woken => woken.map(|((number, _), died)| (number, died)),
            },
        };
        (number, died) = woken.ok_or("waiting without a limit ended at its time limit")?;
    }
    worker.linger();
    *number += 1;
    let next = *number;
    worker.linger();
    turns.passed.notify_all();
    worker.linger();
    drop(number);
    turns.taken.fetch_max(next, Ordering::SeqCst);
    Ok(Outcome::Done)
}
