//! Waiting until somebody says that something has changed.

use super::locking::{
    PATIENCE, SOME_NAPS, assert_woken, begin_to_wait, joined, keep, lock_kind, obey, order,
    order_until, wait_until_asleep,
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique, wait_until,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{Condvar, Mutex, MutexGuard, Shared},
    sync::{LockError, LockResult},
};

behaviours! {
    condvar;
    a_notice_wakes_one_who_waits_in_another_process needs [NamedSegments, WaitAddress, Seats],
    a_notice_just_before_falling_asleep_is_noticed needs [NamedSegments, WaitAddress, Seats],
    notify_all_wakes_all needs [NamedSegments, WaitAddress, Seats],
    each_notify_one_wakes_another needs [NamedSegments, WaitAddress, Seats],
    waiting_goes_on_while_a_condition_holds needs [NamedSegments, WaitAddress, Seats],
    waiting_ends_at_the_deadline needs [NamedSegments, WaitAddress, Seats],
    the_mutex_is_free_while_somebody_waits_and_taken_afterwards
        needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![wait_as_told::<B>]
}

/// A mutex, and conditions of what it guards.
pub(super) struct Gate<B: Backend, const N: usize = 1> {
    pub(super) value: Shared<Mutex<[u64; N], B>, B>,
    pub(super) changed: Shared<[Condvar<B>; 2], B>,
}

impl<B: Backend, const N: usize> Gate<B, N> {
    pub(super) fn create(name: &str) -> strait::Result<Self> {
        Ok(Self {
            value: Shared::create(name, Mutex::new([0; N]))?,
            changed: Shared::create(format!("{name}/changed"), Default::default())?,
        })
    }

    pub(super) fn open(name: &str) -> strait::Result<Self> {
        let changed = Shared::open(format!("{name}/changed"))?;
        Ok(Self { value: Shared::open(name)?, changed })
    }

    pub(super) fn lock(&self) -> LockResult<MutexGuard<'_, [u64; N], B>> {
        self.value.lock_timeout(PATIENCE)
    }

    /// Waits as long as the condition holds, and makes sure that this ends.
    pub(super) fn wait_while<'a>(
        &'a self,
        which: usize,
        guard: MutexGuard<'a, [u64; N], B>,
        condition: impl FnMut(&mut [u64; N]) -> bool,
    ) -> strait::Result<MutexGuard<'a, [u64; N], B>> {
        let waited = self.changed[which].wait_timeout_while(guard, PATIENCE, condition);
        let (guard, result) = waited?;
        assert!(!result.timed_out(), "a notice was lost");
        Ok(guard)
    }
}

/// A gate, and peers that wait at it as they are told.
pub(super) fn with_peers<B: Backend>(
    label: &str,
    how_many: usize,
) -> Result<(Gate<B>, Vec<Peer>), Failure> {
    let name = unique(label);
    let gate = Gate::create(&name)?;
    let start = |_| Peer::with_args(wait_as_told::<B>, [&name]);
    let peers = (0..how_many).map(start).collect::<Result<Vec<_>, _>>()?;
    Ok((gate, peers))
}

/// Waits for another value than it has seen, takes one of a number, locks, notifies and releases as it
/// is told.
pub(super) fn wait_as_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let gate = Gate::<B>::open(stage.arg(0))?;
    let changed = &gate.changed[0];
    let (mut seen, mut kept) = (0, None);
    obey(stage, |order| {
        let waited = match (order, &mut kept) {
            ("wait", _) => wait_while(&gate, |value| value[0] == seen),
            ("wait for good", _) => {
                gate.lock().and_then(|value| changed.wait_while(value, |value| value[0] == seen))
            }
            ("take", _) => wait_while(&gate, |value| value[0] == 0).map(|mut value| {
                value[0] -= 1;
                value
            }),
            ("lock", _) => return keep(&mut kept, gate.lock()),
            ("add", Some(value)) => {
                value[0] += 1;
                return value[0].to_string();
            }
            ("notify", _) => {
                changed.notify_all();
                return "done".to_owned();
            }
            ("release", _) => {
                kept = None;
                return "done".to_owned();
            }
            _ => return format!("no such order, or not now: {order}"),
        };
        match waited {
            Ok(value) => {
                seen = value[0];
                seen.to_string()
            }
            Err(LockError::OwnerDied(mut value)) => {
                value.mark_consistent();
                "OwnerDied".to_owned()
            }
            Err(error) => format!("{:?}", error.kind()),
        }
    })
}

