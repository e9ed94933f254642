//! A thread that would wait for itself is told so.

use super::{
    locking::{PATIENCE, SOME_NAPS, begin_to_wait, lock_kind, order},
    mutex::SharedMutex,
    rwlock::{SharedRwLock, with_peers},
};
use crate::{Backend, Verdict, behaviours, unique};
use std::{thread, time::Duration};
use strait::{
    ErrorKind,
    generic::{Mutex, RwLock},
};

behaviours! {
    deadlock;
    a_lock_that_is_taken_twice_by_a_thread_is_a_deadlock
        needs [NamedSegments, WaitAddress, Seats],
    who_writes_can_not_lock_again needs [NamedSegments, WaitAddress, Seats],
    who_reads_can_not_write_and_not_read_again_while_a_writer_waits
        needs [NamedSegments, WaitAddress, Seats],
    who_reads_can_not_write_while_another_writer_waits
        needs [NamedSegments, WaitAddress, Seats],
    who_reads_as_often_as_possible_can_not_read_once_more
        needs [NamedSegments, WaitAddress, Seats],
}

fn a_lock_that_is_taken_twice_by_a_thread_is_a_deadlock<B: Backend>() -> Verdict {
    let name = unique("twice");
    let mutex = SharedMutex::<B>::create(&name, Mutex::new(7))?;
    // Another owner to the memory, but the same thread.
    let again = SharedMutex::<B>::open(&name)?;
    for (first, second) in [(&mutex, &mutex), (&mutex, &again), (&again, &mutex)] {
        let held = first.lock()?;
        assert_eq!(lock_kind(second.try_lock()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.lock_timeout(Duration::ZERO)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.lock_timeout(PATIENCE)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.lock()), ErrorKind::Deadlock);
        assert_eq!(*held, 7);
        drop(held);
        assert_eq!(*second.lock()?, 7);
    }
    // Another thread has somebody to wait for, by whichever way it goes.
    let held = mutex.lock()?;
    for second in [&mutex, &again] {
        let other = thread::scope(|scope| {
            let other = scope.spawn(|| lock_kind(second.lock_timeout(SOME_NAPS)));
            other.join().map_err(|_| "the other thread panicked")
        })?;
        assert_eq!(other, ErrorKind::TimedOut);
    }
    drop(held);
    Ok(())
}

fn who_writes_can_not_lock_again<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("write-twice", 1)?;
    // Another owner to the memory, but the same thread.
    let again = SharedRwLock::<B>::open(lock.name().as_str())?;
    for second in [&lock, &again] {
        let held = lock.write()?;
        assert_eq!(lock_kind(second.try_write()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.write_timeout(PATIENCE)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.write()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.try_read()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.read_timeout(PATIENCE)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.read()), ErrorKind::Deadlock);
        order(&mut peers[0], "try read", "WouldBlock")?;
        drop(held);
        assert_eq!(*second.write()?, 7);
    }
    Ok(())
}

fn who_reads_can_not_write_and_not_read_again_while_a_writer_waits<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("read-twice", 1)?;
    let again = SharedRwLock::<B>::open(lock.name().as_str())?;
    for second in [&lock, &again] {
        let held = lock.read()?;
        assert_eq!(lock_kind(second.try_write()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.write_timeout(PATIENCE)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.write()), ErrorKind::Deadlock);
        // It has given up, and so reading is possible, also for who reads already.
        drop((second.read()?, second.try_read()?, second.read_timeout(Duration::ZERO)?));
        begin_to_wait(&mut peers[0], "count")?;
        assert_eq!(lock_kind(second.try_read()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.read_timeout(PATIENCE)), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.read()), ErrorKind::Deadlock);
        drop(held);
        peers[0].expect("Locked")?;
    }
    assert_eq!(*lock.read()?, 9);
    Ok(())
}

fn who_reads_can_not_write_while_another_writer_waits<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("read-write", 1)?;
    let again = SharedRwLock::<B>::open(lock.name().as_str())?;
    for second in [&lock, &again] {
        let held = lock.read()?;
        begin_to_wait(&mut peers[0], "count")?;
        // It waits for the other writer, which waits for it.
        assert_eq!(lock_kind(second.write_timeout(Duration::from_secs(1))), ErrorKind::Deadlock);
        drop(held);
        peers[0].expect("Locked")?;
    }
    assert_eq!(*lock.read()?, 9);
    Ok(())
}

fn who_reads_as_often_as_possible_can_not_read_once_more<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("read-often", 1)?;
    let again = SharedRwLock::<B>::open(lock.name().as_str())?;
    for second in [&lock, &again] {
        let read = |_| lock.try_read();
        let all = (0..RwLock::<u64, B>::MAX_READERS).map(read).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(lock_kind(second.try_read()), ErrorKind::Deadlock);
        assert_eq!(lock_kind(second.read_timeout(PATIENCE)), ErrorKind::Deadlock);
        // Another one has somebody to wait for.
        order(&mut peers[0], "try read", "WouldBlock")?;
        begin_to_wait(&mut peers[0], "look")?;
        drop(all);
        peers[0].expect("Locked")?;
    }
    Ok(())
}
