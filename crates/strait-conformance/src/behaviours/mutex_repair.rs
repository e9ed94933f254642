//! What a dead owner leaves: repaired, or not; and who counts as dead that isn't killed.

use super::{
    locking::{NOTICED, PATIENCE, SOME_NAPS, begin_to_wait, kill, lock_kind, order, results},
    mutex::{SharedMutex, repaired, with_peers},
};
use crate::{Backend, Verdict, behaviours, unique};
use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Instant,
};
use strait::{ErrorKind, generic::Mutex, sync::LockError};

behaviours! {
    mutex_repair;
    what_is_not_repaired_is_lost_for_all needs [NamedSegments, WaitAddress, Seats],
    an_owner_that_dies_repairing_is_succeeded_too needs [NamedSegments, WaitAddress, Seats],
    a_panic_is_a_death needs [NamedSegments, WaitAddress, Seats],
    a_lock_that_is_taken_and_released_during_a_panic_stays_whole
        needs [NamedSegments, WaitAddress, Seats],
    a_leaked_guard_keeps_the_lock_until_the_memory_is_closed
        needs [NamedSegments, WaitAddress, Seats],
}

fn what_is_not_repaired_is_lost_for_all<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("lost", 4)?;
    order(&mut peers[0], "lock", "Locked")?;
    kill(&mut peers[0])?;
    order(&mut peers[1], "lock", "OwnerDied")?;
    peers[2..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "lock"))?;
    let released = Instant::now();
    order(&mut peers[1], "release", "done")?;
    let (said, after) = results(&mut peers[2..], released)?;
    assert_eq!(said, ["NotRecoverable"; 2]);
    assert!(after.iter().all(|time| *time < NOTICED), "{after:?}");
    order(&mut peers[1], "lock", "NotRecoverable")?;
    assert_eq!(lock_kind(mutex.try_lock()), ErrorKind::NotRecoverable);
    assert_eq!(lock_kind(mutex.lock_timeout(PATIENCE)), ErrorKind::NotRecoverable);
    assert_eq!(lock_kind(mutex.lock()), ErrorKind::NotRecoverable);
    // Whoever comes later finds the same.
    let again = SharedMutex::<B>::open(mutex.name().as_str())?;
    assert_eq!(lock_kind(again.lock()), ErrorKind::NotRecoverable);
    let error = mutex.lock().map(drop).map_err(strait::Error::from).err().ok_or("it was locked")?;
    assert!(error.to_string().contains("remove the name"), "{error}");
    Ok(())
}

fn an_owner_that_dies_repairing_is_succeeded_too<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("repairing", 4)?;
    order(&mut peers[0], "lock", "Locked")?;
    for dead in 0..3 {
        order(&mut peers[dead], "add", "done")?;
        kill(&mut peers[dead])?;
        order(&mut peers[dead + 1], "lock", "OwnerDied")?;
    }
    // One that has repaired it, and dies before it releases it.
    order(&mut peers[3], "repair", "done")?;
    kill(&mut peers[3])?;
    assert_eq!(repaired::<B>(&mutex)?, 10);
    assert_eq!(*mutex.lock()?, 10);
    Ok(())
}

fn a_panic_is_a_death<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("panic", 1)?;
    // Of this thread, of another one, and with a waiter in another process.
    for waits in [false, false, true] {
        let panics = || {
            let mut held = mutex.lock().map_err(strait::Error::from);
            if let Ok(value) = &mut held {
                **value += 1;
            }
            if waits {
                assert!(begin_to_wait(&mut peers[0], "lock").is_ok());
            }
            resume_unwind(Box::new("as it is meant to"));
        };
        let panicked = match waits {
            false => catch_unwind(AssertUnwindSafe(panics)).is_err(),
            true => thread::scope(|scope| scope.spawn(panics).join().is_err()),
        };
        assert!(panicked);
        if waits {
            peers[0].expect("OwnerDied")?;
            order(&mut peers[0], "repair", "done")?;
            order(&mut peers[0], "release", "done")?;
        } else {
            let value = mutex.lock().or_else(LockError::recover)?;
            assert!(*value > 7);
        }
    }
    assert_eq!(*mutex.lock()?, 10);
    // What nobody repairs is lost as well.
    let panics = || {
        let _held = mutex.lock();
        resume_unwind(Box::new("as it is meant to"));
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(lock_kind(mutex.lock()), ErrorKind::OwnerDied);
    order(&mut peers[0], "lock", "NotRecoverable")
}

fn a_lock_that_is_taken_and_released_during_a_panic_stays_whole<B: Backend>() -> Verdict {
    struct LocksWhenDropped<'a, B: Backend>(&'a SharedMutex<B>);

    impl<B: Backend> Drop for LocksWhenDropped<'_, B> {
        fn drop(&mut self) {
            assert!(thread::panicking());
            if let Ok(mut value) = self.0.lock() {
                *value += 1;
            }
        }
    }

    let mutex = SharedMutex::<B>::create(unique("unwinding"), Mutex::new(7))?;
    let panics = || {
        let _locks = LocksWhenDropped(&mutex);
        resume_unwind(Box::new("as it is meant to"));
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(*mutex.lock()?, 8);
    Ok(())
}

fn a_leaked_guard_keeps_the_lock_until_the_memory_is_closed<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("leaked", 1)?;
    let again = SharedMutex::<B>::open(mutex.name().as_str())?;
    mem::forget(again.lock()?);
    order(&mut peers[0], "try", "WouldBlock")?;
    begin_to_wait(&mut peers[0], "lock")?;
    assert_eq!(lock_kind(again.lock_timeout(SOME_NAPS)), ErrorKind::Deadlock);
    assert_eq!(lock_kind(mutex.lock_timeout(SOME_NAPS)), ErrorKind::Deadlock);
    let closed = Instant::now();
    drop(again);
    // In the same seat, but it isn't who sat there before.
    let _again = SharedMutex::<B>::open(mutex.name().as_str())?;
    peers[0].expect("OwnerDied")?;
    assert!(closed.elapsed() < NOTICED);
    order(&mut peers[0], "repair", "done")?;
    order(&mut peers[0], "leak", "done")?;
    assert_eq!(lock_kind(mutex.lock_timeout(SOME_NAPS)), ErrorKind::TimedOut);
    order(&mut peers[0], "lock", "Deadlock")?;
    kill(&mut peers[0])?;
    assert_eq!(repaired::<B>(&mutex)?, 7);
    Ok(())
}
