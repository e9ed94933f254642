//! Many readers or one writer, of processes and threads that live.

use super::locking::{
    PATIENCE, SOME_NAPS, assert_woken, begin_to_wait, joined, keep, lock_kind, obey, order,
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_wine, unique, wait_until,
};
use std::{
    hint::black_box,
    mem,
    sync::{
        PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{RwLock, RwLockReadGuard, RwLockWriteGuard, Shared},
    sync::LockResult,
};

behaviours! {
    rwlock;
    many_read_at_once_and_no_writer_gets_in needs [NamedSegments, WaitAddress, Seats],
    a_writer_is_alone needs [NamedSegments, WaitAddress, Seats],
    waiting_ends_at_the_deadline_and_leaves_the_lock_usable
        needs [NamedSegments, WaitAddress, Seats],
    who_waits_is_woken_by_whoever_leaves needs [NamedSegments, WaitAddress, Seats],
    readers_are_let_in_again_when_a_writer_gives_up needs [NamedSegments, WaitAddress, Seats],
    a_stream_of_readers_does_not_starve_writers needs [NamedSegments, WaitAddress, Seats],
    more_readers_than_there_is_room_for_wait_and_pass needs [NamedSegments, WaitAddress, Seats],
    readers_see_nothing_half_written needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![lock_as_told::<B>, read_in_turns::<B>, write_all::<B>, read_all::<B>]
}

pub(super) type SharedRwLock<B> = Shared<RwLock<u64, B>, B>;

/// A lock around 7, and peers that lock it as they are told.
pub(super) fn with_peers<B: Backend>(
    label: &str,
    how_many: usize,
) -> Result<(SharedRwLock<B>, Vec<Peer>), Failure> {
    let name = unique(label);
    let lock = SharedRwLock::<B>::create(&name, RwLock::new(7))?;
    let start = |_| Peer::with_args(lock_as_told::<B>, [&name]);
    let peers = (0..how_many).map(start).collect::<Result<Vec<_>, _>>()?;
    Ok((lock, peers))
}

/// Reads, writes, adds to the value, repairs and releases as it is told; or with `count` and `look` all
/// that a writer or a reader does at once.
pub(super) fn lock_as_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let lock = SharedRwLock::<B>::open(stage.arg(0))?;
    let mut read: Option<RwLockReadGuard<'_, u64, B>> = None;
    let mut written: Option<RwLockWriteGuard<'_, u64, B>> = None;
    let mut all = Vec::new();
    obey(stage, |order| {
        match (order, &mut written) {
            ("read", _) => return keep(&mut read, lock.read_timeout(PATIENCE)),
            ("try read", _) => return keep(&mut read, lock.try_read()),
            ("read all", _) => {
                let read = |_| lock.try_read().ok();
                all = (0..RwLock::<u64, B>::MAX_READERS).map_while(read).collect();
                return all.len().to_string();
            }
            ("look", _) => return keep(&mut None, lock.read_timeout(PATIENCE)),
            ("write", _) => return keep(&mut written, lock.write_timeout(PATIENCE)),
            ("write soon", _) => return keep(&mut written, lock.write_timeout(soon())),
            ("try write", _) => return keep(&mut written, lock.try_write()),
            ("count", _) => return count(lock.write_timeout(PATIENCE)),
            ("add", Some(value)) => **value += 1,
            ("repair", Some(value)) => value.mark_consistent(),
            ("leak", _) => mem::forget(read.take()),
            ("release", _) => drop((read.take(), written.take(), mem::take(&mut all))),
            _ => return format!("no such order, or not now: {order}"),
        }
        "done".to_owned()
    })
}

/// Long enough for others to begin to wait too, and over when they are at the beginning of a nap.
const SOON: Duration = Duration::from_millis(56);

/// So long that others can come meanwhile, which takes longer under Wine.
fn soon() -> Duration {
    if is_wine() { 20 * SOON } else { SOON }
}

fn count<B: Backend>(locked: LockResult<RwLockWriteGuard<'_, u64, B>>) -> String {
    let mut kept = None;
    let said = keep(&mut kept, locked);
    if let Some(value) = &mut kept {
        value.mark_consistent();
        **value += 1;
    }
    said
}

