//! What becomes of readers and writers when one of them dies.

use super::{
    locking::{
        NOTICED, PATIENCE, Random, SOME_NAPS, assert_noticed, begin, begin_to_wait, kill,
        lock_kind, order, order_until, results,
    },
    rwlock::{SharedRwLock, with_peers},
    signal,
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, unavailable,
    unique, wait_until,
};
use std::{
    hint::black_box,
    ops::Range,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{RwLock, Shared},
    sync::LockError,
};

behaviours! {
    rwlock_death;
    the_share_of_a_dead_reader_is_given_back needs [NamedSegments, WaitAddress, Seats],
    readers_that_died_leave_room_for_others needs [NamedSegments, WaitAddress, Seats],
    all_learn_that_a_writer_died_until_it_is_repaired needs [NamedSegments, WaitAddress, Seats],
    who_leaves_and_dies_before_it_rings_delays_nobody_for_long
        needs [NamedSegments, WaitAddress, Seats],
    a_writer_killed_while_it_waits_for_readers_leaves_the_value_as_it_was
        needs [NamedSegments, WaitAddress, Seats],
    a_killed_waiter_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    a_stopped_reader_or_writer_is_never_taken_for_dead
        needs [NamedSegments, WaitAddress, Seats],
    workers_killed_at_any_instant_leave_what_others_can_repair
        needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![work_without_end::<B>]
}

fn the_share_of_a_dead_reader_is_given_back<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for round in 0..3 {
        let (lock, mut peers) = with_peers::<B>("dead-readers", 6)?;
        for peer in &mut peers[..3] {
            order_until(peer, "read", "rwlock: reading")?;
        }
        order(&mut peers[3], "read", "Locked")?;
        peers[4..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
        for peer in &mut peers[..3] {
            kill(peer)?;
        }
        if round == 0 {
            // One lives that reads.
            assert_eq!(lock_kind(lock.write_timeout(SOME_NAPS)), ErrorKind::TimedOut);
        }
        let killed = kill(&mut peers[3])?;
        let (said, after) = results(&mut peers[4..], killed)?;
        assert_eq!(said, ["Locked"; 2]);
        assert_eq!(*lock.try_write()?, 9);
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn readers_that_died_leave_room_for_others<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("room", 2)?;
    let room = RwLock::<u64, B>::MAX_READERS.to_string();
    order(&mut peers[0], "read all", &room)?;
    begin_to_wait(&mut peers[1], "look")?;
    let killed = kill(&mut peers[0])?;
    peers[1].expect("Locked")?;
    assert!(killed.elapsed() < NOTICED);
    order(&mut peers[1], "read all", &room)?;
    kill(&mut peers[1])?;
    // No time to wait is enough to see that they are dead.
    assert_eq!(*lock.read_timeout(Duration::ZERO)?, 7);
    assert_eq!(*lock.write_timeout(Duration::ZERO)?, 7);
    Ok(())
}

fn all_learn_that_a_writer_died_until_it_is_repaired<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for added in [false, true, true] {
        let (lock, mut peers) = with_peers::<B>("dead-writer", 5)?;
        if added {
            order(&mut peers[0], "write", "Locked")?;
            order(&mut peers[0], "add", "done")?;
        } else {
            order_until(&mut peers[0], "write", "rwlock: writing")?;
        }
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "look"))?;
        let killed = kill(&mut peers[0])?;
        let (said, after) = results(&mut peers[1..], killed)?;
        assert_eq!(said, ["OwnerDied"; 4]);
        times.extend(after);
        let left = 7 + u64::from(added);
        assert!(matches!(lock.try_read(), Err(LockError::OwnerDied(value)) if *value == left));
        // Who reads keeps out the one that is to repair it.
        order(&mut peers[1], "read", "OwnerDied")?;
        order(&mut peers[2], "write soon", "TimedOut")?;
        order(&mut peers[1], "release", "done")?;
        assert!(matches!(lock.read(), Err(LockError::OwnerDied(_))));
        order(&mut peers[2], "write", "OwnerDied")?;
        order(&mut peers[2], "add", "done")?;
        if added {
            // It dies too, and is succeeded.
            kill(&mut peers[2])?;
            order(&mut peers[3], "look", "OwnerDied")?;
            order(&mut peers[3], "write", "OwnerDied")?;
        } else {
            peers.swap(2, 3);
        }
        order(&mut peers[3], "repair", "done")?;
        order(&mut peers[3], "release", "done")?;
        assert_eq!(*lock.read()?, left + 1);
        assert_eq!(*lock.write().or_else(LockError::recover)?, left + 1);
    }
    assert_noticed(&times);
    Ok(())
}

