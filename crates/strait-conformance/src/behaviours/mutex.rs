//! Mutual exclusion between processes and threads that live.

use super::locking::{
    NOTICED, PATIENCE, SOME_NAPS, assert_woken, begin_to_wait, joined, keep, lock_kind, obey,
    order, order_until,
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    hint::black_box,
    mem,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{Mutex, MutexGuard, Shared},
    sync::{LockError, LockResult},
};

behaviours! {
    mutex;
    increments_of_8_processes_are_all_counted needs [NamedSegments, WaitAddress, Seats],
    threads_and_processes_exclude_each_other needs [NamedSegments, WaitAddress, Seats],
    what_is_held_is_not_taken_and_waiting_ends_at_the_deadline
        needs [NamedSegments, WaitAddress, Seats],
    who_waits_is_woken_by_the_release needs [NamedSegments, WaitAddress, Seats],
    a_release_just_before_falling_asleep_is_noticed needs [NamedSegments, WaitAddress, Seats],
    all_who_wait_are_woken_one_after_another needs [NamedSegments, WaitAddress, Seats],
    an_error_of_locking_becomes_any_other needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![increment::<B>, exclude::<B>, lock_as_told::<B>]
}

pub(super) type SharedMutex<B> = Shared<Mutex<u64, B>, B>;

/// A mutex around 7, and peers that lock it as they are told.
pub(super) fn with_peers<B: Backend>(
    label: &str,
    how_many: usize,
) -> Result<(SharedMutex<B>, Vec<Peer>), Failure> {
    let name = unique(label);
    let mutex = SharedMutex::<B>::create(&name, Mutex::new(7))?;
    let start = |_| Peer::with_args(lock_as_told::<B>, [&name]);
    let peers = (0..how_many).map(start).collect::<Result<Vec<_>, _>>()?;
    Ok((mutex, peers))
}

/// The value that a dead owner left, repaired.
pub(super) fn repaired<B: Backend>(mutex: &SharedMutex<B>) -> Result<u64, Failure> {
    match mutex.lock_timeout(NOTICED) {
        Err(LockError::OwnerDied(mut value)) => {
            value.mark_consistent();
            Ok(*value)
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("nobody had died".into()),
    }
}

/// Locks, adds to the value, repairs and releases as it is told; or with `count` all of that at once.
pub(super) fn lock_as_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let mutex = SharedMutex::<B>::open(stage.arg(0))?;
    let mut kept: Option<MutexGuard<'_, u64, B>> = None;
    obey(stage, |order| {
        match (order, &mut kept) {
            ("lock", _) => return keep(&mut kept, mutex.lock_timeout(PATIENCE)),
            ("try", _) => return keep(&mut kept, mutex.try_lock()),
            ("count", _) => return count(mutex.lock_timeout(PATIENCE)),
            ("add", Some(value)) => **value += 1,
            ("repair", Some(value)) => value.mark_consistent(),
            ("leak", _) => mem::forget(kept.take()),
            ("release", _) => drop(kept.take()),
            _ => return format!("no such order, or not now: {order}"),
        }
        "done".to_owned()
    })
}

fn count<B: Backend>(locked: LockResult<MutexGuard<'_, u64, B>>) -> String {
    let mut kept = None;
    let said = keep(&mut kept, locked);
    if let Some(value) = &mut kept {
        value.mark_consistent();
        **value += 1;
    }
    said
}

const PROCESSES: u64 = 8;
const INCREMENTS: u64 = 100_000;

fn increments_of_8_processes_are_all_counted<B: Backend>() -> Verdict {
    let name = unique("increments");
    let count = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    let start = |_| Peer::with_args(increment::<B>, [&name]);
    let mut peers = (0..PROCESSES).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.set_deadline(Duration::from_secs(100));
        peer.expect("done")?;
    }
    assert_eq!(*count.lock()?, PROCESSES * INCREMENTS);
    Ok(())
}

fn increment<B: Backend>(stage: &mut Stage) -> Verdict {
    let count = SharedMutex::<B>::open(stage.arg(0))?;
    for _ in 0..INCREMENTS {
        *count.lock()? += 1;
    }
    stage.say("done");
    Ok(())
}

/// Who is inside, according to them, beside a lock that is to let one in.
type Guarded<B> = Shared<Mutex<[u64; 2], B>, B>;
const ROUNDS: u64 = 5_000;

fn threads_and_processes_exclude_each_other<B: Backend>() -> Verdict {
    let name = unique("exclusion");
    let guarded = Guarded::<B>::create(&name, Mutex::new([0; 2]))?;
    let canary_name = format!("{name}/canary");
    let canary = Shared::<AtomicU64, B>::create(&canary_name, AtomicU64::new(0))?;
    let start =
        |i: u64| Peer::with_args(exclude::<B>, [&name, &canary_name, &(10 * i).to_string()]);
    let mut peers = (1..=3).map(start).collect::<Result<Vec<_>, _>>()?;
    with_two_threads(1, |me| visit::<B>(&guarded, &canary, me))?;
    for peer in &mut peers {
        peer.expect("done")?;
    }
    assert_eq!(guarded.lock()?[1], 4 * 2 * ROUNDS);
    Ok(())
}

