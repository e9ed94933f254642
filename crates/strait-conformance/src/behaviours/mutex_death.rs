//! What becomes of a mutex when somebody dies.

use super::{
    locking::{
        NOTICED, PATIENCE, Random, SOME_NAPS, assert_noticed, begin, begin_to_wait, kill,
        lock_kind, order, order_until, results,
    },
    mutex::{SharedMutex, repaired, with_peers},
    signal,
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, unavailable,
    unique, wait_until,
};
use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use strait::{
    ErrorKind, Mapping,
    backend::Segment,
    generic::{Mutex, Shared},
    sync::LockError,
};
use strait_protocol::{Header, shared};

behaviours! {
    mutex_death;
    a_lock_is_recovered_wherever_its_owner_is_killed needs [NamedSegments, WaitAddress, Seats],
    those_who_wait_learn_within_100_ms_that_the_owner_was_killed
        needs [NamedSegments, WaitAddress, Seats],
    who_is_woken_again_and_again_learns_that_the_owner_was_killed
        needs [NamedSegments, WaitAddress, Seats],
    an_owner_killed_between_release_and_ring_delays_nobody_for_long
        needs [NamedSegments, WaitAddress, Seats],
    a_waiter_killed_wherever_it_is_delays_nobody_for_long
        needs [NamedSegments, WaitAddress, Seats],
    a_killed_waiter_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    workers_killed_at_any_instant_leave_what_others_can_repair
        needs [NamedSegments, WaitAddress, Seats],
    a_stopped_owner_is_never_taken_for_dead needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![count_twice_without_end::<B>]
}

fn a_lock_is_recovered_wherever_its_owner_is_killed<B: Backend>() -> Verdict {
    for (point, held) in [
        ("mutex: taken", Some(7)),
        ("mutex: about to release", Some(8)),
        ("mutex: released, not rung", None),
    ] {
        let (mutex, mut peers) = with_peers::<B>("killed", 1)?;
        if held == Some(7) {
            order_until(&mut peers[0], "lock", point)?;
        } else {
            order(&mut peers[0], "lock", "Locked")?;
            order(&mut peers[0], "add", "done")?;
            order_until(&mut peers[0], "release", point)?;
        }
        let before = kill(&mut peers[0])?;
        match held {
            Some(value) => assert_eq!(repaired::<B>(&mutex)?, value, "{point}"),
            None => assert_eq!(*mutex.lock_timeout(NOTICED)?, 8, "{point}"),
        }
        assert!(before.elapsed() < NOTICED, "{point}: {:?}", before.elapsed());
        drop(mutex.lock()?);
    }
    // No time to wait is enough to see that it is dead.
    let (mutex, mut peers) = with_peers::<B>("killed", 2)?;
    for peer in &mut peers {
        order(peer, "lock", "Locked")?;
        kill(peer)?;
        let locked = mutex.lock_timeout(Duration::ZERO);
        assert!(matches!(locked, Err(LockError::OwnerDied(_))));
        drop(locked.or_else(LockError::recover)?);
    }
    Ok(())
}

/// The value, and whether somebody had died and it was repaired only now.
fn value<B: Backend>(mutex: &SharedMutex<B>) -> Result<(u64, bool), Failure> {
    match mutex.lock_timeout(PATIENCE) {
        Ok(value) => Ok((*value, false)),
        Err(LockError::OwnerDied(mut value)) => {
            value.mark_consistent();
            Ok((*value, true))
        }
        Err(error) => Err(error.into()),
    }
}

fn those_who_wait_learn_within_100_ms_that_the_owner_was_killed<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for _ in 0..4 {
        let (mutex, mut peers) = with_peers::<B>("waited-for", 4)?;
        order(&mut peers[0], "lock", "Locked")?;
        order(&mut peers[0], "add", "done")?;
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
        let killed = kill(&mut peers[0])?;
        let (said, after) = results(&mut peers[1..], killed)?;
        // One of them was told, and repaired it for all.
        assert_eq!(said, ["Locked", "Locked", "OwnerDied"]);
        assert_eq!(value::<B>(&mutex)?, (11, false));
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn who_is_woken_again_and_again_learns_that_the_owner_was_killed<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("woken-for-nothing", 2)?;
    order(&mut peers[0], "lock", "Locked")?;
    begin_to_wait(&mut peers[1], "lock")?;
    let memory = B::Segment::open(mutex.name(), None, Mapping::ReadWrite)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // As signals do it to others, whichever word it is that they sleep on.
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let words = (0..4).map(|i| shared::atomic_u32(&memory, Header::LEN + 4 * i));
                words.flatten().for_each(B::wake_all);
                thread::yield_now();
            }
        });
        let killed = kill(&mut peers[0]);
        let told = peers[1].expect("OwnerDied");
        over.store(true, Ordering::SeqCst);
        assert!(killed?.elapsed() < NOTICED);
        Ok(told?)
    })
}

