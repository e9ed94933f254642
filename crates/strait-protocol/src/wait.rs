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
//! who waits for such a peer is woken by its end or by the deadline.

use crate::primitive::{AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};
use strait_core::{Deadline, Doorbell, Result, Wake};

/// How long to look again and again before sleeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spin(Duration);

impl Spin {
    /// Sleep at once.
    pub const NONE: Self = Self(Duration::ZERO);

    /// As long as putting a thread to sleep and waking it again costs, about; not at all where
    /// there is only one processor, which the peer needs.
    pub fn adaptive() -> Self {
        use std::{sync::OnceLock, thread};
        static ADAPTIVE: OnceLock<Spin> = OnceLock::new();
        *ADAPTIVE.get_or_init(|| match thread::available_parallelism() {
            Ok(processors) if processors.get() > 1 => Self(Duration::from_micros(50)),
            _ => Self::NONE,
        })
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

/// Waits until `attempt` yields something, by the rules above.
///
/// The attempt itself does what rule 1 calls looking.
#[cold]
pub(crate) fn wait_for<T, D: Doorbell>(
    asleep: &AtomicU32,
    bell: &D,
    spin: Spin,
    deadline: Deadline,
    mut attempt: impl FnMut() -> Result<Option<T>>,
) -> Result<Waited<T>> {
    if let Some(ready) = spin_for(spin, deadline, &mut attempt)? {
        return Ok(Waited::Ready(ready));
    }
    loop {
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
            Wake::Rung => continue,
            Wake::HungUp => Waited::HungUp,
            Wake::TimedOut => Waited::TimedOut,
        };
        // What came before the end, or just before the deadline, is still received.
        return Ok(attempt()?.map_or(ended, Waited::Ready));
    }
}

/// Rule 2, after the change: whether the peer has to be rung.
pub(crate) fn must_ring(asleep: &AtomicU32) -> bool {
    fence(Ordering::SeqCst);
    asleep.load(Ordering::Relaxed) == 1
        && asleep.compare_exchange(1, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn spin_for<T>(
    spin: Spin,
    deadline: Deadline,
    attempt: &mut impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    const LOOKS_PER_CLOCK: usize = 32;
    let limit = deadline.remaining().map_or(spin.0, |left| left.min(spin.0));
    if limit.is_zero() || cfg!(loom) {
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
