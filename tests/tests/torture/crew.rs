//! The workers as their parent has them: processes, each in the place of one that was killed.

use crate::{
    random::Random,
    state::{State, WORKERS},
    worker,
};
use std::time::Duration;
use strait::Shared;
use strait_conformance::{Failure, Peer, Verdict};

pub(crate) struct Crew {
    name: String,
    members: Vec<Peer>,
    /// How many lives were begun.
    lives: u64,
    random: Random,
}

impl Crew {
    /// Starts as many workers as there are slots.
    pub(crate) fn start(state: &Shared<State>, seed: u64) -> Result<Self, Failure> {
        let name = state.name().to_string();
        let mut crew = Self { name, members: Vec::new(), lives: 0, random: Random::new(!seed) };
        for slot in 0..WORKERS {
            let member = crew.begin_life(state, slot)?;
            crew.members.push(member);
        }
        Ok(crew)
    }

    /// The identifier of a worker's process.
    pub(crate) fn id(&self, slot: usize) -> u32 {
        self.members[slot].id()
    }

    /// Kills a worker, and starts another one in its place. Returns at which exercise it was.
    pub(crate) fn replace(&mut self, state: &State, slot: usize) -> Result<Option<usize>, Failure> {
        // From here on it isn't sure any more that it lives.
        state.slots[slot].set_life(0);
        let member = &mut self.members[slot];
        member.set_deadline(PATIENCE);
        member.kill()?;
        let doing = state.bury(slot)?;
        self.members[slot] = self.begin_life(state, slot)?;
        Ok(doing)
    }

    /// Waits for those that were told to stop.
    pub(crate) fn finish(self) -> Verdict {
        for mut member in self.members {
            member.set_deadline(PATIENCE);
            member.finish()?;
        }
        Ok(())
    }

    fn begin_life(&mut self, state: &State, slot: usize) -> Result<Peer, Failure> {
        self.lives += 1;
        let peer = worker::start(&self.name, slot, self.lives, self.random.next())?;
        state.slots[slot].set_life(self.lives);
        Ok(peer)
    }
}

/// How long a process may take to end, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);