fn an_owner_killed_between_release_and_ring_delays_nobody_for_long<B: Backend>() -> Verdict {
    for point in ["mutex: released, not rung", "bell: about to ring"] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (mutex, mut peers) = with_peers::<B>("not-rung", 4)?;
            order(&mut peers[0], "lock", "Locked")?;
            peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
            order_until(&mut peers[0], "release", point)?;
            let killed = kill(&mut peers[0])?;
            let (said, after) = results(&mut peers[1..], killed)?;
            assert_eq!(said, ["Locked"; 3], "{point}");
            assert_eq!(value::<B>(&mutex)?, (10, false));
            times.extend(after);
        }
        assert_noticed(&times);
    }
    Ok(())
}

fn a_waiter_killed_wherever_it_is_delays_nobody_for_long<B: Backend>() -> Verdict {
    for (point, held) in
        [("bell: about to sleep", 0), ("bell: woken", 0), ("mutex: taken after waiting", 1)]
    {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (mutex, mut peers) = with_peers::<B>("woken", 3)?;
            let guard = mutex.lock()?;
            // The first to sleep is the first that is woken.
            begin(&mut peers[0], &format!("stop at {point}"))?;
            begin_to_wait(&mut peers[0], "lock")?;
            peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
            drop(guard);
            peers[0].expect(&format!("at {point}"))?;
            let killed = kill(&mut peers[0])?;
            let (said, after) = results(&mut peers[1..], killed)?;
            let (value, died) = value::<B>(&mutex)?;
            assert_eq!(value, 9);
            let told = said.iter().filter(|said| *said == "OwnerDied").count();
            assert_eq!(told + usize::from(died), held, "{point}");
            times.extend(after);
        }
        assert_noticed(&times);
    }
    Ok(())
}

fn a_killed_waiter_hangs_nobody<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for round in 0..20 {
        let (mutex, mut peers) = with_peers::<B>("waiters", 5)?;
        let guard = mutex.lock()?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
        // While all wait; or just when it is released, and then it may be theirs.
        let mut victims: Vec<Peer> = peers.drain(round % 4..round % 4 + 2).collect();
        let mut guard = Some(guard);
        if round % 2 == 0 {
            drop(guard.take());
        }
        let killed = kill(&mut victims[0])?;
        kill(&mut victims[1])?;
        drop(guard);
        times.extend(results(&mut peers, killed)?.1);
        let (value, _) = value::<B>(&mutex)?;
        assert!((10..=12).contains(&value), "{value}");
    }
    assert_noticed(&times);
    Ok(())
}

/// Two numbers that are the same while nobody is at work.
type Twins<B> = Shared<Mutex<[u64; 2], B>, B>;

fn workers_killed_at_any_instant_leave_what_others_can_repair<B: Backend>() -> Verdict {
    let name = unique("any-instant");
    let twins = Twins::<B>::create(&name, Mutex::new([0; 2]))?;
    let start = || Peer::with_args(count_twice_without_end::<B>, [&name]);
    let mut peers = [start()?, start()?, start()?];
    let mut random = Random(7);
    for round in 0..30 {
        let (before, mut mine) = (count_twice::<B>(&twins)?, 0);
        // So long that the others are at work; and then something else each time.
        wait_until("the others go on", || {
            mine += 1;
            count_twice::<B>(&twins).is_ok_and(|count| count > before + mine + 20)
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

/// Counts both up, and repairs what somebody left who was killed in between.
fn count_twice<B: Backend>(twins: &Twins<B>) -> Result<u64, Failure> {
    let mut twins = match twins.lock_timeout(PATIENCE) {
        Ok(twins) => {
            assert_eq!(twins[0], twins[1], "half changed, and nobody said so");
            twins
        }
        Err(LockError::OwnerDied(mut twins)) => {
            assert!(twins[0] - twins[1] <= 1);
            twins[1] = twins[0];
            twins.mark_consistent();
            twins
        }
        Err(error) => return Err(error.into()),
    };
    twins[0] += 1;
    black_box(&mut *twins)[1] += 1;
    Ok(twins[0])
}

fn count_twice_without_end<B: Backend>(stage: &mut Stage) -> Verdict {
    let twins = Twins::<B>::open(stage.arg(0))?;
    loop {
        count_twice::<B>(&twins)?;
    }
}

fn a_stopped_owner_is_never_taken_for_dead<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here stops a process");
    }
    let (mutex, mut peers) = with_peers::<B>("stopped", 2)?;
    order(&mut peers[0], "lock", "Locked")?;
    begin_to_wait(&mut peers[1], "lock")?;
    signal("-STOP", peers[0].id())?;
    assert_eq!(lock_kind(mutex.lock_timeout(SOME_NAPS)), ErrorKind::TimedOut);
    assert_eq!(lock_kind(mutex.try_lock()), ErrorKind::WouldBlock);
    signal("-CONT", peers[0].id())?;
    order(&mut peers[0], "release", "done")?;
    peers[1].expect("Locked")?;
    // Stopped while it waits, it holds up nobody either.
    signal("-STOP", peers[1].id())?;
    assert_eq!(lock_kind(mutex.lock_timeout(SOME_NAPS)), ErrorKind::TimedOut);
    kill(&mut peers[1])?;
    assert_eq!(repaired::<B>(&mutex)?, 7);
    Ok(())
}
