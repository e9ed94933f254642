//! The parent: kills, replaces, and looks whether the others go on.

use crate::{
    crew::Crew,
    exercises::{Cells, EXERCISES, ensure},
    random::Random,
    report,
    state::{State, WORKERS},
    watchdog::{STUCK, Starvation, Watchdog, whereabouts},
};
use std::{
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};
use strait::{ErrorKind, Shared};
use strait_conformance::{Failure, Verdict, allowed, unique};

/// Kills as many workers, one every few milliseconds. Says what was wrong, if anything was.
pub(crate) fn torture(kills: u64, seed: u64) -> Result<(), String> {
    let name = unique("torture");
    let with_seed = |failure: Failure| format!("{failure}\nseed: {seed}");
    let mut killer = Killer::new(&name, seed).map_err(with_seed)?;
    if let Err(failure) = killer.kill(kills) {
        let Killer { state, killed, .. } = &killer;
        let state = report::state(state);
        return Err(format!("{failure}\nseed: {seed}, after {killed} kills\n{state}"));
    }
    let cells = Cells::name(&name, killer.state.generation());
    killer.end().and_then(|()| nothing_is_left(&name, &cells)).map_err(with_seed)
}

struct Killer {
    begin: Instant,
    seed: u64,
    state: Shared<State>,
    /// What is used up, of this generation.
    cells: Shared<Cells>,
    crew: Crew,
    random: Random,
    killed: u64,
    /// At which exercise they were that were killed; the rest was at none yet.
    killed_at: [u64; EXERCISES.len()],
    /// One that isn't killed for a while, so that it shows if it doesn't go on.
    spared: usize,
    /// The longest that all took to go on where nobody was killed.
    longest_calm: Duration,
    starvation: Starvation,
    watchdog: Watchdog,
}

impl Killer {
    fn new(name: &str, seed: u64) -> Result<Self, Failure> {
        let state = Shared::create(name, State::new())?;
        let cells = Shared::create(Cells::name(name, 0), Cells::new())?;
        let crew = Crew::start(&state, seed)?;
        Ok(Self {
            begin: Instant::now(),
            seed,
            state,
            cells,
            crew,
            random: Random::new(seed),
            killed: 0,
            killed_at: [0; EXERCISES.len()],
            spared: 0,
            longest_calm: Duration::ZERO,
            starvation: Starvation::new(),
            watchdog: Watchdog::start(seed),
        })
    }

    /// Kills as many, then has the rest stop, and looks what they leave.
    fn kill(&mut self, kills: u64) -> Verdict {
        const CALM_EVERY: u64 = 32;
        const SAY_EVERY: u64 = 1000;
        while self.killed < kills {
            let pause = 1_000 + self.random.below(7_000) as u64;
            self.pause(Duration::from_micros(pause))?;
            let victim = self.victim();
            let doing = self.crew.replace(&self.state, victim)?;
            self.killed += 1;
            if let Some(exercise) = doing {
                self.killed_at[exercise] += 1;
            }
            if self.killed % CALM_EVERY == 0 {
                self.wait_for_all()?;
                self.state.tokens.check()?;
                self.spared = self.random.below(WORKERS);
            }
            if self.killed % SAY_EVERY == 0 && self.killed < kills {
                eprintln!("{} of {kills} kills in {:.0?}", self.killed, self.begin.elapsed());
            }
        }
        self.stay_calm()?;
        self.stop()?;
        self.cells.check()?;
        self.state.check_at_end(&self.killed_at)
    }

    /// Ends what has stopped, and says what was done.
    fn end(self) -> Verdict {
        self.crew.finish()?;
        let title =
            format!("{} kills in {:.1?}, seed {}", self.killed, self.begin.elapsed(), self.seed);
        println!("{title}; all others went on within {:.0?}", self.longest_calm);
        print!("{}", report::table(&self.state, &self.killed_at));
        Ok(())
    }

    fn victim(&mut self) -> usize {
        let others = 1 + self.random.below(WORKERS - 1);
        (self.spared + others) % WORKERS
    }

    /// Waits for a while, with a look at everything.
    fn pause(&mut self, pause: Duration) -> Verdict {
        thread::park_timeout(pause);
        self.watchdog.pat();
        let slots = self.state.slots.iter().zip(0..);
        let complaints = slots.filter_map(|(slot, i)| Some(format!("{i}: {}", slot.complaint()?)));
        let complaints = complaints.collect::<Vec<_>>();
        ensure!(complaints.is_empty(), "found by worker {}", complaints.join("\nfound by worker "));
        self.starvation.check(&self.state)?;
        self.renew_cells()?;
        self.state.tick()
    }

    /// Nobody is killed until each of the workers has finished an operation.
    fn wait_for_all(&mut self) -> Verdict {
        let finished = self.state.slots.each_ref().map(|slot| slot.finished());
        self.wait_until(|state, slot| state.slots[slot].finished() != finished[slot])
    }

    /// Nobody is killed for a while, in which nobody may have to wait for long.
    fn stay_calm(&mut self) -> Verdict {
        self.wait_for_all()?;
        let mut sleepers = String::new();
        // Where it is so three times on end, it isn't because the machine is busy.
        for _ in 0..3 {
            self.state.set_calm(true);
            for _ in 0..500 {
                self.pause(Duration::from_millis(2))?;
            }
            self.state.set_calm(false);
            sleepers = self.state.sleepers();
            if sleepers.is_empty() {
                return Ok(());
            }
        }
        Err(format!("nobody was killed, but nobody is woken: {sleepers}").into())
    }

    fn stop(&mut self) -> Verdict {
        self.wait_until(|state, slot| {
            // What goes wrong shows in that they don't stop.
            let _ = state.stop();
            state.slots[slot].has_stopped()
        })
    }

    /// Waits until something holds of all workers.
    fn wait_until(&mut self, holds: impl Fn(&State, usize) -> bool) -> Verdict {
        let begin = Instant::now();
        while let Some(slot) = (0..WORKERS).find(|&slot| !holds(&self.state, slot)) {
            if begin.elapsed() >= allowed(STUCK) {
                let (id, doing) = (self.crew.id(slot), self.state.slots[slot].doing_what());
                let place = whereabouts(id);
                let what = format!("worker {slot}, process {id}, is stuck in {doing:?}{place}");
                return Err(what.into());
            }
            self.pause(Duration::from_millis(1))?;
        }
        self.longest_calm = self.longest_calm.max(begin.elapsed());
        Ok(())
    }

    fn renew_cells(&mut self) -> Verdict {
        if !self.cells.are_used_up() {
            return Ok(());
        }
        let next = self.state.generation() + 1;
        let cells = Shared::create(Cells::name(self.state.name().as_str(), next), Cells::new())?;
        let old = std::mem::replace(&mut self.cells, cells);
        self.state.generation.store(next, Ordering::SeqCst);
        old.check()
    }
}

/// What was shared is gone with who made it.
fn nothing_is_left(state: &str, cells: &str) -> Verdict {
    let found = [Shared::<State>::open(state).err(), Shared::<Cells>::open(cells).err()];
    let kinds = found.map(|error| error.map(|error| error.kind()));
    ensure!(kinds == [Some(ErrorKind::NotFound); 2], "after the end there is still {kinds:?}");
    Ok(())
}