fn who_leaves_and_dies_before_it_rings_delays_nobody_for_long<B: Backend>() -> Verdict {
    for (held, point) in [
        ("read", "rwlock: read, not rung"),
        ("read", "bell: about to ring"),
        ("write", "rwlock: written, not rung"),
        ("write", "bell: about to ring"),
    ] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (lock, mut peers) = with_peers::<B>("not-rung", 4)?;
            order(&mut peers[0], held, "Locked")?;
            begin_to_wait(&mut peers[1], "count")?;
            begin_to_wait(&mut peers[2], "look")?;
            begin_to_wait(&mut peers[3], "count")?;
            order_until(&mut peers[0], "release", point)?;
            let killed = kill(&mut peers[0])?;
            let (said, after) = results(&mut peers[1..], killed)?;
            assert_eq!(said, ["Locked"; 3], "{point}");
            assert_eq!(*lock.try_write()?, 9);
            times.extend(after);
        }
        assert_noticed(&times);
    }
    Ok(())
}

fn a_writer_killed_while_it_waits_for_readers_leaves_the_value_as_it_was<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for whole in [true, false, true, false] {
        let (lock, mut peers) = with_peers::<B>("untouched", 5)?;
        if !whole {
            order(&mut peers[0], "write", "Locked")?;
            kill(&mut peers[0])?;
        }
        let state = if whole { "Locked" } else { "OwnerDied" };
        order(&mut peers[1], "read", state)?;
        order_until(&mut peers[2], "write", "rwlock: waiting for readers")?;
        peers[3..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "look"))?;
        let killed = kill(&mut peers[2])?;
        let (said, after) = results(&mut peers[3..], killed)?;
        assert_eq!(said, [state; 2]);
        times.extend(after);
        order(&mut peers[1], "release", "done")?;
        assert_eq!(found_by_a_writer(&lock)?, state);
    }
    assert_noticed(&times);
    // One that has waited for readers, and writes now, leaves it otherwise.
    let (lock, mut peers) = with_peers::<B>("touched", 1)?;
    let held = lock.read()?;
    begin_to_wait(&mut peers[0], "write")?;
    drop(held);
    peers[0].expect("Locked")?;
    kill(&mut peers[0])?;
    assert_eq!(found_by_a_writer(&lock)?, "OwnerDied");
    Ok(())
}

/// In which state a writer finds the lock.
fn found_by_a_writer<B: Backend>(lock: &SharedRwLock<B>) -> Result<&'static str, Failure> {
    match lock.try_write() {
        Ok(_) => Ok("Locked"),
        Err(LockError::OwnerDied(_)) => Ok("OwnerDied"),
        Err(error) => Err(error.into()),
    }
}