fn many_read_at_once_and_no_writer_gets_in<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("readers", 4)?;
    for peer in &mut peers[..3] {
        order(peer, "read", "Locked")?;
    }
    let mine = lock.read()?;
    assert_eq!(*mine + *lock.try_read()?, 14);
    order(&mut peers[3], "try write", "WouldBlock")?;
    drop(mine);
    for i in 0..3 {
        order(&mut peers[3], "try write", "WouldBlock")?;
        assert_eq!(lock_kind(lock.try_write()), ErrorKind::WouldBlock);
        // That somebody tried keeps no reader out.
        assert_eq!(*lock.try_read()?, 7);
        order(&mut peers[i], "release", "done")?;
    }
    order(&mut peers[3], "try write", "Locked")
}

fn a_writer_is_alone<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("writer", 2)?;
    order(&mut peers[0], "write", "Locked")?;
    for _ in 0..100 {
        assert_eq!(lock_kind(lock.try_read()), ErrorKind::WouldBlock);
        assert_eq!(lock_kind(lock.try_write()), ErrorKind::WouldBlock);
    }
    order(&mut peers[1], "try read", "WouldBlock")?;
    order(&mut peers[1], "try write", "WouldBlock")?;
    order(&mut peers[0], "add", "done")?;
    order(&mut peers[0], "release", "done")?;
    assert_eq!(*lock.read()?, 8);
    order(&mut peers[1], "try write", "Locked")
}

fn waiting_ends_at_the_deadline_and_leaves_the_lock_usable<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("deadline", 1)?;
    for (held, longest) in [("read", SOME_NAPS), ("write", SOON)] {
        order(&mut peers[0], held, "Locked")?;
        for timeout in [Duration::ZERO, Duration::from_micros(10), longest] {
            let begin = Instant::now();
            assert_eq!(lock_kind(lock.write_timeout(timeout)), ErrorKind::TimedOut);
            assert!(begin.elapsed() >= timeout);
            let deadline = Instant::now() + timeout;
            if held == "read" {
                assert_eq!(*lock.read_deadline(deadline)?, 7);
            } else {
                assert_eq!(lock_kind(lock.read_deadline(deadline)), ErrorKind::TimedOut);
                assert!(Instant::now() >= deadline);
            }
        }
        order(&mut peers[0], "release", "done")?;
        drop(lock.try_write()?);
        drop(lock.try_read()?);
    }
    for deadline in [Duration::ZERO, Duration::MAX] {
        drop((lock.read_timeout(deadline)?, lock.read_deadline(deadline)?));
        drop(lock.write_timeout(deadline)?);
        drop(lock.write_deadline(deadline)?);
    }
    Ok(())
}

fn who_waits_is_woken_by_whoever_leaves<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("leaves", 3)?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..8 {
        // Readers, all at once, by a writer.
        let held = lock.write()?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "read"))?;
        times[0].push(left(held, &mut peers)?);
        peers.iter_mut().try_for_each(|peer| order(peer, "release", "done"))?;
        // Writers, one after another.
        let held = lock.write()?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "count"))?;
        times[1].push(left(held, &mut peers)?);
        // A writer, by a reader; and then all that have come after it.
        let held = lock.read()?;
        begin_to_wait(&mut peers[0], "count")?;
        begin_to_wait(&mut peers[1], "look")?;
        begin_to_wait(&mut peers[2], "count")?;
        times[2].push(left(held, &mut peers)?);
    }
    times.into_iter().for_each(assert_woken);
    Ok(())
}

/// How long it takes all peers to get the lock in their turns when somebody leaves.
fn left<G>(held: G, peers: &mut [Peer]) -> Result<Duration, Failure> {
    let begin = Instant::now();
    drop(held);
    peers.iter_mut().try_for_each(|peer| peer.expect("Locked"))?;
    Ok(begin.elapsed())
}

fn readers_are_let_in_again_when_a_writer_gives_up<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("gives-up", 3)?;
    let mut times = Vec::new();
    for _ in 0..4 {
        let held = lock.read()?;
        begin_to_wait(&mut peers[0], "write soon")?;
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "look"))?;
        peers[0].expect("TimedOut")?;
        let gave_up = Instant::now();
        peers[1..].iter_mut().try_for_each(|peer| peer.expect("Locked"))?;
        times.push(gave_up.elapsed());
        drop(held);
        assert_eq!(*lock.write_timeout(PATIENCE)?, 7);
    }
    assert_woken(times);
    Ok(())
}

/// How many have begun to read, and whether they are to stop.
type Turns<B> = Shared<[AtomicU64; 2], B>;

