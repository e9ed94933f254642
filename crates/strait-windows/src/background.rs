//! What is watched while no thread of the program does: by threads of its own, none where there is nothing to watch.

use crate::{object, wait};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use strait_core::Deadline;

/// Something to be watched.
pub(crate) trait Watch: Send {
    /// Looks at it; whether that is to go on.
    fn is_needed(&mut self) -> bool;

    /// When it is to be looked at again: as soon as one of these is signalled.
    fn signals(&self) -> [Option<BorrowedHandle<'_>>; 2];

    /// Whether it is to be looked at now and then besides, as nothing is signalled of what it waits for.
    fn is_to_be_looked_at(&self) -> bool {
        false
    }

    /// It won't be looked at again, as it can't be waited for.
    fn give_up(&mut self) {}
}

/// Has it watched until that isn't needed any more.
///
/// # Errors
///
/// Where there is no room for a thread more.
pub(crate) fn watch(it: Box<dyn Watch>) -> io::Result<()> {
    let mut crews = crews();
    if let Some(crew) = crews.iter_mut().find(|crew| crew.count < MOST) {
        crew.arrived.push(it);
        crew.count += 1;
        object::set(&crew.bell);
        return Ok(());
    }
    let number = crews.last().map_or(0, |crew| crew.number + 1);
    let bell = Arc::new(object::bell()?);
    let rung = Arc::clone(&bell);
    thread::Builder::new().name("strait".into()).spawn(move || run(number, &rung))?;
    crews.push(Crew { number, arrived: vec![it], count: 1, bell });
    Ok(())
}

/// Has everything that is watched looked at.
pub(crate) fn look_again() {
    for crew in crews().iter() {
        object::set(&crew.bell);
    }
}

/// As much watches one thread, which waits for two things for each, and for its bell.
pub(crate) const MOST: usize = (wait::MOST - 1) / 2;

/// A thread, and what it is about to be given.
struct Crew {
    number: u64,
    arrived: Vec<Box<dyn Watch>>,
    /// How much it has got, with that.
    count: usize,
    /// Wakes it.
    bell: Arc<OwnedHandle>,
}

/// All that there are.
fn crews() -> MutexGuard<'static, Vec<Crew>> {
    static CREWS: Mutex<Vec<Crew>> = Mutex::new(Vec::new());
    CREWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Watches what it is given, until that is nothing.
fn run(number: u64, bell: &OwnedHandle) {
    let mut all: Vec<Box<dyn Watch>> = Vec::new();
    while let Some(arrived) = arrivals(number, all.len()) {
        all.extend(arrived);
        all.retain_mut(|it| it.is_needed());
        if all.is_empty() {
            continue;
        }
        let signals = all.iter().flat_map(|it| it.signals()).flatten();
        let signals: Vec<_> = signals.chain([bell.as_handle()]).collect();
        let looks = all.iter().any(|it| it.is_to_be_looked_at());
        let deadline = if looks { Deadline::after(LOOK_EVERY) } else { Deadline::NEVER };
        if wait::any(&signals, deadline).is_err() {
            all.drain(..).for_each(|mut it| it.give_up());
        }
    }
}

/// What has arrived for a thread, which has so much already; `None` where it has nothing, and is to end.
fn arrivals(number: u64, watched: usize) -> Option<Vec<Box<dyn Watch>>> {
    let mut crews = crews();
    let index = crews.iter().position(|crew| crew.number == number)?;
    let arrived = std::mem::take(&mut crews[index].arrived);
    crews[index].count = watched + arrived.len();
    if crews[index].count == 0 {
        crews.remove(index);
        return None;
    }
    Some(arrived)
}

const LOOK_EVERY: Duration = Duration::from_millis(500);
