//! Who owns a lock, and when it is gone for sure: with a mutex as the example.

use super::{
    signal,
    waiting::{
        ASLEEP, NOTICED, PATIENCE, SEVERAL_LOOKS, about_to_wait, act_when_told, expect_soon,
        needs_signals,
    },
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root,
    unavailable, unique,
};
use std::{
    fs,
    time::{Duration, Instant},
};
use strait::{
    generic::{Mutex, Shared},
    sync::{LockError, LockResult},
};

behaviours! {
    owners;
    who_waits_learns_of_a_death_within_100_ms needs [NamedSegments, WaitAddress, Seats],
    a_stopped_owner_is_not_dead needs [NamedSegments, WaitAddress, Seats],
    an_owner_in_a_pid_namespace_is_dead_when_it_is_killed needs [NamedSegments, WaitAddress, Seats],
    an_owner_outside_of_the_pid_namespace_is_dead_when_it_is_killed needs [NamedSegments, WaitAddress, Seats],
    an_owner_in_another_pid_namespace_is_dead_when_it_is_killed needs [NamedSegments, WaitAddress, Seats],
    increments_inside_and_outside_of_a_pid_namespace_are_all_counted needs [NamedSegments, WaitAddress, Seats],
    a_process_that_got_the_number_of_the_owner_is_not_it needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        lock::<B>,
        wait_for_a_while::<B>,
        increment::<B>,
        increment_with_a_child::<B>,
        reuse_the_number::<B>
    ]
}

fn who_waits_learns_of_a_death_within_100_ms<B: Backend>() -> Verdict {
    let name = unique("within");
    let _value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    let mut waiter = user::<B>(OUTSIDE, &name, ASLEEP)?;
    let mut took = Vec::new();
    for _ in 0..5 {
        let mut owner = owner::<B>(OUTSIDE, &name)?;
        about_to_wait(&mut waiter)?;
        owner.kill()?;
        let killed = Instant::now();
        waiter.expect("owner died")?;
        took.push(killed.elapsed());
        waiter.tell("unlock");
        waiter.expect("unlocked")?;
    }
    // On a machine that is busy with something else some may take longer.
    assert!(took.iter().any(|took| *took < Duration::from_millis(100)), "{took:?}");
    assert!(took.iter().all(|took| *took < NOTICED), "{took:?}");
    Ok(())
}

fn a_stopped_owner_is_not_dead<B: Backend>() -> Verdict {
    needs_signals()?;
    is_dead_when_it_is_killed::<B>(OUTSIDE, OUTSIDE)
}

fn an_owner_in_a_pid_namespace_is_dead_when_it_is_killed<B: Backend>() -> Verdict {
    needs_namespaces()?;
    is_dead_when_it_is_killed::<B>(NESTED, OUTSIDE)?;
    is_dead_when_it_is_killed::<B>(NESTED_WITH_PROC, OUTSIDE)
}

fn an_owner_outside_of_the_pid_namespace_is_dead_when_it_is_killed<B: Backend>() -> Verdict {
    needs_namespaces()?;
    is_dead_when_it_is_killed::<B>(OUTSIDE, NESTED)?;
    is_dead_when_it_is_killed::<B>(OUTSIDE, NESTED_WITH_PROC)
}

fn an_owner_in_another_pid_namespace_is_dead_when_it_is_killed<B: Backend>() -> Verdict {
    needs_namespaces()?;
    is_dead_when_it_is_killed::<B>(NESTED, NESTED_WITH_PROC)
}

/// Shows that an owner, started under one command, isn't taken for dead while it is merely stopped, but
/// soon when it is killed, by waiters started under another command.
fn is_dead_when_it_is_killed<B: Backend>(owners: Wrapper, waiters: Wrapper) -> Verdict {
    let name = unique("dead");
    let _value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    let mut owner = owner::<B>(owners, &name)?;
    let mut waiter = user::<B>(waiters, &name, ASLEEP)?;
    about_to_wait(&mut waiter)?;
    // Under a command it is the child of what was started.
    let pid = if owners.is_empty() { owner.id() } else { child_of(owner.id())? };
    signal("-STOP", pid)?;
    let mut judge = Peer::under(waiters, wait_for_a_while::<B>, [&name])?;
    judge.expect("WouldBlock, TimedOut, WouldBlock")?;
    owner.kill()?;
    expect_soon(&mut waiter, "owner died", Instant::now())?;
    waiter.tell("unlock");
    waiter.expect("unlocked")?;
    // Whoever comes next finds nothing unusual.
    judge.tell("again");
    judge.expect("locked, locked, locked")?;
    Ok(())
}

/// Says what came of locking at once, within some time, and at once again; twice.
fn wait_for_a_while<B: Backend>(stage: &mut Stage) -> Verdict {
    let value = SharedMutex::<B>::open(stage.arg(0))?;
    let what = |result: LockResult<_>| match result.map(drop) {
        Ok(()) => "locked".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    };
    for _ in 0..2 {
        let said = [
            what(value.try_lock()),
            what(value.lock_timeout(SEVERAL_LOOKS)),
            what(value.try_lock()),
        ];
        stage.say(said.join(", "));
        stage.hear();
    }
    Ok(())
}

