//! Owned permits, and what becomes of them when their holder dies.

use super::{
    kind_of, signal,
    waiting::{
        ASLEEP, ASLEEP_FOR_LONG, NOTICED, PATIENCE, SEVERAL_LOOKS, WOKEN, act_when_told,
        expect_soon, fastest, needs_signals, stopped_at, wait_again, waiting,
    },
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
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
    semaphore;
    no_more_processes_get_in_at_a_time_than_there_are_permits needs [NamedSegments, WaitAddress, Seats],
    as_many_processes_get_in_as_there_are_permits needs [NamedSegments, WaitAddress, Seats],
    a_permit_that_is_given_back_wakes_who_waits needs [NamedSegments, WaitAddress, Seats],
    a_permit_that_is_given_back_as_one_falls_asleep_is_not_missed needs [NamedSegments, WaitAddress, Seats],
    the_permit_of_a_killed_process_is_given_back needs [NamedSegments, WaitAddress, Seats],
    all_permits_of_a_killed_process_are_given_back needs [NamedSegments, WaitAddress, Seats],
    a_killed_waiter_takes_nobodys_permit needs [NamedSegments, WaitAddress, Seats],
    a_forgotten_permit_stays_with_its_process needs [NamedSegments, WaitAddress, Seats],
    a_stopped_holder_keeps_its_permit needs [NamedSegments, WaitAddress, Seats],
    a_permit_that_is_not_to_be_had_is_an_error needs [NamedSegments, WaitAddress, Seats],
    sixty_four_permits_can_be_owned_and_no_more needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![come_and_go::<B>, take::<B>, take_all::<B>, forget::<B>]
}

fn no_more_processes_get_in_at_a_time_than_there_are_permits<B: Backend>() -> Verdict {
    const PERMITS: u32 = 3;
    let name = unique("at-a-time");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(PERMITS))?;
    let inside = Inside::<B>::create(format!("{name}/inside"), Default::default())?;
    let start = |_| Peer::with_args(come_and_go::<B>, [&name]);
    let mut peers = (0..6).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("done")?;
    }
    let [now, most] = inside.each_ref().map(|count| count.load(Ordering::SeqCst));
    assert!(now == 0 && most <= PERMITS, "{most} were inside at a time");
    assert_eq!(semaphore.available(), PERMITS);
    Ok(())
}

/// How many are inside now, and the most that ever were.
type Inside<B> = Shared<[AtomicU32; 2], B>;

fn come_and_go<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    let inside = Inside::<B>::open(format!("{}/inside", stage.arg(0)))?;
    let end = Instant::now() + PATIENCE;
    for _ in 0..3_000 {
        let permit = semaphore.acquire_deadline(end)?;
        let now = inside[0].fetch_add(1, Ordering::SeqCst) + 1;
        inside[1].fetch_max(now, Ordering::SeqCst);
        // So that others come while it is inside.
        thread::yield_now();
        inside[0].fetch_sub(1, Ordering::SeqCst);
        drop(permit);
    }
    stage.say("done");
    Ok(())
}

fn as_many_processes_get_in_as_there_are_permits<B: Backend>() -> Verdict {
    let name = unique("as-many");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(3))?;
    let mut peers = Vec::new();
    for left in [2, 1, 0] {
        let mut peer = Peer::with_args(take::<B>, [&name, ""])?;
        peer.tell("begin");
        peer.expect("have it")?;
        assert_eq!(semaphore.available(), left);
        peers.push(peer);
    }
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    peers[1].tell("give it back");
    peers[1].expect("gave it back")?;
    drop(semaphore.try_acquire()?);
    peers.into_iter().try_for_each(Peer::finish)?;
    assert_eq!(semaphore.available(), 3);
    Ok(())
}

fn a_permit_that_is_given_back_wakes_who_waits<B: Backend>() -> Verdict {
    for asleep in [ASLEEP, ASLEEP_FOR_LONG] {
        let name = unique("wakes");
        let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
        let mut peer = Peer::with_args(take::<B>, [&name, asleep])?;
        let took = fastest(|| {
            let permit = semaphore.acquire_timeout(PATIENCE)?;
            wait_again(&mut peer, asleep)?;
            let begin = Instant::now();
            drop(permit);
            peer.expect("have it")?;
            let took = begin.elapsed();
            peer.tell("give it back");
            peer.expect("gave it back")?;
            Ok(took)
        })?;
        assert!(took < WOKEN, "{asleep}: {took:?}");
    }
    Ok(())
}

fn a_permit_that_is_given_back_as_one_falls_asleep_is_not_missed<B: Backend>() -> Verdict {
    let name = unique("not-missed");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
    let mut peer = Peer::with_args(take::<B>, [&name, ASLEEP])?;
    let took = fastest(|| {
        let permit = semaphore.acquire_timeout(PATIENCE)?;
        peer.tell("begin");
        // It has found none, and doesn't sleep yet.
        peer.expect(&format!("at {ASLEEP}"))?;
        drop(permit);
        let begin = Instant::now();
        peer.tell("go on");
        peer.expect("have it")?;
        let took = begin.elapsed();
        peer.tell("give it back");
        peer.expect("gave it back")?;
        Ok(took)
    })?;
    assert!(took < WOKEN, "{took:?}");
    Ok(())
}

