//! What the workers do: for each exercise what it needs in shared memory, one operation, and what has to
//! hold of it although everybody may be killed at any instruction.

mod baton;
mod bells;
mod board;
mod canary;
mod latest;
mod ledger;
mod meeting;
mod once;
mod permits;
mod queue;
mod tokens;
mod turns;

pub(crate) use baton::Baton;
pub(crate) use bells::Bells;
pub(crate) use board::Board;
pub(crate) use canary::Canary;
pub(crate) use latest::Latest;
pub(crate) use ledger::{Ledger, balance};
pub(crate) use meeting::Meeting;
pub(crate) use once::Cells;
pub(crate) use permits::Permits;
pub(crate) use queue::Queue;
pub(crate) use tokens::Tokens;
pub(crate) use turns::Turns;

use crate::worker::Worker;
use Waits::{ForHolders, ForOthers, Never};
use std::time::Duration;
use strait::sync::{LockError, LockResult, Mutex, MutexGuard};
use strait_conformance::Failure;

/// One sort of operation.
pub(crate) struct Exercise {
    pub(crate) name: &'static str,
    /// How often it is chosen, compared to others.
    pub(crate) weight: usize,
    /// Whether who takes over from a dead one learns of it.
    pub(crate) told: bool,
    pub(crate) waits: Waits,
    pub(crate) perform: fn(&mut Worker<'_>) -> Attempt,
}

/// All of them.
pub(crate) const EXERCISES: [Exercise; 15] = [
    exercise("Mutex: ledger", 16, TOLD, ForHolders, ledger::enter),
    exercise("Mutex: canary", 16, TOLD, ForHolders, canary::look),
    exercise("RwLock: read", 24, NOT_TOLD, ForHolders, board::read),
    exercise("RwLock: write", 16, TOLD, ForHolders, board::write),
    exercise("Semaphore: owned", 16, NOT_TOLD, ForHolders, permits::hold),
    exercise("Semaphore: counting", 12, NOT_TOLD, ForHolders, tokens::pass_on),
    exercise("Condvar: turns", 16, TOLD, ForOthers, turns::take),
    exercise("Condvar: queue", 4, TOLD, ForOthers, queue::push_or_pop),
    exercise("Event: bells", 4, NOT_TOLD, ForOthers, bells::ring_and_wait),
    exercise("Event: baton", 8, NOT_TOLD, ForHolders, baton::pass),
    exercise("Barrier: meeting", 3, TOLD, ForOthers, meeting::meet),
    exercise("Once", 12, TOLD, ForHolders, once::call_once),
    exercise("OnceLock", 12, TOLD, ForHolders, once::write_once),
    exercise("SeqLock: read", 12, NOT_TOLD, Never, latest::read),
    exercise("SeqLock: write", 8, TOLD, Never, latest::write),
];

/// Whether who takes over from a dead one learns of it.
const TOLD: bool = true;
const NOT_TOLD: bool = false;

const fn exercise(
    name: &'static str,
    weight: usize,
    told: bool,
    waits: Waits,
    perform: fn(&mut Worker<'_>) -> Attempt,
) -> Exercise {
    Exercise { name, weight, told, waits, perform }
}

/// For what an exercise has to wait at times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    Never,
    /// Until those who hold something give it back.
    ForHolders,
    /// Until others do the same exercise.
    ForOthers,
}

/// The one that others do too while they hold something.
pub(crate) const LEDGER: usize = 0;

/// What became of an operation; an error where something doesn't hold.
pub(crate) type Attempt = Result<Outcome, Failure>;

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// What it needed wasn't to be had in time, and didn't have to be.
    Missed,
}

/// How long to wait, where that isn't for ever.
pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// How an operation waits. What promises to return is mostly waited for without a limit, so that a promise
/// that isn't kept shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    Moment,
    None,
}

impl Patience {
    /// How long it lasts.
    pub(crate) fn limit(self) -> Duration {
        match self {
            Self::Endless => Duration::MAX,
            Self::Moment => MOMENT,
            Self::None => Duration::ZERO,
        }
    }
}

/// Takes a mutex, and says whether its last owner died; `None` where it isn't to be had in time.
pub(crate) fn lock<T>(
    mutex: &Mutex<T>,
    patience: Patience,
) -> Result<Option<(MutexGuard<'_, T>, bool)>, Failure> {
    had(match patience {
        Patience::Endless => mutex.lock(),
        Patience::Moment => mutex.lock_timeout(MOMENT),
        Patience::None => mutex.try_lock(),
    })
}

/// What locking yielded, and whether the last owner died; `None` where it wasn't to be had in time.
pub(crate) fn had<G>(result: LockResult<G>) -> Result<Option<(G, bool)>, Failure> {
    match result {
        Ok(guard) => Ok(Some((guard, false))),
        Err(LockError::OwnerDied(guard)) => Ok(Some((guard, true))),
        Err(LockError::TimedOut | LockError::WouldBlock) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Ends a function with an error where something doesn't hold.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            return Err(format!($($what)+).into());
        }
    };
}

pub(crate) use ensure;
