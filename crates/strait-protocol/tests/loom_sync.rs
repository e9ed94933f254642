//! Synchronisation under the model checker, as `loom.rs` has the rings.
#![cfg(loom)]

use loom::{
    sync::{Arc, Condvar, Mutex, atomic::AtomicU32},
    thread,
};
use std::sync::atomic::Ordering;
use strait_core::{Deadline, Result, WaitOutcome};
use strait_protocol::sync::{Event, Sleep};

#[test]
fn an_event_that_is_set_ends_every_wait_and_shows_what_came_before() {
    loom::model(|| {
        let shared = Arc::new((Event::<Model>::manual_reset(), AtomicU32::new(0)));
        let waiters: Vec<_> = (0..2).map(|_| spawn(&shared)).collect();
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
        let waiter = spawn(&shared);
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
                turns[0].wait().unwrap();
                turns[1].set();
            })
        };
        turns[0].set();
        turns[1].wait().unwrap();
        peer.join().unwrap();
    });
}

fn spawn(shared: &Arc<(Event<Model>, AtomicU32)>) -> thread::JoinHandle<u32> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        shared.0.wait().unwrap();
        shared.1.load(Ordering::Relaxed)
    })
}

loom::lazy_static! {
    /// What the kernel holds while it compares and goes to sleep. One for all words: whoever is woken
    /// for another looks again, as the rules of waiting permit.
    static ref KERNEL: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
}

struct Model;

impl Sleep for Model {
    fn sleep(word: &AtomicU32, expected: u32, _: Deadline) -> Result<WaitOutcome> {
        let locked = KERNEL.0.lock().unwrap();
        if word.load(Ordering::SeqCst) == expected {
            drop(KERNEL.1.wait(locked).unwrap());
        }
        Ok(WaitOutcome::Woken)
    }

    fn wake_all(_: &AtomicU32) {
        drop(KERNEL.0.lock().unwrap());
        KERNEL.1.notify_all();
    }
}
