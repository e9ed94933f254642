//! Waiting for a peer: spin briefly, then sleep at the doorbell.
//!
//! The flag `asleep` is what makes a peer ring, so that a bell which nobody waits at costs no
//! system call. Nobody sleeps through a change, by these rules:
//!
//! 1. Who is about to sleep sets `asleep`, then passes a sequentially consistent fence, then looks
//!    once more, and sleeps only if there still is nothing.
//! 2. Who changes something makes the change, then passes such a fence, then looks at `asleep`,
//!    takes it back to 0 if it is set, and rings if it was this one that took it back.
//! 3. Of two fences one comes first. If the sleeper's does, the changer sees the flag; if the
//!    changer's does, the sleeper sees the change. There is no third order.
//! 4. A ring is kept until it is heard, so one between the last look and the sleep isn't lost.
//!
//! A flag that a hostile peer sets costs system calls, and one that it clears costs it the message:
//! who waits for such a peer is woken by its end or by the deadline. One that rings without having
//! changed anything is found out by how often it does: of a correct peer, only the rings that were
//! not heard yet, of which the system keeps some hundreds, can come without a cause.

use crate::primitive::{AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};
use strait_core::{Deadline, Doorbell, Error, ErrorKind, Result, Wake};

/// How long to look again and again before sleeping: as long as it takes to put a thread to sleep and
/// to wake it again, about, if that has been worth it lately.
///
/// It has not where messages are far apart, and where the peer needs the very processor that this
/// wastes. So after some waits that looked in vain most don't look any more, and one of many tries
/// whether that has changed.
#[derive(Debug, Clone)]
pub struct Spin {
    longest: Duration,
    /// How many waits in a row have not ended while looking.
    misses: u32,
}

impl Spin {
    /// Sleep at once.
    pub const fn none() -> Self {
        Self { longest: Duration::ZERO, misses: 0 }
    }

    /// As long as it has been worth it lately.
    pub const fn adaptive() -> Self {
        Self { longest: Duration::from_micros(50), misses: 0 }
    }

    /// How long the next wait looks.
    fn budget(&self) -> Duration {
        const PATIENCE: u32 = 4;
        const TRY_EVERY: u32 = 64;
        let worth_it = self.misses < PATIENCE || self.misses % TRY_EVERY == 0;
        if worth_it { self.longest } else { Duration::ZERO }
    }

    fn learn(&mut self, hit: bool) {
        self.misses = if hit { 0 } else { self.misses.wrapping_add(1) };
    }
}

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Waited<T> {
    /// With what it was for.
    Ready(T),
    /// With the end of the peer, and nothing left of it.
    HungUp,
    /// With the deadline.
    TimedOut,
}

/// Waits until `attempt` yields something, by the rules above, and at most for as many rings as a
/// correct peer makes for changes that don't suffice.
///
/// The attempt itself does what rule 1 calls looking.
#[cold]
pub(crate) fn wait_for<T, D: Doorbell>(
    asleep: &AtomicU32,
    bell: &D,
    spin: &mut Spin,
    deadline: Deadline<'_>,
    rings: usize,
    mut attempt: impl FnMut() -> Result<Option<T>>,
) -> Result<Waited<T>> {
    if let Some(ready) = spin_for(spin, deadline, &mut attempt)? {
        return Ok(Waited::Ready(ready));
    }
    for _ in 0..rings.saturating_add(RINGS_WITHOUT_CAUSE) {
        asleep.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let wake = match attempt().transpose() {
            None => bell.wait(deadline),
            Some(done) => {
                asleep.store(0, Ordering::Relaxed);
                return done.map(Waited::Ready);
            }
        };
        asleep.store(0, Ordering::Relaxed);
        let ended = match wake? {
            Wake::Rung if !deadline.has_passed() => continue,
            Wake::Rung => Waited::TimedOut,
            Wake::HungUp => Waited::HungUp,
            Wake::TimedOut => Waited::TimedOut,
        };
        // What came before the end, or just before the deadline, is still received.
        return Ok(attempt()?.map_or(ended, Waited::Ready));
    }
    let why = "the peer rings again and again without a cause";
    Err(Error::new(ErrorKind::PeerCorrupt, "wait for the peer", why))
}

/// More than the system keeps of rings that were not heard.
const RINGS_WITHOUT_CAUSE: usize = 10_000;

/// Rule 2, after the change: whether the peer has to be rung.
pub(crate) fn must_ring(asleep: &AtomicU32) -> bool {
    fence(Ordering::SeqCst);
    asleep.load(Ordering::Relaxed) == 1
        && asleep.compare_exchange(1, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn spin_for<T>(
    spin: &mut Spin,
    deadline: Deadline<'_>,
    attempt: &mut impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    if cfg!(loom) || deadline.has_passed() {
        return Ok(None);
    }
    let budget = spin.budget();
    let found = look_for(deadline.remaining().map_or(budget, |left| left.min(budget)), attempt)?;
    spin.learn(found.is_some());
    Ok(found)
}

/// Looks again and again for this long; not at all, where that is no time.
fn look_for<T>(
    limit: Duration,
    attempt: &mut impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    const LOOKS_PER_CLOCK: usize = 32;
    if limit.is_zero() {
        return Ok(None);
    }
    let begin = Instant::now();
    loop {
        for _ in 0..LOOKS_PER_CLOCK {
            if let Some(ready) = attempt()? {
                return Ok(Some(ready));
            }
            std::hint::spin_loop();
        }
        if begin.elapsed() >= limit {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_in_vain_stops_looking_and_tries_again_now_and_then() {
        let mut spin = Spin::adaptive();
        let mut looked = 0;
        for _ in 0..6400 {
            looked += u32::from(!spin.budget().is_zero());
            spin.learn(false);
        }
        assert!((90..=110).contains(&looked), "{looked}");
    }

    #[test]
    fn who_finds_something_looks_again() {
        let mut spin = Spin::adaptive();
        for _ in 0..1000 {
            spin.learn(false);
        }
        spin.learn(true);
        assert!(!spin.budget().is_zero());
    }

    #[test]
    fn none_is_none() {
        assert!(Spin::none().budget().is_zero());
    }
}
