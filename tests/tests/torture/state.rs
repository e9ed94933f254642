//! What all processes share.

use crate::{
    exercises::{
        Baton, Bells, Board, Canary, EXERCISES, Latest, Ledger, Meeting, Permits, Queue, Tokens,
        Turns, Waits, ensure,
    },
    slot::{Counts, Slot},
};
use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
};
use strait::{Shareable, sync::Event};
use strait_conformance::{Failure, Verdict};

/// How many workers there are.
pub(crate) const WORKERS: usize = 6;

/// What all processes share, but for what is used up: that is `Cells`, of which there is one after
/// another.
#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct State {
    pub(crate) slots: [Slot; WORKERS],
    /// Set when the workers are to end.
    pub(crate) stop: Event,
    /// Whether nobody is being killed for a while.
    calm: AtomicU64,
    /// Which `Cells` there are now.
    pub(crate) generation: AtomicU64,
    pub(crate) ledger: Ledger,
    pub(crate) canary: Canary,
    pub(crate) board: Board,
    pub(crate) permits: Permits,
    pub(crate) tokens: Tokens,
    pub(crate) turns: Turns,
    pub(crate) queue: Queue,
    pub(crate) baton: Baton,
    pub(crate) bells: Bells,
    pub(crate) meeting: Meeting,
    pub(crate) latest: Latest,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            slots: array::from_fn(|_| Slot::new()),
            stop: Event::manual_reset(),
            calm: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            ledger: Ledger::new(),
            canary: Canary::new(),
            board: Board::new(),
            permits: Permits::new(),
            tokens: Tokens::new(),
            turns: Turns::new(),
            queue: Queue::new(),
            baton: Baton::new(),
            bells: Bells::new(),
            meeting: Meeting::new(),
            latest: Latest::new(),
        }
    }

    /// Whether a worker surely is in this life.
    pub(crate) fn lives(&self, life: u64) -> bool {
        self.slots.iter().any(|slot| slot.life() == life)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn set_calm(&self, calm: bool) {
        self.calm.store(calm.into(), Ordering::SeqCst);
    }

    /// How often all workers did an exercise.
    pub(crate) fn done(&self, exercise: usize) -> u64 {
        self.slots.iter().map(|slot| slot.done(exercise)).sum()
    }

    /// How often all workers took over in an exercise what a dead one had.
    pub(crate) fn recovered(&self, exercise: usize) -> u64 {
        self.slots.iter().map(|slot| slot.recovered(exercise)).sum()
    }

    /// Where nobody is being killed, who has to wait is woken, and doesn't find out by itself: at which
    /// exercises that isn't so, if the machine isn't too busy to say.
    pub(crate) fn sleepers(&self) -> String {
        let waits: [Counts; EXERCISES.len()] = array::from_fn(|exercise| {
            let waits = self.slots.iter().map(|slot| slot.take_waits(exercise));
            waits.fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
        });
        let naps = |waiting| {
            let of_these = EXERCISES.iter().zip(waits).filter(move |of| of.0.waits == waiting);
            of_these.map(|(_, [_, napped])| napped).sum::<u64>()
        };
        if naps(Waits::Never) > 0 {
            return String::new();
        }
        let exercises = EXERCISES.iter().zip(waits).filter_map(|(exercise, [woken, napped])| {
            let sleepy = napped >= 10 && 2 * napped >= woken;
            // Who waits for others waits for them to get what they wait for, too.
            let by_itself = exercise.waits != Waits::ForOthers || naps(Waits::ForHolders) == 0;
            let what = format!("{}: {napped} slept as long as a nap, {woken} less", exercise.name);
            (sleepy && by_itself).then_some(what)
        });
        exercises.collect::<Vec<_>>().join(", ")
    }

    /// What has to be done for others whenever time goes on, by one who isn't killed.
    pub(crate) fn tick(&self) -> Verdict {
        self.bells.ring_all();
        self.bells.check()
    }

    /// Strikes out what a worker had noted that is dead now. Returns at which exercise it was.
    pub(crate) fn bury(&self, slot: usize) -> Result<Option<usize>, Failure> {
        self.permits.bury(slot);
        self.meeting.bury(slot);
        self.tokens.bury(slot)?;
        self.baton.bury(slot)?;
        Ok(self.slots[slot].bury())
    }

    /// Has all workers stop after what they are doing. To be said again and again until they have.
    pub(crate) fn stop(&self) -> Verdict {
        self.stop.set();
        self.turns.wake_all()
    }

    /// What has to hold after all have ended, by themselves, but for those that were killed at each of the
    /// exercises.
    pub(crate) fn check_at_end(&self, killed_at: &[u64]) -> Verdict {
        self.check_recoveries(killed_at)?;
        self.ledger.check_at_end()?;
        self.canary.check_at_end()?;
        self.board.check_at_end()?;
        self.permits.check_at_end()?;
        self.tokens.check()?;
        self.baton.check_at_end()?;
        self.meeting.check_at_end()?;
        self.bells.check()
    }

    /// Of many that died some are found, and each by each of the others at most.
    fn check_recoveries(&self, killed_at: &[u64]) -> Verdict {
        const MANY: u64 = 500;
        let kills: u64 = killed_at.iter().sum();
        for (number, (exercise, &killed)) in EXERCISES.iter().zip(killed_at).enumerate() {
            let (name, found) = (exercise.name, self.recovered(number));
            let most = kills * WORKERS as u64;
            ensure!(found <= most, "{name}: of {kills} dead {found} were found");
            // Most of those who wait for others hold nothing when they die.
            let none = exercise.told && exercise.waits != Waits::ForOthers && found == 0;
            ensure!(killed < MANY || !none, "{name}: of {killed} that died at it none was found");
        }
        Ok(())
    }
}