fn a_killed_waiter_hangs_nobody<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for round in 0..16 {
        let (lock, mut peers) = with_peers::<B>("waiters", 6)?;
        let (mut reading, mut writing) = (None, None);
        match round % 2 {
            0 => reading = Some(lock.read()?),
            _ => writing = Some(lock.write()?),
        }
        let point = ["bell: about to sleep", "bell: woken", "", ""][round / 2 % 4];
        if !point.is_empty() {
            begin(&mut peers[0], &format!("stop at {point}"))?;
        }
        // Where no system tells that a writer sleeps, it may not have, and then keeps no reader out.
        let all_write = reading.is_some() && !is_linux();
        let counts = |i: usize| all_write || (i + round / 8) % 2 == 0;
        for (i, peer) in peers.iter_mut().enumerate() {
            begin_to_wait(peer, if counts(i) { "count" } else { "look" })?;
        }
        let mut victims: Vec<Peer> = peers.drain(..2).collect();
        if round % 3 == 0 {
            // They may be in by then, or have left again.
            drop((reading.take(), writing.take()));
        }
        let killed = Instant::now();
        victims.iter_mut().try_for_each(|victim| kill(victim).map(drop))?;
        drop((reading, writing));
        let (said, after) = results(&mut peers, killed)?;
        let right = |said: &String| said == "Locked" || said == "OwnerDied";
        assert!(said.iter().all(right), "{said:?}");
        let value = *lock.write_timeout(PATIENCE).or_else(LockError::recover)?;
        let counted = |of: Range<usize>| of.filter(|&i| counts(i)).count() as u64;
        assert!((7 + counted(2..6)..=8 + counted(0..6)).contains(&value), "{value}");
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn a_stopped_reader_or_writer_is_never_taken_for_dead<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here stops a process");
    }
    let (lock, mut peers) = with_peers::<B>("stopped", 1)?;
    for held in ["read", "write"] {
        order(&mut peers[0], held, "Locked")?;
        signal("-STOP", peers[0].id())?;
        assert_eq!(lock_kind(lock.write_timeout(SOME_NAPS)), ErrorKind::TimedOut);
        if held == "write" {
            assert_eq!(lock_kind(lock.read_timeout(SOME_NAPS)), ErrorKind::TimedOut);
        }
        signal("-CONT", peers[0].id())?;
        order(&mut peers[0], "release", "done")?;
        drop(lock.try_write()?);
    }
    Ok(())
}

/// Two numbers that are the same while nobody writes.
type Twins<B> = Shared<RwLock<[u64; 2], B>, B>;

fn workers_killed_at_any_instant_leave_what_others_can_repair<B: Backend>() -> Verdict {
    let name = unique("any-instant");
    let twins = Twins::<B>::create(&name, RwLock::new([0; 2]))?;
    let start = || Peer::with_args(work_without_end::<B>, [&name]);
    let mut peers = [start()?, start()?, start()?];
    let mut random = Random(11);
    for round in 0..30 {
        let before = read::<B>(&twins)?;
        wait_until("the others go on", || {
            read::<B>(&twins).is_ok_and(|count| count > before + 20)
        })?;
        for _ in 0..random.next() % 5_000 {
            black_box(round);
        }
        // Fails where it has ended by itself, because it found two that differed.
        let victim = &mut peers[round % 3];
        kill(victim)?;
        *victim = start()?;
    }
    Ok(())
}

fn work_without_end<B: Backend>(stage: &mut Stage) -> Verdict {
    let twins = Twins::<B>::open(stage.arg(0))?;
    loop {
        let written = twins.write_timeout(PATIENCE);
        if let Ok(twins) = &written {
            assert_eq!(twins[0], twins[1], "half changed, and nobody said so");
        }
        let mut written = written.or_else(LockError::recover)?;
        assert!(written[0] - written[1] <= 1);
        written[1] = written[0];
        written[0] += 1;
        black_box(&mut *written)[1] += 1;
        drop(written);
        read::<B>(&twins)?;
    }
}

/// One of them; both, unless it is said that a writer died.
fn read<B: Backend>(twins: &Twins<B>) -> Result<u64, Failure> {
    match twins.read_timeout(PATIENCE) {
        Ok(twins) => {
            assert_eq!(twins[0], twins[1], "half changed, and nobody said so");
            Ok(twins[0])
        }
        Err(LockError::OwnerDied(twins)) => Ok(twins[1]),
        Err(error) => Err(error.into()),
    }
}
