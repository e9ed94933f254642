//! Tokens that are counted: none appears from nowhere, and none is lost but by who dies with it.

use super::{Attempt, MOMENT, Outcome, ensure};
use crate::{
    door::{Door, Fate},
    worker::Worker,
};
use strait::{ErrorKind, Shareable, sync::Semaphore};
use strait_conformance::Verdict;

const TOKENS: u32 = 2;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Tokens {
    semaphore: Semaphore,
    door: Door,
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { semaphore: Semaphore::counting(TOKENS), door: Door::new() }
    }

    /// Puts the token back that a dead worker had.
    pub(crate) fn bury(&self, slot: usize) -> Verdict {
        match self.door.bury(slot) {
            Fate::HadNothing => Ok(()),
            Fate::HadOne => Ok(self.semaphore.release(1)?),
            Fate::InDoubt => self.count(1),
        }
    }

    /// None may be missing but those of the dead, which were put back.
    pub(crate) fn check(&self) -> Verdict {
        self.count(0)
    }

    /// Counts what is left, of which as many may be missing, and puts those back.
    fn count(&self, missing: u32) -> Verdict {
        self.door.alone(|| {
            let left = self.semaphore.available();
            ensure!(
                (TOKENS - missing..=TOKENS).contains(&left),
                "tokens: {left} are left of {TOKENS}, of which {missing} may be missing"
            );
            Ok(self.semaphore.release(TOKENS - left)?)
        })?
    }
}

/// Takes a token, and gives one back.
pub(super) fn pass_on(worker: &mut Worker<'_>) -> Attempt {
    let Tokens { semaphore, door } = &worker.state.tokens;
    if !door.enter(worker.slot) {
        return Ok(Outcome::Missed);
    }
    let outcome = match semaphore.acquire_timeout(MOMENT) {
        Ok(token) => {
            door.hold(worker.slot);
            worker.hold();
            let by_itself = worker.random.one_in(2);
            door.give_back(worker.slot);
            if by_itself {
                drop(token);
            } else {
                token.forget();
                semaphore.release(1)?;
            }
            Outcome::Done
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Missed,
        Err(error) => return Err(error.into()),
    };
    door.leave(worker.slot);
    Ok(outcome)
}
