//! Permits that are counted, and are given by one process and taken by another.

use super::{
    kind_of,
    waiting::{
        ASLEEP, NOTICED, PATIENCE, WOKEN, act_when_told, expect_soon, fastest, stopped_at,
        wait_again, waiting,
    },
};
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours, is_wine, kill_point, unique,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{Semaphore, Shared},
};

behaviours! {
    semaphore_counting;
    what_one_process_releases_another_acquires needs [NamedSegments, WaitAddress, Seats],
    a_permit_is_given_back_unless_it_is_forgotten needs [NamedSegments, WaitAddress, Seats],
    more_permits_than_can_be_counted_are_refused needs [NamedSegments, WaitAddress, Seats],
    no_permit_is_lost_in_20_000_round_trips needs [NamedSegments, WaitAddress, Seats],
    no_permit_is_lost_or_doubled_between_4_processes needs [NamedSegments, WaitAddress, Seats],
    permits_released_at_once_wake_as_many_as_wait needs [NamedSegments, WaitAddress, Seats],
    permits_released_one_after_another_wake_as_many needs [NamedSegments, WaitAddress, Seats],
    where_a_process_is_killed_before_it_rings_others_wait_for_a_nap needs [NamedSegments, WaitAddress, Seats],
    a_waiter_that_is_killed_as_it_is_woken_takes_nobodys_permit needs [NamedSegments, WaitAddress, Seats],
    what_a_killed_process_acquired_is_lost needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![consume::<B>, release::<B>, answer::<B>, acquire_and_release::<B>, stop_when_woken::<B>]
}

fn what_one_process_releases_another_acquires<B: Backend>() -> Verdict {
    let name = unique("releases");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(0))?;
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    let begin = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(kind_of(semaphore.acquire_timeout(timeout)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= timeout);
    let mut peer = Peer::with_args(release::<B>, [&name, "", "3"])?;
    peer.tell("begin");
    for _ in 0..3 {
        semaphore.acquire_timeout(PATIENCE)?.forget();
    }
    peer.expect("released")?;
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    assert_eq!(semaphore.available(), 0);
    Ok(())
}

fn a_permit_is_given_back_unless_it_is_forgotten<B: Backend>() -> Verdict {
    let semaphore = SharedSemaphore::<B>::create(unique("back"), Semaphore::counting(2))?;
    let (first, second) = (semaphore.acquire()?, semaphore.try_acquire()?);
    assert_eq!(semaphore.available(), 0);
    drop(first);
    assert_eq!(semaphore.available(), 1);
    second.forget();
    assert_eq!(semaphore.available(), 1);
    drop(semaphore.acquire_timeout(PATIENCE)?);
    assert_eq!(semaphore.available(), 1);
    Ok(())
}

fn more_permits_than_can_be_counted_are_refused<B: Backend>() -> Verdict {
    let semaphore = SharedSemaphore::<B>::create(unique("max"), Semaphore::counting(u32::MAX - 2))?;
    assert_eq!(kind_of(semaphore.release(3)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(semaphore.release(u32::MAX)), ErrorKind::InvalidInput);
    // None is added then.
    assert_eq!(semaphore.available(), u32::MAX - 2);
    semaphore.release(2)?;
    semaphore.release(0)?;
    assert_eq!(kind_of(semaphore.release(1)), ErrorKind::InvalidInput);
    let permit = semaphore.acquire()?;
    semaphore.release(1)?;
    // There is no room for it any more.
    drop(permit);
    assert_eq!(semaphore.available(), u32::MAX);
    Ok(())
}

const ROUND_TRIPS: u32 = 20_000;

fn no_permit_is_lost_in_20_000_round_trips<B: Backend>() -> Verdict {
    let name = unique("round-trips");
    let both = [Semaphore::counting(0), Semaphore::counting(0)];
    let semaphores = Shared::<[Semaphore<B>; 2], B>::create(&name, both)?;
    let mut peer = Peer::with_args(answer::<B>, [&name])?;
    // Each way is several calls of a server there.
    let patience = if is_wine() { 15 * PATIENCE } else { PATIENCE };
    peer.set_deadline(patience);
    let end = Instant::now() + patience;
    for _ in 0..ROUND_TRIPS {
        semaphores[0].release(1)?;
        semaphores[1].acquire_deadline(end)?.forget();
    }
    peer.expect("done")?;
    assert_eq!(semaphores.each_ref().map(Semaphore::available), [0, 0]);
    Ok(())
}

fn answer<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphores = Shared::<[Semaphore<B>; 2], B>::open(stage.arg(0))?;
    for _ in 0..ROUND_TRIPS {
        semaphores[0].acquire_timeout(PATIENCE)?.forget();
        semaphores[1].release(1)?;
    }
    stage.say("done");
    Ok(())
}

fn no_permit_is_lost_or_doubled_between_4_processes<B: Backend>() -> Verdict {
    const PERMITS: u32 = 2;
    let name = unique("doubled");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(PERMITS))?;
    let inside = Inside::<B>::create(format!("{name}/inside"), Default::default())?;
    let start = |_| Peer::with_args(acquire_and_release::<B>, [&name]);
    let mut peers = (0..4).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("done")?;
    }
    let [now, most] = inside.each_ref().map(|count| count.load(Ordering::SeqCst));
    assert!(now == 0 && most <= PERMITS, "{most} had one at a time");
    assert_eq!(semaphore.available(), PERMITS);
    Ok(())
}