fn the_permit_of_a_killed_process_is_given_back<B: Backend>() -> Verdict {
    for (point, keeps) in
        [("semaphore: acquired", true), ("semaphore: given back, not rung", false)]
    {
        let name = unique("killed");
        let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
        let mut holder = Peer::with_args(take::<B>, [&name, point])?;
        let at = format!("at {point}");
        holder.tell("begin");
        holder.expect(if keeps { &at } else { "have it" })?;
        let mut waiters = [waiting(take::<B>, &name)?, waiting(take::<B>, &name)?];
        for waiter in &waiters {
            waiter.tell("give it back");
        }
        if !keeps {
            holder.tell("give it back");
            holder.expect(&at)?;
        }
        holder.kill()?;
        let killed = Instant::now();
        for waiter in &mut waiters {
            expect_soon(waiter, "have it", killed)?;
        }
        for waiter in &mut waiters {
            waiter.expect("gave it back")?;
        }
        assert_eq!(semaphore.available(), 1);
    }
    Ok(())
}

fn all_permits_of_a_killed_process_are_given_back<B: Backend>() -> Verdict {
    let name = unique("all");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(5))?;
    let mut peer = Peer::with_args(take_all::<B>, [&name])?;
    peer.expect("have 5")?;
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    peer.kill()?;
    let permits = (0..5).map(|_| semaphore.try_acquire()).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    drop(permits);
    assert_eq!(semaphore.available(), 5);
    Ok(())
}

/// Takes all permits that there are, in several threads, and doesn't end by itself.
fn take_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    let taken = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Ok(permit) = semaphore.try_acquire() {
                    permit.forget();
                    taken.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    stage.say(format!("have {}", taken.into_inner()));
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_killed_waiter_takes_nobodys_permit<B: Backend>() -> Verdict {
    let name = unique("waiter");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
    for _ in 0..3 {
        let permit = semaphore.acquire_timeout(PATIENCE)?;
        let mut killed = [stopped_at(take::<B>, &[&name, ASLEEP])?, waiting(take::<B>, &name)?];
        let mut other = waiting(take::<B>, &name)?;
        for peer in &mut killed {
            peer.kill()?;
        }
        drop(permit);
        expect_soon(&mut other, "have it", Instant::now())?;
        other.finish()?;
        assert_eq!(semaphore.available(), 1);
    }
    Ok(())
}

fn a_forgotten_permit_stays_with_its_process<B: Backend>() -> Verdict {
    let name = unique("forgotten");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
    let forgetful = || -> Result<Peer, Failure> {
        let mut peer = Peer::with_args(forget::<B>, [&name])?;
        peer.expect("forgotten")?;
        assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
        assert_eq!(kind_of(semaphore.acquire_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
        Ok(peer)
    };
    forgetful()?.kill()?;
    drop(semaphore.acquire_timeout(NOTICED)?);
    forgetful()?.finish()?;
    drop(semaphore.acquire_timeout(NOTICED)?);
    Ok(())
}

fn forget<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    semaphore.acquire_timeout(PATIENCE)?.forget();
    stage.say("forgotten");
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_stopped_holder_keeps_its_permit<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("stopped");
    let semaphore = SharedSemaphore::<B>::create(&name, Semaphore::new(1))?;
    let mut holder = stopped_at(take::<B>, &[&name, "semaphore: acquired"])?;
    signal("-STOP", holder.id())?;
    assert_eq!(kind_of(semaphore.acquire_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    holder.kill()?;
    drop(semaphore.acquire_timeout(NOTICED)?);
    Ok(())
}

fn a_permit_that_is_not_to_be_had_is_an_error<B: Backend>() -> Verdict {
    for permits in [0, 1] {
        let name = unique("error");
        let semaphore = SharedSemaphore::<B>::create(name, Semaphore::new(permits))?;
        let _all = (0..permits).map(|_| semaphore.try_acquire()).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
        for timeout in [Duration::ZERO, Duration::from_millis(30)] {
            let begin = Instant::now();
            assert_eq!(kind_of(semaphore.acquire_timeout(timeout)), ErrorKind::TimedOut);
            assert!(begin.elapsed() >= timeout);
            let deadline = Instant::now() + timeout;
            assert_eq!(kind_of(semaphore.acquire_deadline(deadline)), ErrorKind::TimedOut);
            assert!(Instant::now() >= deadline);
        }
        // They are given back by who has them, and by nobody else.
        assert_eq!(kind_of(semaphore.release(1)), ErrorKind::InvalidInput);
        assert_eq!(semaphore.available(), 0);
    }
    Ok(())
}

fn sixty_four_permits_can_be_owned_and_no_more<B: Backend>() -> Verdict {
    let most = Semaphore::<B>::MAX_OWNED;
    assert_eq!(most, 64);
    let semaphore = SharedSemaphore::<B>::create(unique("most"), Semaphore::new(most))?;
    let mut permits = Vec::new();
    for taken in 0..most {
        assert_eq!(semaphore.available(), most - taken);
        permits.push(semaphore.try_acquire()?);
    }
    assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::WouldBlock);
    permits.truncate(5);
    assert_eq!(semaphore.available(), most - 5);
    for too_many in [most + 1, u32::MAX] {
        let semaphore = SharedSemaphore::<B>::create(unique("more"), Semaphore::new(too_many))?;
        assert_eq!(kind_of(semaphore.acquire()), ErrorKind::InvalidInput);
        assert_eq!(kind_of(semaphore.try_acquire()), ErrorKind::InvalidInput);
        assert_eq!(kind_of(semaphore.acquire_timeout(PATIENCE)), ErrorKind::InvalidInput);
    }
    Ok(())
}

type SharedSemaphore<B> = Shared<Semaphore<B>, B>;

/// Takes a permit, and gives it back, each when it is told to.
fn take<B: Backend>(stage: &mut Stage) -> Verdict {
    let semaphore = SharedSemaphore::<B>::open(stage.arg(0))?;
    act_when_told(stage, |stage| {
        let permit = semaphore.acquire_timeout(PATIENCE)?;
        stage.say("have it");
        let _ = stage.hear();
        drop(permit);
        Ok("gave it back")
    });
    Ok(())
}