fn a_stream_of_readers_does_not_starve_writers<B: Backend>() -> Verdict {
    let name = unique("stream");
    let lock = SharedRwLock::<B>::create(&name, RwLock::new(0))?;
    let turns_name = format!("{name}/turns");
    let turns = Turns::<B>::create(&turns_name, Default::default())?;
    let start = |_| Peer::with_args(read_in_turns::<B>, [&name, &turns_name]);
    let mut peers = (0..3).map(start).collect::<Result<Vec<_>, _>>()?;
    for _ in 0..5 {
        let before = turns[0].load(Ordering::SeqCst);
        wait_until("there is a stream", || turns[0].load(Ordering::SeqCst) > before + 10)?;
        *lock.write_timeout(Duration::from_secs(5))? += 1;
    }
    turns[1].store(1, Ordering::SeqCst);
    peers.iter_mut().try_for_each(|peer| peer.expect("done"))?;
    Ok(())
}

/// Reads in a loop. Each one leaves when another has come, so that there is always one; unless nobody is
/// let in any more.
fn read_in_turns<B: Backend>(stage: &mut Stage) -> Verdict {
    let lock = SharedRwLock::<B>::open(stage.arg(0))?;
    let turns = Turns::<B>::open(stage.arg(1))?;
    while turns[1].load(Ordering::SeqCst) == 0 {
        let _reading = lock.read_timeout(PATIENCE)?;
        let mine = turns[0].fetch_add(1, Ordering::SeqCst) + 1;
        let begin = Instant::now();
        while turns[0].load(Ordering::SeqCst) == mine && begin.elapsed() < LONELY {
            thread::yield_now();
        }
    }
    stage.say("done");
    Ok(())
}

/// How long a reader waits for another.
const LONELY: Duration = Duration::from_millis(20);

fn more_readers_than_there_is_room_for_wait_and_pass<B: Backend>() -> Verdict {
    let (lock, mut peers) = with_peers::<B>("crowd", 1)?;
    let room = RwLock::<u64, B>::MAX_READERS;
    let (inside, passed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (closed, opened) = (std::sync::Mutex::new(true), std::sync::Condvar::new());
    thread::scope(|scope| {
        let read = || {
            let reading = lock.read_timeout(PATIENCE)?;
            assert!(inside.fetch_add(1, Ordering::SeqCst) < room);
            let closed = closed.lock().unwrap_or_else(PoisonError::into_inner);
            drop(opened.wait_while(closed, |closed| *closed));
            inside.fetch_sub(1, Ordering::SeqCst);
            drop(reading);
            passed.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let readers: Vec<_> = (0..room + 10).map(|_| scope.spawn(read)).collect();
        let full = wait_until("all have come", || inside.load(Ordering::SeqCst) == room);
        let tried = order(&mut peers[0], "try read", "WouldBlock");
        let waits = begin_to_wait(&mut peers[0], "read");
        // Whatever came of it, they are let go.
        *closed.lock().unwrap_or_else(PoisonError::into_inner) = false;
        opened.notify_all();
        readers.into_iter().try_for_each(joined)?;
        full.and(tried).and(waits)
    })?;
    peers[0].expect("Locked")?;
    order(&mut peers[0], "release", "done")?;
    assert_eq!(passed.into_inner(), room + 10);
    Ok(())
}

/// Numbers that are all the same.
type Same<B> = Shared<RwLock<[u64; 32], B>, B>;
const WRITES: u64 = 1_000;

fn readers_see_nothing_half_written<B: Backend>() -> Verdict {
    let name = unique("same");
    let same = Same::<B>::create(&name, RwLock::new([0; 32]))?;
    let start = |i| match i % 2 {
        0 => Peer::with_args(write_all::<B>, [&name]),
        _ => Peer::with_args(read_all::<B>, [&name]),
    };
    let mut peers = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.set_deadline(Duration::from_secs(100));
        peer.expect("done")?;
    }
    assert_eq!(*same.read()?, [4 * WRITES; 32]);
    Ok(())
}

fn write_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let same = Same::<B>::open(stage.arg(0))?;
    for round in 0..WRITES {
        let mut same = same.write_timeout(PATIENCE)?;
        for (i, number) in same.iter_mut().enumerate() {
            *black_box(number) += 1;
            if round % 64 == 0 && i == 16 {
                // Others run into the lock, and go to sleep.
                thread::yield_now();
            }
        }
    }
    stage.say("done");
    Ok(())
}

fn read_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let same = Same::<B>::open(stage.arg(0))?;
    let mut before = 0;
    while before < 4 * WRITES {
        let same = same.read_timeout(PATIENCE)?;
        let first = same[0];
        assert!(first >= before, "{first} after {before}");
        assert_eq!(*black_box(&*same), [first; 32]);
        before = first;
    }
    stage.say("done");
    Ok(())
}
