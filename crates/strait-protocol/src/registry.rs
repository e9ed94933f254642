//! Which shared memory this process has open, so that a lock finds out by its address who is its owner.
//!
//! A lock is reached by reference, and all it knows is where it lies. So there is a map of the memory that
//! has seats, and for each thread a few answers out of it, which are good for one epoch: until memory is
//! closed or the process forks.
//!
//! A forked child has the map of its parent, with its parent's seats. It takes seats of its own when it
//! first asks, and till then owns nothing.

use crate::{
    seats::{Seated, Seats},
    sync::Owner,
    thread_number,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};
use strait_core::{ForkHooks, Result, Segment};

/// Memory that is in the map. Dropping it takes it out and gives the seat back.
#[derive(Debug)]
pub(crate) struct Registration {
    start: usize,
}

impl Registration {
    /// Takes a seat and enters the memory at these addresses.
    pub(crate) fn new<S: Segment>(at: Range<usize>, seats: Arc<dyn Seats>) -> Result<Self> {
        let mut map = write();
        if !map.watching {
            S::watch_forks(HOOKS)?;
            map.watching = true;
        }
        let seated = seats.sit()?;
        let start = at.start;
        map.entries.insert(start, Entry { end: at.end, seats, seated, forks: forks() });
        Ok(Self { start })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut map = write();
        let entry = map.entries.remove(&self.start);
        EPOCH.fetch_add(1, Ordering::Relaxed);
        drop(map);
        // Not while the map is locked: it closes files.
        drop(entry);
    }
}

/// The calling thread, as an owner of what lies at this address.
#[inline]
pub(crate) fn me(address: usize) -> Result<Owner> {
    ANSWERS.with(|answers| {
        let answer = &answers[address / PAGE % answers.len()];
        let known = answer.get();
        // Relaxed, as whatever gave this thread the reference to what lies there comes after the
        // memory was entered, and so after all that was taken out there before.
        let epoch = EPOCH.load(Ordering::Relaxed);
        if address.wrapping_sub(known.start) < known.len && known.epoch == epoch {
            return Ok(known.owner);
        }
        let found = look_up(address, epoch)?;
        answer.set(found);
        Ok(found.owner)
    })
}

/// Whether an owner of what lies at this address has ended, for sure.
pub(crate) fn is_gone(address: usize, owner: Owner) -> bool {
    let map = read();
    let seats = match map.at(address) {
        Some((_, entry)) if !entry.is_own(owner) => Arc::clone(&entry.seats),
        // Owners in memory that isn't shared are threads of this process too.
        _ => return false,
    };
    drop(map);
    seats.is_gone(owner)
}

/// Whether an owner of what lies at this address is the calling thread.
pub(crate) fn is_me(address: usize, owner: Owner) -> bool {
    me(address).is_ok_and(|me| me == owner)
        || owner.thread() == thread_number::of_this_thread()
            && seats_at(address).is_some_and(|seats| seats.is_this_process(owner))
}

/// How many forks lie between this process and the one that began.
#[inline]
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

static MAP: RwLock<Map> = RwLock::new(Map { entries: BTreeMap::new(), watching: false });
static EPOCH: AtomicU64 = AtomicU64::new(1);
static FORKS: AtomicU32 = AtomicU32::new(0);

struct Map {
    /// By the address of the first byte.
    entries: BTreeMap<usize, Entry>,
    /// Whether forks are being watched.
    watching: bool,
}

struct Entry {
    end: usize,
    seats: Arc<dyn Seats>,
    seated: Seated,
    /// Of which process the seat is.
    forks: u32,
}

impl Entry {
    /// Whether it is a thread of this process, by this very mapping of the memory.
    fn is_own(&self, owner: Owner) -> bool {
        let seat = (Some(self.seated.number), self.seated.generation);
        self.forks == forks() && (owner.seat(), owner.generation()) == seat
    }
}

impl Map {
    fn at(&self, address: usize) -> Option<(usize, &Entry)> {
        let (&start, entry) = self.entries.range(..=address).next_back()?;
        (address < entry.end).then_some((start, entry))
    }
}

/// What a thread knows about the memory between two addresses.
#[derive(Clone, Copy)]
struct Answer {
    start: usize,
    len: usize,
    epoch: u64,
    owner: Owner,
}

impl Answer {
    /// At what isn't shared memory; good for no address.
    const fn none(thread: u32) -> Self {
        Self { start: 0, len: 0, epoch: 0, owner: Owner::local(thread) }
    }
}

/// What a page has at least.
const PAGE: usize = 4096;

thread_local! {
    /// Few, so that they stay in the cache; a place is found by the page's number.
    static ANSWERS: [Cell<Answer>; 4] = const {
        [const { Cell::new(Answer::none(0)) }; 4]
    };
}

#[cold]
fn look_up(address: usize, epoch: u64) -> Result<Answer> {
    let thread = thread_number::of_this_thread();
    let answer = |start, entry: &Entry| {
        let owner = Owner::at(entry.seated.number, entry.seated.generation, thread);
        Answer { start, len: entry.end - start, epoch, owner }
    };
    let map = read();
    match map.at(address) {
        // Not to be remembered, as the address may become that of shared memory.
        None => return Ok(Answer::none(thread)),
        Some((start, entry)) if entry.forks == forks() => return Ok(answer(start, entry)),
        Some(_) => {}
    }
    drop(map);
    let mut map = write();
    let start = map.at(address).map_or(address, |(start, _)| start);
    match map.entries.get_mut(&start) {
        None => Ok(Answer::none(thread)),
        Some(entry) => {
            if entry.forks != forks() {
                entry.seated = entry.seats.sit()?;
                entry.forks = forks();
            }
            Ok(answer(start, entry))
        }
    }
}

fn seats_at(address: usize) -> Option<Arc<dyn Seats>> {
    let map = read();
    map.at(address).map(|(_, entry)| Arc::clone(&entry.seats))
}

fn read() -> RwLockReadGuard<'static, Map> {
    MAP.read().unwrap_or_else(PoisonError::into_inner)
}

fn write() -> RwLockWriteGuard<'static, Map> {
    MAP.write().unwrap_or_else(PoisonError::into_inner)
}

const HOOKS: ForkHooks = ForkHooks { before, in_parent, in_child };

thread_local! {
    /// The map, locked by the thread that forks, so that the child doesn't find it locked by one that
    /// it hasn't got.
    static LOCKED: RefCell<Option<RwLockWriteGuard<'static, Map>>> = const { RefCell::new(None) };
}

extern "C" fn before() {
    let _ = LOCKED.try_with(|locked| locked.replace(Some(write())));
}

extern "C" fn in_parent() {
    let _ = LOCKED.try_with(RefCell::take);
}

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    EPOCH.fetch_add(1, Ordering::Relaxed);
    let _ = LOCKED.try_with(RefCell::take);
}
