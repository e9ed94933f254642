//! What the behaviours of locks have in common: peers that lock when they are told to, and how long what
//! may take.

use crate::{Failure, Peer, Stage, Verdict, is_linux, is_wine, kill_point, wait_until};
use std::{
    fs,
    thread::ScopedJoinHandle,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    sync::{LockError, LockResult},
};

/// Longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How soon a death is noticed.
const PROMISED: Duration = Duration::from_millis(100);

/// Within which a death is noticed also where the machine is busy.
pub(super) const NOTICED: Duration = Duration::from_secs(2);

/// How long nobody sleeps who waits. So who isn't woken goes on after that.
const NAP: Duration = Duration::from_millis(50);

/// More than three naps: nothing that happens only when one is over comes later.
pub(super) const SOME_NAPS: Duration = Duration::from_millis(170);

/// Each time was the time from a death until others went on. A machine that is busy may delay some, and under Wine
/// it takes long itself until a process has ended.
pub(super) fn assert_noticed(times: &[Duration]) {
    let fastest = times.iter().min();
    let promised = if is_wine() { 5 * PROMISED } else { PROMISED };
    assert!(fastest.is_some_and(|time| *time < promised), "noticed after {times:?}");
    assert!(times.iter().all(|time| *time < NOTICED), "noticed after {times:?}");
}

/// Each time was the time from a change until those went on who waited for it. They were woken, and
/// not only at the end of a nap. A machine that is busy may delay some, and under Wine most.
pub(super) fn assert_woken(mut times: Vec<Duration>) {
    times.sort();
    let fast = if is_wine() { 0 } else { times.len() / 4 };
    assert!(times[fast] < NAP / 2, "went on after {times:?}");
}

/// An actor that does what it is told line by line: says the order, carries it out, and says what came of
/// it. Told to `stop at POINT`, or to [`ANNOUNCE`] its sleep, it only says so.
pub(super) fn obey(stage: &mut Stage, mut act: impl FnMut(&str) -> String) -> Verdict {
    while let Some(order) = stage.hear() {
        stage.say(&order);
        match order.strip_prefix("stop at ") {
            Some(point) => kill_point::arm(point),
            None if order == ANNOUNCE => kill_point::announce_sleep(),
            None => stage.say(act(&order)),
        }
    }
    Ok(())
}

/// What an actor says of an attempt to lock. It keeps the guard, if there is one.
pub(super) fn keep<G>(kept: &mut Option<G>, result: LockResult<G>) -> String {
    match result {
        Ok(guard) => {
            *kept = Some(guard);
            "Locked".to_owned()
        }
        Err(LockError::OwnerDied(guard)) => {
            *kept = Some(guard);
            "OwnerDied".to_owned()
        }
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Tells an obedient peer to do something, and returns when it begins.
pub(super) fn begin(peer: &mut Peer, order: &str) -> Verdict {
    peer.tell(order);
    Ok(peer.expect(order)?)
}

/// Tells an obedient peer to do something, and returns when it waits for somebody, or is about to where the system
/// doesn't tell.
pub(super) fn begin_to_wait(peer: &mut Peer, order: &str) -> Verdict {
    if is_linux() {
        begin(peer, order)?;
        return wait_until_asleep(peer);
    }
    begin(peer, ANNOUNCE)?;
    begin(peer, order)?;
    Ok(peer.expect(kill_point::ABOUT_TO_SLEEP)?)
}

/// The order to say when it is about to sleep.
const ANNOUNCE: &str = "say when you sleep";

/// Tells an obedient peer to do something that will have a certain result.
pub(super) fn order(peer: &mut Peer, order: &str, result: &str) -> Verdict {
    begin(peer, order)?;
    Ok(peer.expect(result)?)
}

/// Tells an obedient peer to do something, and returns when it has stopped in the middle of it.
pub(super) fn order_until(peer: &mut Peer, order: &str, point: &str) -> Verdict {
    begin(peer, &format!("stop at {point}"))?;
    begin(peer, order)?;
    Ok(peer.expect(&format!("at {point}"))?)
}

/// Waits until a peer sleeps, where the system tells, that was about to wait for something.
pub(super) fn wait_until_asleep(peer: &Peer) -> Verdict {
    if !is_linux() {
        return Ok(());
    }
    let stat = format!("/proc/{}/stat", peer.id());
    wait_until("the peer sleeps", || {
        let stat = fs::read_to_string(&stat).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
    })
}

/// What the peers say in the end, in the order of the alphabet; and how long after `since` each.
pub(super) fn results(
    peers: &mut [Peer],
    since: Instant,
) -> Result<(Vec<String>, Vec<Duration>), Failure> {
    let result = |peer: &mut Peer| Ok((peer.hear()?, since.elapsed()));
    let results = peers.iter_mut().map(result).collect::<Result<Vec<_>, Failure>>()?;
    let (mut said, times): (Vec<_>, _) = results.into_iter().unzip();
    said.sort();
    Ok((said, times))
}

/// Kills a peer. Returns the moment before.
pub(super) fn kill(peer: &mut Peer) -> Result<Instant, Failure> {
    let before = Instant::now();
    peer.kill()?;
    Ok(before)
}

/// The kind of the error that locking was to end with.
pub(super) fn lock_kind<G>(result: LockResult<G>) -> ErrorKind {
    super::kind_of(result.map_err(strait::Error::from))
}

/// What a thread returned, which can't be what a behaviour returns.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, strait::Result<T>>) -> Result<T, Failure> {
    Ok(thread.join().map_err(|_| "a thread panicked")??)
}

/// Marsaglia's xorshift64: enough to scribble with, and the same each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        // Zero would stay zero.
        self.0 = self.0.max(1);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
