//! What a dead writer leaves, repaired or not; and who counts as dead that isn't killed.

use super::{
    locking::{NOTICED, SOME_NAPS, begin_to_wait, joined, kill, lock_kind, order, results},
    rwlock::{SharedRwLock, with_peers},
};
use crate::{Backend, Verdict, behaviours};
use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Instant,
};
use strait::ErrorKind;

behaviours! {
    rwlock_repair;
    what_is_not_repaired_is_lost_for_all needs [NamedSegments, WaitAddress, Seats],
    a_panic_of_a_writer_is_a_death_and_one_of_a_reader_is_not
        needs [NamedSegments, WaitAddress, Seats],
    a_leaked_reader_reads_until_the_memory_is_closed needs [NamedSegments, WaitAddress, Seats],
}

fn what_is_not_repaired_is_lost_for_all<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("lost", 4)?;
    order(&mut peers[0], "write", "Locked")?;
    kill(&mut peers[0])?;
    order(&mut peers[1], "write", "OwnerDied")?;
    begin_to_wait(&mut peers[2], "read")?;
    begin_to_wait(&mut peers[3], "write")?;
    let released = Instant::now();
    order(&mut peers[1], "release", "done")?;
    let (said, after) = results(&mut peers[2..], released)?;
    assert_eq!(said, ["NotRecoverable"; 2]);
    assert!(after.iter().all(|time| *time < NOTICED), "{after:?}");
    order(&mut peers[1], "write", "NotRecoverable")?;
    for lock in [&lock, &SharedRwLock::<B>::open(lock.name().as_str())?] {
        assert_eq!(lock_kind(lock.read()), ErrorKind::NotRecoverable);
        assert_eq!(lock_kind(lock.try_read()), ErrorKind::NotRecoverable);
        assert_eq!(lock_kind(lock.write()), ErrorKind::NotRecoverable);
        assert_eq!(lock_kind(lock.try_write()), ErrorKind::NotRecoverable);
    }
    Ok(())
}

fn a_panic_of_a_writer_is_a_death_and_one_of_a_reader_is_not<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("panic", 1)?;
    let reader_panics = || {
        let _read = lock.read();
        resume_unwind(Box::new("as it is meant to"));
    };
    let writer_panics = || {
        if let Ok(mut value) = lock.write() {
            *value += 1;
            resume_unwind(Box::new("as it is meant to"));
        }
    };
    assert!(catch_unwind(AssertUnwindSafe(reader_panics)).is_err());
    order(&mut peers[0], "count", "Locked")?;
    assert!(catch_unwind(AssertUnwindSafe(writer_panics)).is_err());
    order(&mut peers[0], "look", "OwnerDied")?;
    order(&mut peers[0], "count", "OwnerDied")?;
    assert_eq!(*lock.read()?, 10);
    Ok(())
}

fn a_leaked_reader_reads_until_the_memory_is_closed<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("leaked", 2)?;
    let again = SharedRwLock::<B>::open(lock.name().as_str())?;
    mem::forget(again.read()?);
    order(&mut peers[0], "read", "Locked")?;
    order(&mut peers[0], "leak", "done")?;
    begin_to_wait(&mut peers[1], "count")?;
    kill(&mut peers[0])?;
    // By another thread, as this one reads, and mustn't wait for itself.
    let write = || again.write_timeout(SOME_NAPS).map(drop).map_err(strait::Error::from);
    let waited = thread::scope(|scope| joined(scope.spawn(write)));
    assert!(waited.is_err_and(|error| error.to_string().contains("deadline")));
    drop(again);
    peers[1].expect("Locked")?;
    assert_eq!(*lock.read()?, 8);
    Ok(())
}