fn exclude<B: Backend>(stage: &mut Stage) -> Verdict {
    let guarded = Guarded::<B>::open(stage.arg(0))?;
    let canary = Shared::<AtomicU64, B>::open(stage.arg(1))?;
    with_two_threads(stage.arg(2).parse()?, |me| visit::<B>(&guarded, &canary, me))?;
    stage.say("done");
    Ok(())
}

fn with_two_threads(me: u64, act: impl Fn(u64) -> strait::Result<()> + Sync) -> Verdict {
    let act = &act;
    thread::scope(|scope| {
        let threads = [scope.spawn(move || act(me)), scope.spawn(move || act(me + 1))];
        threads.into_iter().try_for_each(joined)
    })
}

fn visit<B: Backend>(guarded: &Guarded<B>, canary: &AtomicU64, me: u64) -> strait::Result<()> {
    for round in 0..ROUNDS {
        let mut inside = guarded.lock_timeout(PATIENCE)?;
        assert_eq!(canary.swap(me, Ordering::Relaxed), 0, "somebody is inside");
        inside[0] = me;
        if round % 64 == 0 {
            // Others run into the lock, and go to sleep.
            thread::yield_now();
        }
        assert_eq!(black_box(&*inside)[0], me, "somebody else wrote");
        inside[1] += 1;
        assert_eq!(canary.swap(0, Ordering::Relaxed), me, "somebody came in");
    }
    Ok(())
}

fn what_is_held_is_not_taken_and_waiting_ends_at_the_deadline<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("held", 1)?;
    let peer = &mut peers[0];
    order(peer, "lock", "Locked")?;
    for _ in 0..100 {
        assert_eq!(lock_kind(mutex.try_lock()), ErrorKind::WouldBlock);
    }
    for timeout in [Duration::ZERO, Duration::from_micros(10), SOME_NAPS] {
        let begin = Instant::now();
        assert_eq!(lock_kind(mutex.lock_timeout(timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
        let deadline = Instant::now() + timeout;
        assert_eq!(lock_kind(mutex.lock_deadline(deadline)), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
    }
    // Who gave up leaves the lock as it was.
    order(peer, "release", "done")?;
    drop(mutex.try_lock()?);
    order(peer, "try", "Locked")?;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| Ok(*mutex.lock_timeout(Duration::MAX)?));
        order(peer, "release", "done")?;
        joined(waiter)
    })?;
    drop(mutex.lock_timeout(Duration::MAX)?);
    drop(mutex.lock_timeout(Duration::ZERO)?);
    Ok(())
}

fn who_waits_is_woken_by_the_release<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("woken", 1)?;
    let peer = &mut peers[0];
    let mut times = Vec::new();
    for _ in 0..12 {
        let held = mutex.lock_timeout(PATIENCE)?;
        begin_to_wait(peer, "lock")?;
        let released = Instant::now();
        drop(held);
        peer.expect("Locked")?;
        times.push(released.elapsed());
        order(peer, "release", "done")?;
    }
    assert_woken(times);
    Ok(())
}

fn a_release_just_before_falling_asleep_is_noticed<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("just-before", 1)?;
    let mut times = Vec::new();
    for _ in 0..8 {
        let held = mutex.lock_timeout(PATIENCE)?;
        order_until(&mut peers[0], "lock", "bell: about to sleep")?;
        drop(held);
        let goes_on = Instant::now();
        peers[0].tell("go on");
        peers[0].expect("Locked")?;
        times.push(goes_on.elapsed());
        order(&mut peers[0], "release", "done")?;
    }
    assert_woken(times);
    Ok(())
}

fn all_who_wait_are_woken_one_after_another<B: Backend>() -> Verdict {
    let (mutex, mut peers) = with_peers::<B>("all-woken", 4)?;
    let mut times = Vec::new();
    for _ in 0..12 {
        let held = mutex.lock_timeout(PATIENCE)?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
        let released = Instant::now();
        drop(held);
        peers.iter_mut().try_for_each(|peer| peer.expect("Locked"))?;
        times.push(released.elapsed());
    }
    assert_woken(times);
    Ok(())
}

fn an_error_of_locking_becomes_any_other<B: Backend>() -> Verdict {
    let mutex = SharedMutex::<B>::create(unique("error"), Mutex::new(0))?;
    let held = mutex.lock()?;
    let into_own = || -> strait::Result<u64> { Ok(*mutex.lock()?) };
    let into_box = || -> Result<u64, Failure> { Ok(*mutex.lock()?) };
    let into_sent =
        || -> Result<u64, Box<dyn std::error::Error + Send + Sync>> { Ok(*mutex.lock()?) };
    let own = into_own().err().ok_or("it was locked")?;
    assert_eq!(own.kind(), ErrorKind::Deadlock);
    let text = own.to_string();
    assert!(text.contains("holds it already"), "{text}");
    let boxed = into_box().err().ok_or("it was locked")?;
    assert_eq!(boxed.downcast_ref::<strait::Error>().map(strait::Error::kind), Some(own.kind()));
    assert_eq!(into_sent().err().ok_or("it was locked")?.to_string(), text);
    drop(held);
    assert_eq!((into_own()?, into_box()?), (0, 0));
    Ok(())
}
