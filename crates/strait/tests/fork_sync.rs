//! A forked child owns none of its parent's locks, and is an owner of its own.
#![cfg(unix)]
#![allow(unsafe_code, clippy::unwrap_used, clippy::panic)]

#[path = "fork_sync/forked.rs"]
mod forked;
#[path = "fork_sync/owners.rs"]
mod owners;
mod sys;

use forked::{Side, act, fork};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::Duration,
};
use strait::{
    ErrorKind, Shared,
    sync::{Barrier, LockResult, Mutex, Once, RwLock, Semaphore, SeqLock},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How soon a death is noticed. The promise is 100 ms; the rest is for a machine that is busy.
const NOTICED: Duration = Duration::from_millis(500);

/// So long that who waits looks several times whether whom it waits for has died.
const SEVERAL_LOOKS: Duration = Duration::from_millis(170);

#[test]
fn a_child_does_not_own_the_mutex_that_its_parent_locked() {
    let mutex = Shared::<Mutex<u32>>::create(unique("mutex"), Mutex::new(1)).unwrap();
    let guard = mutex.lock().unwrap();
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            // Not a deadlock, as somebody else has it.
            assert_eq!(kind(mutex.try_lock()), ErrorKind::WouldBlock);
            assert_eq!(kind(mutex.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
            drop(guard);
            assert_eq!(kind(mutex.try_lock()), ErrorKind::WouldBlock);
            line.say("dropped");
            let guard = mutex.lock_timeout(PATIENCE).unwrap();
            assert_eq!(*guard, 2);
            assert_eq!(kind(mutex.try_lock()), ErrorKind::Deadlock);
            line.say("locked");
            line.expect("die");
            std::mem::forget(guard);
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("dropped");
    assert_eq!(kind(mutex.try_lock()), ErrorKind::Deadlock);
    let mut guard = guard;
    *guard = 2;
    drop(guard);
    child.line.expect("locked");
    assert_eq!(kind(mutex.try_lock()), ErrorKind::WouldBlock);
    assert_eq!(kind(mutex.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    child.line.say("die");
    child.finish();
    assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
}

#[test]
fn a_child_does_not_own_the_rwlock_that_its_parent_writes() {
    let lock = Shared::<RwLock<u32>>::create(unique("write"), RwLock::new(1)).unwrap();
    let guard = lock.write().unwrap();
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            assert_eq!(kind(lock.try_read()), ErrorKind::WouldBlock);
            assert_eq!(kind(lock.try_write()), ErrorKind::WouldBlock);
            drop(guard);
            assert_eq!(kind(lock.try_read()), ErrorKind::WouldBlock);
            assert_eq!(kind(lock.write_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
            line.say("dropped");
            let guard = lock.write_timeout(PATIENCE).unwrap();
            line.say("writes");
            line.expect("die");
            std::mem::forget(guard);
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("dropped");
    drop(guard);
    child.line.expect("writes");
    assert_eq!(kind(lock.try_read()), ErrorKind::WouldBlock);
    assert_eq!(kind(lock.try_write()), ErrorKind::WouldBlock);
    child.line.say("die");
    child.finish();
    assert_eq!(kind(lock.write_timeout(NOTICED)), ErrorKind::OwnerDied);
}

#[test]
fn a_child_does_not_own_the_rwlock_that_its_parent_reads() {
    let lock = Shared::<RwLock<u32>>::create(unique("read"), RwLock::new(1)).unwrap();
    let guard = lock.read().unwrap();
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            assert_eq!(kind(lock.try_write()), ErrorKind::WouldBlock);
            drop(guard);
            assert_eq!(kind(lock.write_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
            // It reads beside its parent.
            drop(lock.try_read().unwrap());
            line.say("dropped");
            drop(lock.write_timeout(PATIENCE).unwrap());
            std::mem::forget(lock.read_timeout(PATIENCE).unwrap());
            line.say("reads");
            line.expect("die");
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("dropped");
    drop(guard);
    child.line.expect("reads");
    assert_eq!(kind(lock.try_write()), ErrorKind::WouldBlock);
    child.line.say("die");
    child.finish();
    drop(lock.write_timeout(NOTICED).unwrap());
}

#[test]
fn a_child_does_not_own_its_parents_permits() {
    let both = [Semaphore::new(1), Semaphore::counting(1)];
    let semaphores = Shared::<[Semaphore; 2]>::create(unique("permits"), both).unwrap();
    let permits = semaphores.each_ref().map(|semaphore| semaphore.acquire().unwrap());
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            drop(permits);
            for semaphore in semaphores.iter() {
                assert_eq!(semaphore.available(), 0);
                assert_eq!(semaphore.try_acquire().unwrap_err().kind(), ErrorKind::WouldBlock);
                let late = semaphore.acquire_timeout(SEVERAL_LOOKS).unwrap_err();
                assert_eq!(late.kind(), ErrorKind::TimedOut);
            }
            line.say("dropped");
            for semaphore in semaphores.iter() {
                semaphore.acquire_timeout(PATIENCE).unwrap().forget();
            }
            line.say("acquired");
            line.expect("die");
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("dropped");
    drop(permits);
    child.line.expect("acquired");
    assert_eq!(semaphores.each_ref().map(|semaphore| semaphore.available()), [0, 0]);
    child.line.say("die");
    child.finish();
    drop(semaphores[0].acquire_timeout(NOTICED).unwrap());
    // What is counted is lost.
    assert_eq!(semaphores.each_ref().map(|semaphore| semaphore.available()), [1, 0]);
}

#[test]
fn a_child_is_neither_its_parents_writer_nor_its_party() {
    let latest = Shared::<SeqLock<u64>>::create(unique("writer"), SeqLock::new(1)).unwrap();
    let barrier = Shared::<Barrier>::create(unique("party"), Barrier::new(2)).unwrap();
    let mut writer = latest.writer().unwrap();
    let party = barrier.join().unwrap();
    match fork() {
        Side::Child(line) => act(line, |_| {
            writer.write(2);
            assert_eq!(latest.read().unwrap(), 1);
            drop((writer, party));
            assert_eq!(latest.writer().unwrap_err().kind(), ErrorKind::Busy);
            // It is a party of its own as soon as it says so.
            drop(barrier.join().unwrap());
        }),
        Side::Parent(child) => child.finish(),
    };
    let late = barrier.wait_timeout(SEVERAL_LOOKS).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::TimedOut);
    writer.write(3);
    assert_eq!(latest.read().unwrap(), 3);
    assert_eq!(latest.writer().unwrap_err().kind(), ErrorKind::Deadlock);
    drop(party);
}

#[test]
fn a_child_that_was_forked_while_something_is_done_once_has_not_done_it() {
    let once = Shared::<Once>::create(unique("once"), Once::new()).unwrap();
    once.call_once(|| {
        match fork() {
            Side::Child(line) => act(line, |_| {
                let late = once.call_once_deadline(SEVERAL_LOOKS, || unreachable!());
                // Not a deadlock, as it is its parent that is at it.
                assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
            }),
            Side::Parent(child) => child.finish(),
        }
        assert!(!once.is_completed());
    })
    .unwrap();
    assert!(once.is_completed());
}

#[test]
fn a_child_that_goes_on_with_what_its_parent_does_once_does_not_complete_it() {
    let once = Shared::<Once>::create(unique("goes-on"), Once::new()).unwrap();
    let mut completed = None;
    let mut line = None;
    let result = once.call_once(|| match fork() {
        // It returns, as its parent does later.
        Side::Child(its) => line = Some(its),
        Side::Parent(child) => {
            child.finish();
            completed = Some(once.is_completed());
        }
    });
    if let Some(line) = line {
        act(line, |_| drop(result));
    }
    result.unwrap();
    assert_eq!(completed, Some(false));
    assert!(once.is_completed());
}

#[test]
fn a_child_that_drops_the_memory_takes_no_seat_from_its_parent() {
    let mutex = Shared::<Mutex<u32>>::create(unique("seat"), Mutex::new(1)).unwrap();
    std::mem::forget(mutex.lock().unwrap());
    for asks in [false, true] {
        match fork() {
            Side::Child(line) => act(line, |_| {
                if asks {
                    assert_eq!(kind(mutex.try_lock()), ErrorKind::WouldBlock);
                }
                drop(mutex);
            }),
            Side::Parent(child) => child.finish(),
        }
    }
    match fork() {
        Side::Child(line) => act(line, |_| {
            assert_eq!(kind(mutex.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
        }),
        Side::Parent(child) => child.finish(),
    }
    assert_eq!(kind(mutex.try_lock()), ErrorKind::Deadlock);
}

#[test]
fn a_childs_child_is_an_owner_of_its_own() {
    let new = || [Mutex::new(1), Mutex::new(1), Mutex::new(1)];
    let mutexes = Shared::<[Mutex<u32>; 3]>::create(unique("grandchild"), new()).unwrap();
    let [first, second, third] = mutexes.each_ref();
    let guard = first.lock().unwrap();
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            let mine = second.lock().unwrap();
            match fork() {
                Side::Child(line) => act(line, |_| {
                    drop((guard, mine));
                    assert_eq!(kind(first.try_lock()), ErrorKind::WouldBlock);
                    assert_eq!(kind(second.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
                    std::mem::forget(third.lock().unwrap());
                }),
                Side::Parent(child) => child.finish(),
            }
            line.say("ended");
            line.expect("unlock");
            drop(mine);
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("ended");
    assert_eq!(kind(third.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
    assert_eq!(kind(second.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    child.line.say("unlock");
    child.finish();
    drop(second.lock_timeout(NOTICED).unwrap());
    drop(guard);
}

#[test]
fn a_child_that_is_forked_in_the_middle_of_anything_can_lock() {
    let name = unique("storm");
    let mutex = Shared::<Mutex<u32>>::create(&name, Mutex::new(0)).unwrap();
    let (enough, turns) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let again = Shared::<Mutex<u32>>::open(&name).unwrap();
                    *again.lock_timeout(PATIENCE).unwrap() += 1;
                    let other = Shared::<RwLock<u32>>::create(unique("other"), RwLock::new(1));
                    drop(other.unwrap().write().unwrap());
                    *mutex.lock_timeout(PATIENCE).unwrap() += 1;
                    turns.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        let forked = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..200 {
                match fork() {
                    Side::Child(line) => act(line, |_| {
                        *mutex.lock_timeout(PATIENCE).unwrap() += 1;
                    }),
                    Side::Parent(child) => child.finish(),
                }
            }
        }));
        enough.store(true, Ordering::Relaxed);
        forked.unwrap();
    });
    assert_eq!(*mutex.lock().unwrap(), 200 + turns.into_inner());
}

fn kind<G>(result: LockResult<G>) -> ErrorKind {
    match result {
        Ok(_) => panic!("an error was to come, and none did"),
        Err(error) => error.kind(),
    }
}

fn unique(label: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("fork-sync/{label}/{}.{count}", std::process::id())
}
