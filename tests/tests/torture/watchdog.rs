//! Finding out that somebody doesn't go on: a worker, all workers at one of the exercises, or the parent
//! itself.

use crate::{
    exercises::{EXERCISES, ensure},
    state::State,
};
use std::{
    array, fs, process,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};
use strait_conformance::{Verdict, allowed, is_linux};

/// How long a worker may be at one operation.
pub(crate) const STUCK: Duration = Duration::from_secs(5);

/// How long all together may fail to do an exercise even once.
const STARVED: Duration = Duration::from_secs(10);

/// How long the parent may be at one kill. Whatever it does has a limit of its own before that.
const HUNG: Duration = Duration::from_secs(60);

/// When each of the exercises was last seen to have been done.
pub(crate) struct Starvation([(u64, Instant); EXERCISES.len()]);

impl Starvation {
    pub(crate) fn new() -> Self {
        Self([(0, Instant::now()); EXERCISES.len()])
    }

    /// None of them may be done by nobody any more.
    pub(crate) fn check(&mut self, state: &State) -> Verdict {
        let now: [u64; EXERCISES.len()] = array::from_fn(|exercise| state.done(exercise));
        for ((done, since), (now, exercise)) in self.0.iter_mut().zip(now.iter().zip(&EXERCISES)) {
            if done != now {
                (*done, *since) = (*now, Instant::now());
            }
            let name = exercise.name;
            ensure!(
                since.elapsed() < allowed(STARVED),
                "nobody gets through within {STARVED:?}: {name}"
            );
        }
        Ok(())
    }
}

/// Ends the run where its parent isn't heard of any more.
pub(crate) struct Watchdog(Sender<()>);

impl Watchdog {
    pub(crate) fn start(seed: u64) -> Self {
        let (heard, listening) = mpsc::channel();
        thread::spawn(move || {
            loop {
                match listening.recv_timeout(allowed(HUNG)) {
                    Ok(()) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!("the torture itself hangs, with the seed {seed}");
                        process::exit(1);
                    }
                }
            }
        });
        Self(heard)
    }

    /// Says that the parent goes on.
    pub(crate) fn pat(&self) {
        // It listens as long as this is there.
        let _ = self.0.send(());
    }
}

/// What the system says of where a process is, if it says anything.
pub(crate) fn whereabouts(process: u32) -> String {
    if !is_linux() {
        return String::new();
    }
    let file = |name| {
        let text = fs::read_to_string(format!("/proc/{process}/{name}")).ok()?;
        Some(format!("\n{name}: {}", text.trim_end()))
    };
    ["wchan", "syscall", "stack"].into_iter().filter_map(file).collect()
}
