//! A barrier for two: who passes it wasn't there alone, nor with one that had died before it came; and of
//! each two one is the leader.

use super::{Attempt, MOMENT, Outcome, ensure};
use crate::{state::WORKERS, worker::Worker};
use std::sync::atomic::{AtomicU64, Ordering};
use strait::{
    ErrorKind, Shareable,
    sync::{Barrier, BarrierWaitResult},
};
use strait_conformance::Verdict;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Meeting {
    barrier: Barrier,
    /// How often each has come; it says so before.
    came: [AtomicU64; WORKERS],
    /// How often each has left, which it says afterwards, or died there.
    left: [AtomicU64; WORKERS],
    leaders: AtomicU64,
    followers: AtomicU64,
    /// How many didn't learn with whom they met, as they died or somebody did.
    broken: AtomicU64,
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Self {
            barrier: Barrier::new(2),
            came: Default::default(),
            left: Default::default(),
            leaders: AtomicU64::new(0),
            followers: AtomicU64::new(0),
            broken: AtomicU64::new(0),
        }
    }

    pub(crate) fn bury(&self, slot: usize) {
        let came = self.came[slot].load(Ordering::SeqCst);
        if self.left[slot].swap(came, Ordering::SeqCst) != came {
            self.broken.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn check_at_end(&self) -> Verdict {
        let counts = [&self.leaders, &self.followers, &self.broken];
        let [leaders, followers, broken] = counts.map(|count| count.load(Ordering::SeqCst));
        ensure!(
            leaders.abs_diff(followers) <= broken,
            "barrier: {leaders} led and {followers} followed, where {broken} were broken off"
        );
        Ok(())
    }

    /// Whether somebody but this one was there, since as many had left.
    fn somebody_was_there(&self, left: [u64; WORKERS], slot: usize) -> bool {
        (0..WORKERS).any(|i| i != slot && self.came[i].load(Ordering::SeqCst) > left[i])
    }
}

pub(super) fn meet(worker: &mut Worker<'_>) -> Attempt {
    let (meeting, slot) = (&worker.state.meeting, worker.slot);
    let party = match worker.random.one_in(4) {
        true => Some(meeting.barrier.join()?),
        false => None,
    };
    let left = meeting.left.each_ref().map(|left| left.load(Ordering::SeqCst));
    meeting.came[slot].fetch_add(1, Ordering::SeqCst);
    let met = meeting.barrier.wait_timeout(MOMENT);
    let outcome = match met.as_ref().map(BarrierWaitResult::is_leader) {
        Ok(leader) => {
            ensure!(meeting.somebody_was_there(left, slot), "one of two passed where it was alone");
            let role = if leader { &meeting.leaders } else { &meeting.followers };
            role.fetch_add(1, Ordering::SeqCst);
            Outcome::Done
        }
        Err(error) if error.kind() == ErrorKind::TimedOut => Outcome::Missed,
        Err(error) if error.kind() == ErrorKind::Disconnected => {
            meeting.broken.fetch_add(1, Ordering::SeqCst);
            meeting.barrier.repair();
            worker.recovered();
            Outcome::Missed
        }
        Err(_) => return Err(met.err().map_or("".into(), Into::into)),
    };
    meeting.left[slot].fetch_add(1, Ordering::SeqCst);
    drop(party);
    Ok(outcome)
}