/// How many have a permit now, and the most that ever had.
type Inside<B> = Shared<[AtomicU32; 2], B>;

fn acquire_and_release<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    let inside = Inside::<B>::open(format!("{}/inside", stage.arg(0)))?;
    let end = Instant::now() + PATIENCE;
    for i in 0..4_000 {
        let permit = semaphore.acquire_deadline(end)?;
        let now = inside[0].fetch_add(1, Ordering::SeqCst) + 1;
        inside[1].fetch_max(now, Ordering::SeqCst);
        thread::yield_now();
        inside[0].fetch_sub(1, Ordering::SeqCst);
        if i % 2 == 0 {
            permit.forget();
            semaphore.release(1)?;
        }
    }
    stage.say("done");
    Ok(())
}

fn permits_released_at_once_wake_as_many_as_wait<B: Backend>() -> Verdict {
    wakes_two::<B>("at-once", |semaphore| semaphore.release(2))
}

fn permits_released_one_after_another_wake_as_many<B: Backend>() -> Verdict {
    wakes_two::<B>("one-by-one", |semaphore| {
        semaphore.release(1)?;
        semaphore.release(1)
    })
}

/// Has two permits released while two processes wait, each of which has to be woken.
fn wakes_two<B: Backend>(
    label: &str,
    release: impl Fn(&Semaphore<B>) -> strait::Result<()>,
) -> Verdict {
    let name = unique(label);
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(0))?;
    let mut peers = [
        Peer::with_args(consume::<B>, [&name, ASLEEP])?,
        Peer::with_args(consume::<B>, [&name, ASLEEP])?,
    ];
    let took = fastest(|| {
        for peer in &mut peers {
            wait_again(peer, ASLEEP)?;
        }
        let begin = Instant::now();
        release(&semaphore)?;
        for peer in &mut peers {
            peer.expect("acquired")?;
        }
        Ok(begin.elapsed())
    })?;
    assert!(took < WOKEN, "{took:?}");
    assert_eq!(semaphore.available(), 0);
    Ok(())
}

fn where_a_process_is_killed_before_it_rings_others_wait_for_a_nap<B: Backend>() -> Verdict {
    for _ in 0..3 {
        let name = unique("not-rung");
        let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(0))?;
        let mut waiter = waiting(consume::<B>, &name)?;
        let mut killed = stopped_at(release::<B>, &[&name, "semaphore: released, not rung", "2"])?;
        killed.kill()?;
        expect_soon(&mut waiter, "acquired", Instant::now())?;
        semaphore.acquire_timeout(NOTICED)?.forget();
        assert_eq!(semaphore.available(), 0);
    }
    Ok(())
}

fn a_waiter_that_is_killed_as_it_is_woken_takes_nobodys_permit<B: Backend>() -> Verdict {
    let mut woken = 0;
    for _ in 0..30 {
        let name = unique("woken");
        let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(0))?;
        let mut killed = Peer::with_args(stop_when_woken::<B>, [&name])?;
        killed.expect("begins")?;
        // That takes so long that the first one sleeps by now, and is the one to be woken.
        let mut other = Peer::with_args(consume::<B>, [&name, ASLEEP])?;
        wait_again(&mut other, ASLEEP)?;
        semaphore.release(1)?;
        if killed.hear()? == "acquired" {
            // It was too slow to fall asleep.
            continue;
        }
        killed.kill()?;
        expect_soon(&mut other, "acquired", Instant::now())?;
        assert_eq!(semaphore.available(), 0);
        woken += 1;
        if woken == 3 {
            return Ok(());
        }
    }
    Err(format!("of 30 only {woken} fell asleep").into())
}

fn stop_when_woken<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    kill_point::arm("bell: woken");
    stage.say("begins");
    semaphore.acquire_timeout(PATIENCE)?.forget();
    stage.say("acquired");
    Ok(())
}

fn what_a_killed_process_acquired_is_lost<B: Backend>() -> Verdict {
    let name = unique("lost");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::counting(2))?;
    let mut peer = stopped_at(consume::<B>, &[&name, "semaphore: acquired"])?;
    peer.kill()?;
    assert_eq!(semaphore.available(), 1);
    drop(semaphore.try_acquire()?);
    // One who knows that it is lost makes up for it.
    semaphore.release(1)?;
    assert_eq!(semaphore.available(), 2);
    Ok(())
}

type SharedSemaphore<B> = Shared<Semaphore<B>, B>;

/// Takes a permit for good, each time that it is told to.
fn consume<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    act_when_told(stage, |_| {
        semaphore.acquire_timeout(PATIENCE)?.forget();
        Ok("acquired")
    });
    Ok(())
}

/// Releases as many permits as its third argument says, each time that it is told to.
fn release<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    let permits = stage.arg(2).parse()?;
    act_when_told(stage, |_| {
        semaphore.release(permits)?;
        Ok("released")
    });
    Ok(())
}
