//! What becomes of those who wait for a condition when somebody dies.

use super::{
    condvar::{Gate, with_peers},
    locking::{
        NOTICED, assert_noticed, begin, begin_to_wait, kill, lock_kind, order, order_until, results,
    },
    signal,
};
use crate::{Backend, Verdict, behaviours, is_linux, unavailable};
use std::time::{Duration, Instant};
use strait::{ErrorKind, sync::LockError};

behaviours! {
    condvar_death;
    a_killed_waiter_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    one_that_is_woken_and_killed_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    a_killed_notifier_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    a_stopped_waiter_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    who_waits_learns_that_the_owner_of_the_mutex_was_killed
        needs [NamedSegments, WaitAddress, Seats],
    who_waits_without_repairing_gives_the_value_up needs [NamedSegments, WaitAddress, Seats],
}

fn a_killed_waiter_hangs_nobody<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for round in 0..24 {
        let (gate, mut peers) = with_peers::<B>("killed", 4)?;
        match round % 2 {
            0 => order_until(&mut peers[0], "wait", "condvar: about to sleep")?,
            _ => begin_to_wait(&mut peers[0], "wait")?,
        }
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "wait"))?;
        // Before the notice, or just when it comes, which may be what it is woken by.
        let (early, one) = (round / 2 % 2 == 0, round / 4 % 2 == 0);
        if early {
            kill(&mut peers[0])?;
        }
        gate.lock()?[0] = 1;
        let notified = notify(&gate, one);
        if !early {
            kill(&mut peers[0])?;
        }
        let (said, after) = results(&mut peers[1..], notified)?;
        // It may have had the mutex already, and then one of the others was told.
        let told = usize::from(said[2] == "OwnerDied");
        assert!(told == 0 || !early, "{said:?}");
        assert_eq!(said[..3 - told], ["1"; 3][told..]);
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

/// Notifies one or all, which takes no time. Returns when.
fn notify<B: Backend>(gate: &Gate<B>, one: bool) -> Instant {
    let before = Instant::now();
    match one {
        true => gate.changed[0].notify_one(),
        false => gate.changed[0].notify_all(),
    }
    assert!(before.elapsed() < NOTICED, "notified for {:?}", before.elapsed());
    before
}

fn one_that_is_woken_and_killed_hangs_nobody<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for _ in 0..8 {
        let (gate, mut peers) = with_peers::<B>("woken", 4)?;
        // The first to sleep is the first that is woken.
        begin(&mut peers[0], "stop at condvar: woken")?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "wait"))?;
        gate.lock()?[0] = 1;
        notify(&gate, true);
        peers[0].expect("at condvar: woken")?;
        let killed = kill(&mut peers[0])?;
        let (said, after) = results(&mut peers[1..], killed)?;
        assert_eq!(said, ["1"; 3]);
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn a_killed_notifier_hangs_nobody<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for _ in 0..4 {
        let (_gate, mut peers) = with_peers::<B>("notifier", 4)?;
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, "wait"))?;
        order(&mut peers[0], "lock", "Locked")?;
        order(&mut peers[0], "add", "1")?;
        // And then it would notify them.
        order(&mut peers[0], "release", "done")?;
        let killed = kill(&mut peers[0])?;
        let (said, after) = results(&mut peers[1..], killed)?;
        assert_eq!(said, ["1"; 3]);
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn a_stopped_waiter_hangs_nobody<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here stops a process");
    }
    let mut times = Vec::new();
    for one in [true, false] {
        let (gate, mut peers) = with_peers::<B>("stopped", 3)?;
        peers.iter_mut().try_for_each(|peer| begin_to_wait(peer, "wait"))?;
        signal("-STOP", peers[0].id())?;
        gate.lock()?[0] = 1;
        let notified = notify(&gate, one);
        let (said, after) = results(&mut peers[1..], notified)?;
        assert_eq!(said, ["1"; 2]);
        times.extend(after);
        signal("-CONT", peers[0].id())?;
        peers[0].expect("1")?;
    }
    assert_noticed(&times);
    Ok(())
}

fn who_waits_learns_that_the_owner_of_the_mutex_was_killed<B: Backend>() -> Verdict {
    let mut times = Vec::new();
    for wait in ["wait", "wait for good", "wait", "wait for good"] {
        let (gate, mut peers) = with_peers::<B>("owner", 4)?;
        peers[1..].iter_mut().try_for_each(|peer| begin_to_wait(peer, wait))?;
        order(&mut peers[0], "lock", "Locked")?;
        order(&mut peers[0], "add", "1")?;
        order(&mut peers[0], "notify", "done")?;
        let killed = kill(&mut peers[0])?;
        let (said, after) = results(&mut peers[1..], killed)?;
        // One of them was told, and repaired it for all.
        assert_eq!(said, ["1", "1", "OwnerDied"]);
        assert_eq!(gate.lock()?[0], 1);
        times.extend(after);
    }
    assert_noticed(&times);
    Ok(())
}

fn who_waits_without_repairing_gives_the_value_up<B: Backend>() -> Verdict {
    let (gate, mut peers) = with_peers::<B>("given-up", 3)?;
    let changed = &gate.changed[0];
    let soon = Duration::from_millis(10);
    order(&mut peers[0], "lock", "Locked")?;
    kill(&mut peers[0])?;
    let Err(LockError::OwnerDied(mut value)) = gate.lock() else {
        return Err("nobody had died".into());
    };
    // One that was repaired can be waited with.
    value.mark_consistent();
    let (value, _) = changed.wait_timeout(value, soon)?;
    drop(value);
    begin_to_wait(&mut peers[2], "wait")?;
    order(&mut peers[1], "lock", "Locked")?;
    kill(&mut peers[1])?;
    let value = match gate.lock() {
        Err(LockError::OwnerDied(value)) => value,
        // Who waits has looked just then, and is the one that gives it up.
        Err(LockError::NotRecoverable) => return Ok(peers[2].expect("OwnerDied")?),
        _ => return Err("nobody had died".into()),
    };
    assert_eq!(lock_kind(changed.wait_timeout(value, soon)), ErrorKind::NotRecoverable);
    assert_eq!(lock_kind(gate.lock()), ErrorKind::NotRecoverable);
    notify(&gate, false);
    Ok(peers[2].expect("NotRecoverable")?)
}