const INCREMENTS: u64 = 50_000;

fn increments_inside_and_outside_of_a_pid_namespace_are_all_counted<B: Backend>() -> Verdict {
    needs_namespaces()?;
    for wrapper in [NESTED, NESTED_WITH_PROC] {
        let name = unique("increments");
        let count = SharedMutex::<B>::create(&name, Mutex::new(0))?;
        let mut peers = [
            Peer::under(wrapper, increment_with_a_child::<B>, [&name])?,
            Peer::with_args(increment::<B>, [&name])?,
            Peer::with_args(increment::<B>, [&name])?,
        ];
        for peer in &mut peers {
            peer.expect("ready")?;
        }
        for peer in &peers {
            peer.tell("go");
        }
        for peer in &mut peers {
            peer.expect("done")?;
        }
        assert_eq!(*count.lock()?, 4 * INCREMENTS);
    }
    Ok(())
}

/// So that there are two in the same namespace.
fn increment_with_a_child<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut child = Peer::with_args(increment::<B>, stage.args())?;
    child.expect("ready")?;
    increment_when_told::<B>(stage, || child.tell("go"))?;
    child.expect("done")?;
    stage.say("done");
    Ok(())
}

fn increment<B: Backend>(stage: &mut Stage) -> Verdict {
    increment_when_told::<B>(stage, || ())?;
    stage.say("done");
    Ok(())
}

fn increment_when_told<B: Backend>(stage: &mut Stage, told: impl FnOnce()) -> Verdict {
    let count = SharedMutex::<B>::open(stage.arg(0))?;
    stage.say("ready");
    stage.expect("go")?;
    told();
    for _ in 0..INCREMENTS {
        *count.lock()? += 1;
    }
    Ok(())
}

fn a_process_that_got_the_number_of_the_owner_is_not_it<B: Backend>() -> Verdict {
    // In a namespace of its own, where nobody else takes the number.
    needs_namespaces()?;
    let mut peer = Peer::under(NESTED_WITH_PROC, reuse_the_number::<B>, [unique("number")])?;
    peer.expect("not taken for it")?;
    Ok(peer.finish()?)
}

fn reuse_the_number<B: Backend>(stage: &mut Stage) -> Verdict {
    let name = stage.arg(0);
    let value = SharedMutex::<B>::create(name, Mutex::new(0))?;
    let mut first = owner::<B>(OUTSIDE, name)?;
    let number = first.id();
    let reuse = || -> Result<Peer, Failure> {
        fs::write("/proc/sys/kernel/ns_last_pid", (number - 1).to_string())?;
        let next = user::<B>(OUTSIDE, name, "")?;
        assert_eq!(next.id(), number, "the number was not reused");
        Ok(next)
    };
    first.kill()?;
    // It is neither the owner itself,
    let mut second = reuse()?;
    second.tell("begin");
    second.expect("owner died")?;
    second.kill()?;
    // nor a sign that the owner lives.
    let third = reuse()?;
    assert!(matches!(value.lock_timeout(NOTICED), Err(LockError::OwnerDied(_))));
    third.finish()?;
    stage.say("not taken for it");
    Ok(())
}

type SharedMutex<B> = Shared<Mutex<u64, B>, B>;

/// The words of a command under which a peer is started.
type Wrapper = &'static [&'static str];

const OUTSIDE: Wrapper = &[];
const NESTED: Wrapper = &["unshare", "--pid", "--fork", "--kill-child"];
const NESTED_WITH_PROC: Wrapper = &["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

fn needs_namespaces() -> Verdict {
    match is_linux() && is_root() {
        true => Ok(()),
        false => unavailable("needs root on Linux, to make a PID namespace"),
    }
}

fn child_of(pid: u32) -> Result<u32, Failure> {
    Ok(fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?.trim().parse()?)
}

/// A peer that has it open, and locks when it is told to.
fn user<B: Backend>(wrapper: Wrapper, name: &str, point: &str) -> Result<Peer, Failure> {
    let mut peer = Peer::under(wrapper, lock::<B>, [name, point])?;
    peer.expect("open")?;
    Ok(peer)
}

/// A peer that has locked it.
fn owner<B: Backend>(wrapper: Wrapper, name: &str) -> Result<Peer, Failure> {
    let mut peer = user::<B>(wrapper, name, "")?;
    peer.tell("begin");
    peer.expect("locked")?;
    Ok(peer)
}

fn lock<B: Backend>(stage: &mut Stage) -> Verdict {
    let value = SharedMutex::<B>::open(stage.arg(0))?;
    stage.say("open");
    act_when_told(stage, |stage| {
        let locked = value.lock_timeout(PATIENCE);
        stage.say(if locked.is_ok() { "locked" } else { "owner died" });
        let guard = locked.or_else(LockError::recover)?;
        stage.hear();
        drop(guard);
        Ok("unlocked")
    });
    Ok(())
}
