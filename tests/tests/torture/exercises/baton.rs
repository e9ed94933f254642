//! An event that resets itself as a baton: each time it is set one gets it, and no other.

use super::{Attempt, MOMENT, Outcome, ensure};
use crate::{
    door::{Door, Fate},
    sole::Sole,
    worker::Worker,
};
use strait::{ErrorKind, Shareable, sync::Event};
use strait_conformance::Verdict;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Baton {
    /// Set while nobody has it.
    event: Event,
    holder: Sole,
    door: Door,
}

impl Baton {
    pub(crate) fn new() -> Self {
        let event = Event::auto_reset();
        event.set();
        Self { event, holder: Sole::new(), door: Door::new() }
    }

    /// Puts it back where a dead worker had it.
    pub(crate) fn bury(&self, slot: usize) -> Verdict {
        match self.door.bury(slot) {
            Fate::HadNothing => Ok(()),
            Fate::HadOne | Fate::InDoubt => self.door.alone(|| self.event.set()),
        }
    }

    pub(crate) fn check_at_end(&self) -> Verdict {
        ensure!(self.event.try_wait(), "baton: all have ended, and it isn't there");
        ensure!(!self.event.try_wait(), "baton: it is there twice");
        Ok(())
    }
}

/// Takes the baton, and gives it back.
pub(super) fn pass(worker: &mut Worker<'_>) -> Attempt {
    let Baton { event, holder, door } = &worker.state.baton;
    if !door.enter(worker.slot) {
        return Ok(Outcome::Missed);
    }
    let outcome = match event.wait_timeout(MOMENT) {
        Ok(()) => {
            door.hold(worker.slot);
            let ticket = worker.ticket();
            holder.enter(ticket, worker.state)?;
            worker.hold();
            holder.leave(ticket)?;
            door.give_back(worker.slot);
            event.set();
            Outcome::Done
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Missed,
        Err(error) => return Err(error.into()),
    };
    door.leave(worker.slot);
    Ok(outcome)
}
