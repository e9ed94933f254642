//! Synchronisation under the model checker, as `loom.rs` has the rings.
#![cfg(loom)]

use loom::{
    cell::UnsafeCell,
    sync::{Arc, atomic::AtomicU32},
    thread,
};
use std::{cell::Cell, mem::forget, ptr::from_ref, sync::atomic::Ordering};
use strait_core::{Deadline, Result, WaitOutcome};
use strait_protocol::sync::{
    Condvar, Event, LockError, Members, Mutex, Owner, RwLock, Semaphore, Sleep,
};

#[test]
fn an_event_that_is_set_ends_every_wait_and_shows_what_came_before() {
    loom::model(|| {
        let shared = Arc::new((Event::<Model>::manual_reset(), AtomicU32::new(0)));
        let waiters: Vec<_> = (2..4).map(|number| spawn(&shared, number)).collect();
        shared.1.store(7, Ordering::Relaxed);
        shared.0.set();
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), 7);
        }
    });
}

#[test]
fn an_event_that_resets_itself_is_taken_once() {
    loom::model(|| {
        let shared = Arc::new((Event::<Model>::auto_reset(), AtomicU32::new(7)));
        let waiter = spawn(&shared, 2);
        shared.0.set();
        // One of the two takes it.
        if shared.0.try_wait() {
            shared.0.set();
        }
        waiter.join().unwrap();
        assert!(!shared.0.is_set());
    });
}

#[test]
fn two_that_take_turns_never_both_sleep() {
    loom::model(|| {
        let turns = Arc::new([Event::<Model>::auto_reset(), Event::<Model>::auto_reset()]);
        let peer = {
            let turns = Arc::clone(&turns);
            thread::spawn(move || {
                NUMBER.with(|mine| mine.set(2));
                turns[0].wait().unwrap();
                turns[1].set();
            })
        };
        turns[0].set();
        turns[1].wait().unwrap();
        peer.join().unwrap();
    });
}

#[test]
fn a_mutex_lets_one_in_at_a_time_and_nobody_sleeps_for_ever() {
    loom::model(|| {
        let shared = Arc::new((Mutex::<(), Model>::new(()), Data::new()));
        let add = |shared: &(Mutex<(), Model>, Data)| {
            let _guard = shared.0.lock().unwrap();
            shared.1.add();
        };
        let others: Vec<_> = (2..4).map(|number| with(&shared, number, add)).collect();
        add(&shared);
        join(others);
        assert_eq!(shared.1.get(), 3);
    });
}

#[test]
fn a_mutex_whose_owner_dies_goes_to_one_who_is_told() {
    loom::model(|| {
        let shared = Arc::new((Mutex::<(), Model>::new(()), Data::new()));
        let die = |shared: &(Mutex<(), Model>, Data)| {
            forget(shared.0.lock().unwrap());
            shared.1.add();
            die();
        };
        let dead = with(&shared, 2, die);
        // Before it, or after its death.
        match shared.0.lock() {
            Ok(guard) => {
                assert_eq!(shared.1.get(), 0);
                drop(guard);
            }
            Err(LockError::OwnerDied(mut guard)) => {
                assert_eq!(shared.1.get(), 1);
                guard.mark_consistent();
            }
            Err(error) => panic!("{error}"),
        }
        join([dead]);
    });
}

#[test]
fn readers_and_a_writer_never_meet() {
    loom::model(|| {
        let shared = Arc::new((RwLock::<(), Model>::new(()), Data::new()));
        let read = |shared: &(RwLock<(), Model>, Data)| {
            let _guard = shared.0.read().unwrap();
            shared.1.get();
        };
        let write = |shared: &(RwLock<(), Model>, Data)| {
            let _guard = shared.0.write().unwrap();
            shared.1.add();
        };
        let others = [with(&shared, 2, read), with(&shared, 3, write)];
        read(&shared);
        join(others);
        assert_eq!(shared.1.get(), 1);
    });
}

#[test]
fn two_writers_never_meet() {
    loom::model(|| {
        let shared = Arc::new((RwLock::<(), Model>::new(()), Data::new()));
        let write = |shared: &(RwLock<(), Model>, Data)| {
            let _guard = shared.0.write().unwrap();
            shared.1.add();
        };
        let others = [with(&shared, 2, write)];
        write(&shared);
        join(others);
        assert_eq!(shared.1.get(), 2);
    });
}

#[test]
fn the_share_of_a_dead_reader_is_given_back() {
    loom::model(|| {
        let shared = Arc::new((RwLock::<(), Model>::new(()), Data::new()));
        let read_and_die = |shared: &(RwLock<(), Model>, Data)| {
            forget(shared.0.read().unwrap());
            shared.1.get();
            die();
        };
        let dead = with(&shared, 2, read_and_die);
        drop(shared.0.write().unwrap());
        join([dead]);
    });
}

#[test]
fn a_condition_that_is_notified_ends_the_wait() {
    loom::model(|| {
        let shared = Arc::new((Mutex::<(), Model>::new(()), Condvar::new(), Data::new()));
        let wait = |shared: &(Mutex<(), Model>, Condvar<Model>, Data)| {
            let guard = shared.0.lock().unwrap();
            drop(shared.1.wait_while(guard, |()| shared.2.get() == 0).unwrap());
        };
        let waiter = with(&shared, 2, wait);
        let guard = shared.0.lock().unwrap();
        shared.2.add();
        drop(guard);
        shared.1.notify_one();
        join([waiter]);
    });
}

