//! A process that does exercises in a random order, without a pause, until it is stopped or killed.

use crate::{
    exercises::{Cells, EXERCISES, LEDGER, Outcome, Patience, balance},
    random::Random,
    slot::Slot,
    sole,
    state::State,
};
use std::{hint, io, process, sync::Arc, thread, time::Instant};
use strait::Shared;
use strait_conformance::{Actor, Failure, Peer, PeerError, Stage, Verdict, actors};

pub(crate) fn actors() -> Vec<Actor> {
    actors![work]
}

/// Starts a worker on what is shared under this name.
pub(crate) fn start(name: &str, slot: usize, life: u64, seed: u64) -> Result<Peer, PeerError> {
    Peer::with_args(work, [name, &slot.to_string(), &life.to_string(), &seed.to_string()])
}

/// The actor.
fn work(stage: &mut Stage) -> Verdict {
    let name = stage.arg(0);
    let state = Arc::new(Shared::<State>::open(name)?);
    let (slot, life) = (stage.arg(1).parse()?, stage.arg(2).parse()?);
    end_with_parent(Arc::clone(&state));
    let mut worker = Worker {
        name,
        state: &state,
        slot,
        life,
        tickets: 0,
        random: Random::new(stage.arg(3).parse()?),
        cells: None,
        at: LEDGER,
    };
    worker.run().inspect_err(|failure| {
        let slot = worker.me();
        slot.complain(&format!("{}: {failure}", slot.doing_what()));
    })
}

/// Nobody else would end it where the parent was killed.
fn end_with_parent(state: Arc<Shared<State>>) {
    thread::spawn(move || {
        while let Ok(1..) = io::stdin().read_line(&mut String::new()) {}
        if !state.stop.is_set() {
            process::exit(1);
        }
    });
}

/// One life of a worker.
pub(crate) struct Worker<'a> {
    /// Under which the state is shared.
    name: &'a str,
    pub(crate) state: &'a State,
    pub(crate) slot: usize,
    life: u64,
    tickets: u64,
    pub(crate) random: Random,
    /// What it has open of what is used up, and its generation.
    cells: Option<(u64, Arc<Shared<Cells>>)>,
    /// The exercise that it is at.
    at: usize,
}

impl Worker<'_> {
    fn run(&mut self) -> Verdict {
        self.me().begin(LEDGER);
        balance(self)?;
        while !self.state.stop.is_set() {
            let exercise = self.chosen();
            self.perform(exercise)?;
        }
        self.me().stop();
        Ok(())
    }

    /// Does one exercise, maybe in the midst of another.
    pub(crate) fn perform(&mut self, exercise: usize) -> Verdict {
        let (before, at) = (self.me().begin(exercise), self.at);
        self.at = exercise;
        let (calm, begin) = (self.state.is_calm(), Instant::now());
        if (EXERCISES[exercise].perform)(self)? == Outcome::Done {
            self.me().count_done(exercise);
        }
        if calm && self.state.is_calm() {
            self.me().count_wait(exercise, begin.elapsed());
        }
        self.at = at;
        self.me().end(before);
        Ok(())
    }

    /// Counts that it took over what a dead one had.
    pub(crate) fn recovered(&self) {
        self.me().count_recovered(self.at);
    }

    /// A number that nobody else has, nor this one ever again.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        sole::ticket(self.life, self.tickets)
    }

    /// How to wait this time for what promises to return. Who waits for a moment finds the dead at its
    /// end, and who doesn't at once, so that not all sleep all the time.
    pub(crate) fn patience(&mut self) -> Patience {
        match self.random.below(4) {
            0 => Patience::Moment,
            1 => Patience::None,
            _ => Patience::Endless,
        }
    }

    /// Holds what it has for a little, or until it gets the processor again.
    pub(crate) fn linger(&mut self) {
        if self.random.one_in(32) {
            return thread::yield_now();
        }
        let most = if self.random.one_in(16) { 5_000 } else { 100 };
        for _ in 0..self.random.below(most) {
            hint::spin_loop();
        }
    }

    /// Holds what it has until others have come to want it, half of the times.
    pub(crate) fn hold(&mut self) {
        match self.random.one_in(2) {
            true => thread::yield_now(),
            false => self.linger(),
        }
    }

    /// Another one, or itself.
    pub(crate) fn anyone(&mut self) -> usize {
        self.random.below(self.state.slots.len())
    }

    /// What is there now of what is used up.
    pub(crate) fn cells(&mut self) -> Result<Arc<Shared<Cells>>, Failure> {
        loop {
            let generation = self.state.generation();
            match &self.cells {
                Some((open, cells)) if *open == generation => return Ok(Arc::clone(cells)),
                _ => self.cells = None,
            }
            match Shared::open(Cells::name(self.name, generation)) {
                Ok(cells) => self.cells = Some((generation, Arc::new(cells))),
                Err(_) if self.state.generation() != generation => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn me(&self) -> &Slot {
        &self.state.slots[self.slot]
    }

    /// An exercise, each as often as its weight says.
    fn chosen(&mut self) -> usize {
        const ALL: usize = {
            let (mut sum, mut i) = (0, 0);
            while i < EXERCISES.len() {
                sum += EXERCISES[i].weight;
                i += 1;
            }
            sum
        };
        let mut left = self.random.below(ALL);
        let chosen =
            EXERCISES.iter().position(|exercise| match left.checked_sub(exercise.weight) {
                Some(rest) => {
                    left = rest;
                    false
                }
                None => true,
            });
        chosen.unwrap_or(LEDGER)
    }
}