/// Waits as long as the condition holds, but not for ever.
fn wait_while<B: Backend>(
    gate: &Gate<B>,
    condition: impl FnMut(&mut [u64; 1]) -> bool,
) -> LockResult<MutexGuard<'_, [u64; 1], B>> {
    match gate.changed[0].wait_timeout_while(gate.lock()?, PATIENCE, condition) {
        Ok((_, result)) if result.timed_out() => Err(LockError::TimedOut),
        Ok((value, _)) => Ok(value),
        Err(LockError::OwnerDied((value, _))) => Err(LockError::OwnerDied(value)),
        Err(error) => Err(strait::Error::from(error).into()),
    }
}

fn a_notice_wakes_one_who_waits_in_another_process<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("one", 1)?;
    let mut times = [Vec::new(), Vec::new()];
    for round in 1..=16 {
        begin_to_wait(&mut peers[0], if round % 3 == 0 { "wait for good" } else { "wait" })?;
        let notified = Instant::now();
        let mut value = gate.lock()?;
        value[0] = round;
        // With the mutex or without; one or all.
        let held = (round % 2 == 0).then_some(value);
        match round / 2 % 2 {
            0 => gate.changed[0].notify_one(),
            _ => gate.changed[0].notify_all(),
        }
        drop(held);
        peers[0].expect(&round.to_string())?;
        times[round as usize % 2].push(notified.elapsed());
    }
    times.into_iter().for_each(assert_woken);
    Ok(())
}

fn a_notice_just_before_falling_asleep_is_noticed<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("just-before", 1)?;
    let mut times = Vec::new();
    for round in 1..=8 {
        order_until(&mut peers[0], "wait", "condvar: about to sleep")?;
        gate.lock()?[0] = round;
        gate.changed[0].notify_one();
        let goes_on = Instant::now();
        peers[0].tell("go on");
        peers[0].expect(&round.to_string())?;
        times.push(goes_on.elapsed());
    }
    assert_woken(times);
    Ok(())
}

fn notify_all_wakes_all<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("all", 4)?;
    let mut times = Vec::new();
    for round in 1..=8 {
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "wait"))?;
        let notified = Instant::now();
        gate.lock()?[0] = round;
        gate.changed[0].notify_all();
        peers.iter_mut().try_for_each(|peer| peer.expect(&round.to_string()))?;
        times.push(notified.elapsed());
    }
    assert_woken(times);
    Ok(())
}

fn each_notify_one_wakes_another<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("another", 4)?;
    let mut times = Vec::new();
    for _ in 0..4 {
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "take"))?;
        for _ in 0..peers.len() {
            let notified = Instant::now();
            gate.lock()?[0] += 1;
            gate.changed[0].notify_one();
            wait_until("somebody takes it", || gate.lock().is_ok_and(|value| value[0] == 0))?;
            times.push(notified.elapsed());
        }
        peers.iter_mut().try_for_each(|peer| peer.expect("0"))?;
    }
    assert_woken(times);
    Ok(())
}

fn waiting_goes_on_while_a_condition_holds<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("condition", 2)?;
    begin_to_wait(&mut peers[0], "wait")?;
    begin_to_wait(&mut peers[1], "wait for good")?;
    // Notices alone change nothing.
    for _ in 0..50 {
        gate.changed[0].notify_one();
        gate.changed[0].notify_all();
    }
    gate.lock()?[0] = 7;
    gate.changed[0].notify_all();
    // They haven't said anything before.
    peers.iter_mut().try_for_each(|peer| peer.expect("7"))?;
    let changed = &gate.changed[0];
    // What doesn't hold isn't waited for, though there is no time.
    assert_eq!(changed.wait_while(gate.lock()?, |value| value[0] != 7)?[0], 7);
    let none = Duration::ZERO;
    let waited = changed.wait_timeout_while(gate.lock()?, none, |value| value[0] != 7)?;
    assert!(!waited.1.timed_out());
    drop(waited);
    // The condition can change what it looks at.
    let mut calls = 0;
    let waited = changed.wait_timeout_while(gate.lock()?, SOME_NAPS, |value| {
        value[0] += 1;
        calls += 1;
        true
    })?;
    assert!(waited.1.timed_out() && calls > 0 && waited.0[0] == 7 + calls);
    Ok(())
}