#[test]
fn permits_that_are_counted_are_handed_over() {
    loom::model(|| {
        let shared = Arc::new((Semaphore::<Model>::counting(0), AtomicU32::new(0)));
        let take = |shared: &(Semaphore<Model>, AtomicU32)| {
            shared.0.acquire().unwrap().forget();
            assert_eq!(shared.1.load(Ordering::Relaxed), 7);
        };
        let others = [with(&shared, 2, take), with(&shared, 3, take)];
        shared.1.store(7, Ordering::Relaxed);
        shared.0.release(1).unwrap();
        shared.0.release(1).unwrap();
        join(others);
        assert_eq!(shared.0.available(), 0);
    });
}

#[test]
fn a_permit_that_is_owned_is_one_at_a_time() {
    loom::model(|| {
        let shared = Arc::new((Semaphore::<Model>::new(1), Data::new()));
        let add = |shared: &(Semaphore<Model>, Data)| {
            let _permit = shared.0.acquire().unwrap();
            shared.1.add();
        };
        let others = [with(&shared, 2, add)];
        add(&shared);
        join(others);
        assert_eq!((shared.1.get(), shared.0.available()), (2, 1));
    });
}

#[test]
fn a_permit_comes_back_from_the_dead() {
    loom::model(|| {
        let shared = Arc::new((Semaphore::<Model>::new(1), Data::new()));
        let take_and_die = |shared: &(Semaphore<Model>, Data)| {
            shared.0.acquire().unwrap().forget();
            shared.1.add();
            die();
        };
        let dead = with(&shared, 2, take_and_die);
        let permit = shared.0.acquire().unwrap();
        shared.1.get();
        drop(permit);
        join([dead]);
    });
}

fn spawn(shared: &Arc<(Event<Model>, AtomicU32)>, number: u32) -> thread::JoinHandle<u32> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        NUMBER.with(|mine| mine.set(number));
        shared.0.wait().unwrap();
        shared.1.load(Ordering::Relaxed)
    })
}

/// Runs `act` in another thread, which as an owner has this number; that of the model itself is 1.
fn with<T: Send + Sync + 'static>(
    shared: &Arc<T>,
    number: u32,
    act: impl Fn(&T) + Send + 'static,
) -> thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        NUMBER.with(|mine| mine.set(number));
        act(&shared);
    })
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// What is guarded: the model fails where two touch it at the same time, and one of them changes it.
struct Data(UnsafeCell<u32>);

// SAFETY: the model checks every access.
unsafe impl Sync for Data {}

impl Data {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn add(&self) {
        // SAFETY: the model checks that nobody else has a reference.
        self.0.with_mut(|data| unsafe { *data += 1 });
    }

    fn get(&self) -> u32 {
        // SAFETY: the model checks that nobody changes it.
        self.0.with(|data| unsafe { *data })
    }
}

/// The calling thread's end, as far as others can see.
fn die() {
    let mut kernel = KERNEL.0.lock().unwrap();
    kernel.dead.push(NUMBER.with(Cell::get));
    // Whoever sleeps looks around at the end of its nap.
    kernel.sleepers.iter_mut().for_each(|sleeper| sleeper.woken = true);
    KERNEL.1.notify_all();
}

/// What the kernel knows: who sleeps where, and who has died.
#[derive(Default)]
struct Kernel {
    sleepers: Vec<Sleeper>,
    dead: Vec<u32>,
}

struct Sleeper {
    number: u32,
    word: usize,
    woken: bool,
}

loom::lazy_static! {
    static ref KERNEL: (loom::sync::Mutex<Kernel>, loom::sync::Condvar) = Default::default();
}

loom::thread_local! {
    static NUMBER: Cell<u32> = Cell::new(1);
}

struct Model;

impl Model {
    fn wake(word: &AtomicU32, how_many: usize) {
        let mut kernel = KERNEL.0.lock().unwrap();
        let word = from_ref(word).addr();
        let there = kernel.sleepers.iter_mut().filter(|sleeper| sleeper.word == word);
        there.filter(|sleeper| !sleeper.woken).take(how_many).for_each(|sleeper| {
            sleeper.woken = true;
        });
        KERNEL.1.notify_all();
    }
}

impl Sleep for Model {
    fn sleep(word: &AtomicU32, expected: u32, _: Deadline<'_>) -> Result<WaitOutcome> {
        let number = NUMBER.with(Cell::get);
        let mut kernel = KERNEL.0.lock().unwrap();
        if word.load(Ordering::SeqCst) != expected {
            return Ok(WaitOutcome::Woken);
        }
        if !kernel.dead.is_empty() {
            return Ok(WaitOutcome::TimedOut);
        }
        kernel.sleepers.push(Sleeper { number, word: from_ref(word).addr(), woken: false });
        loop {
            kernel = KERNEL.1.wait(kernel).unwrap();
            let mine = |sleeper: &Sleeper| sleeper.number == number && sleeper.woken;
            if let Some(place) = kernel.sleepers.iter().position(mine) {
                kernel.sleepers.remove(place);
                return Ok(WaitOutcome::Woken);
            }
        }
    }

    fn wake_one(word: &AtomicU32) {
        Self::wake(word, 1);
    }

    fn wake_all(word: &AtomicU32) {
        Self::wake(word, usize::MAX);
    }
}

impl Members for Model {
    fn me(_: usize) -> Result<Owner> {
        Ok(Owner::at(0, 0, NUMBER.with(Cell::get)))
    }

    fn is_gone(_: usize, owner: Owner) -> bool {
        KERNEL.0.lock().unwrap().dead.contains(&owner.thread())
    }

    fn is_me(_: usize, owner: Owner) -> bool {
        owner.thread() == NUMBER.with(Cell::get)
    }

    fn forks() -> u32 {
        0
    }
}
