//! The watchdog: a behaviour that hangs ends the run instead of hanging it.

use std::{
    collections::BTreeMap,
    process,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Watches every running behaviour with one thread.
#[derive(Debug)]
pub(crate) struct Watchdog {
    yard: Arc<Yard>,
}

impl Watchdog {
    /// Starts the thread, which lives as long as the process.
    pub(crate) fn start() -> Self {
        let yard = Arc::new(Yard::default());
        let watched = Arc::clone(&yard);
        thread::spawn(move || watched.guard());
        Self { yard }
    }

    /// Aborts the process if the result isn't dropped within `limit`.
    pub(crate) fn watch(&self, name: String, limit: Duration) -> Watched<'_> {
        let mut running = self.yard.running();
        running.entered += 1;
        let ticket = (Instant::now() + limit, running.entered);
        running.names.insert(ticket, name);
        self.yard.entered.notify_one();
        Watched { yard: &self.yard, ticket }
    }
}

/// A behaviour that runs.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    yard: &'a Yard,
    ticket: Ticket,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.yard.running().names.remove(&self.ticket);
    }
}

/// When a behaviour has to be done, and a number that tells it from others with the same deadline.
type Ticket = (Instant, u64);

#[derive(Debug, Default)]
struct Yard {
    running: Mutex<Running>,
    entered: Condvar,
}

#[derive(Debug, Default)]
struct Running {
    /// In the order of their deadlines.
    names: BTreeMap<Ticket, String>,
    entered: u64,
}

impl Yard {
    fn guard(&self) {
        let mut running = self.running();
        loop {
            let now = Instant::now();
            running = match running.names.first_key_value() {
                Some(((deadline, _), name)) if *deadline <= now => bite(name),
                Some(((deadline, _), _)) => {
                    let left = *deadline - now;
                    let woken = self.entered.wait_timeout(running, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.entered.wait(running).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread can't be ended from outside, so the process is, without running what may hang as well.
fn bite(name: &str) -> ! {
    eprintln!("\n{name} did not end within its time limit: the run is aborted");
    process::abort();
}