fn waiting_ends_at_the_deadline<B: Backend>() -> Verdict {
    let (gate, peers) = with_peers::<B>("deadline", 1)?;
    // A notice from long ago ends no wait.
    gate.changed[0].notify_all();
    for timeout in [Duration::ZERO, Duration::from_micros(10), SOME_NAPS] {
        let deadline = Instant::now() + timeout;
        let mut value = gate.lock()?;
        loop {
            // It may also end for no reason.
            let (guard, result) = gate.changed[0].wait_deadline(value, deadline)?;
            value = guard;
            if result.timed_out() {
                break;
            }
        }
        assert!(Instant::now() >= deadline);
        // The mutex is taken again.
        assert_eq!(lock_kind(gate.lock()), ErrorKind::Deadlock);
        let begin = Instant::now();
        let waited = gate.changed[0].wait_timeout_while(value, timeout, |_| true)?;
        assert!(waited.1.timed_out() && begin.elapsed() >= timeout);
        assert_eq!(lock_kind(gate.lock()), ErrorKind::Deadlock);
    }
    // The peer gets the mutex when this thread waits.
    let value = gate.lock()?;
    ["lock", "notify", "release"].iter().for_each(|order| peers[0].tell(order));
    let waited = gate.changed[0].wait_timeout(value, PATIENCE)?;
    assert!(!waited.1.timed_out());
    drop(waited);
    // A deadline that never comes is one too.
    let value = gate.lock()?;
    ["lock", "add", "notify", "release"].iter().for_each(|order| peers[0].tell(order));
    let waited = gate.changed[0].wait_timeout_while(value, Duration::MAX, |value| value[0] == 0)?;
    assert_eq!((waited.0[0], waited.1.timed_out()), (1, false));
    Ok(())
}

fn the_mutex_is_free_while_somebody_waits_and_taken_afterwards<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("free", 1)?;
    begin_to_wait(&mut peers[0], "wait")?;
    for _ in 0..10 {
        drop(gate.value.try_lock()?);
    }
    // Noticed, but it doesn't go on before it has the mutex.
    let mut value = gate.lock()?;
    value[0] = 1;
    gate.changed[0].notify_all();
    wait_until_asleep(&peers[0])?;
    value[0] = 2;
    drop(value);
    peers[0].expect("2")?;

    // Its time is over, but it doesn't go on before it has the mutex either.
    let (timeout, stage) = (Duration::from_millis(20), AtomicU32::new(0));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let value = gate.lock()?;
            stage.store(1, Ordering::SeqCst);
            // So long that the peer gets the mutex as soon as this releases it, before the time is over.
            while stage.load(Ordering::SeqCst) == 1 {
                thread::yield_now();
            }
            // Who is woken for no reason waits again.
            let (value, result) = gate.changed[0].wait_timeout_while(value, timeout, |_| true)?;
            Ok((value[0], result.timed_out()))
        });
        wait_until("it has the mutex", || stage.load(Ordering::SeqCst) == 1)?;
        let asleep = begin_to_wait(&mut peers[0], "lock");
        stage.store(2, Ordering::SeqCst);
        asleep?;
        peers[0].expect("Locked")?;
        assert_eq!(lock_kind(gate.value.lock_timeout(SOME_NAPS)), ErrorKind::TimedOut);
        order(&mut peers[0], "add", "3")?;
        order(&mut peers[0], "release", "done")?;
        assert_eq!(joined(waiter)?, (3, true));
        Ok(())
    })
}
