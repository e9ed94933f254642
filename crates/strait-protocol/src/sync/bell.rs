//! Waiting for a change of a word beside it, in a process that may be killed while it waits.
//!
//! # The rules
//!
//! 1. Who is about to sleep notes `rings`, sets `asleep`, then tries once more, and sleeps only while
//!    `rings` is as noted. In this order: a flag that is taken back after it was set counts up what was
//!    noted before.
//! 2. Who changes something makes the change, then looks at `asleep`; if it is set, takes it back to 0,
//!    counts `rings` up and wakes. Setting, trying, changing and looking are sequentially consistent: so
//!    either the look sees the flag, or the try sees the change.
//! 3. Where one is woken it sets the flag again before it tries, and so stands for all that still sleep:
//!    whoever gets the better of it will ring again.
//! 4. Nobody sleeps longer than a nap. So one that is killed between being woken and rule 3, or between a
//!    change and the ring, delays others by a nap and no more; and within a nap each looks whether whom
//!    it waits for has died.
//!
//! What a hostile peer writes here ends naps or prolongs waits up to their deadline.

use super::Sleep;
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, Ordering, in_one_order},
};
use std::time::{Duration, Instant};
use strait_core::{Deadline, Error, WaitOutcome};

/// How long nobody looks whether the one that is waited for has died.
const NAP: Duration = Duration::from_millis(40);

/// How often to try before sleeping: about as long as falling asleep and waking up take.
const SPINS: u32 = 100;

/// A bell that those sleep at who wait for a change.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Bell {
    asleep: AtomicU32,
    rings: AtomicU32,
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// At the words alone.
    Quick,
    /// Also at who has died, which takes system calls.
    Thorough,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { asleep: AtomicU32::new(0), rings: AtomicU32::new(0) }
    }

    /// Wakes one that sleeps, if any does.
    #[inline]
    pub(crate) fn ring_one<B: Sleep>(&self) {
        if self.must_ring() {
            B::wake_one(&self.rings);
        }
    }

    /// Wakes all that sleep.
    #[inline]
    pub(crate) fn ring_all<B: Sleep>(&self) {
        if self.must_ring() {
            B::wake_all(&self.rings);
        }
    }

    /// Waits until `attempt` yields something; `None` where the deadline passes before.
    #[cold]
    pub(crate) fn wait<B: Sleep, T, E: From<Error>>(
        &self,
        deadline: Deadline<'_>,
        mut attempt: impl FnMut(Look) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if let Some(done) = spin(deadline, &mut attempt)? {
            return Ok(Some(done));
        }
        let (mut looked, mut slept) = (Instant::now(), false);
        let mut look = Look::Quick;
        loop {
            let last = deadline.has_passed();
            let rings = self.rings.load(Ordering::Acquire);
            // Also by who was woken and will sleep no more: rule 3.
            if slept || !last {
                self.asleep.store(1, Ordering::SeqCst);
                in_one_order();
            }
            if last {
                look = Look::Thorough;
            }
            if let Some(done) = attempt(look)? {
                return Ok(Some(done));
            }
            if last {
                return Ok(None);
            }
            if look == Look::Thorough {
                looked = Instant::now();
            }
            kill_point!("bell: about to sleep");
            let left = NAP.saturating_sub(looked.elapsed());
            let outcome = doze::<B>(&self.rings, rings, deadline, left)?;
            slept = true;
            kill_point!("bell: woken");
            let overdue = !cfg!(loom) && looked.elapsed() >= NAP;
            look = match outcome == WaitOutcome::TimedOut || overdue {
                true => Look::Thorough,
                false => Look::Quick,
            };
        }
    }

    /// Rule 2, after the change.
    #[inline]
    fn must_ring(&self) -> bool {
        in_one_order();
        let asleep = self.asleep.load(Ordering::SeqCst);
        asleep != 0 && self.take_back(asleep)
    }

    #[cold]
    fn take_back(&self, asleep: u32) -> bool {
        kill_point!("bell: about to ring");
        let (success, failure) = (Ordering::Relaxed, Ordering::Relaxed);
        let mine = self.asleep.compare_exchange(asleep, 0, success, failure).is_ok();
        if mine {
            self.rings.fetch_add(1, Ordering::Release);
        }
        mine
    }
}

/// Sleeps while the word is as expected, for a nap at most.
pub(super) fn nap<B: Sleep>(
    word: &AtomicU32,
    expected: u32,
    deadline: Deadline<'_>,
) -> strait_core::Result<WaitOutcome> {
    doze::<B>(word, expected, deadline, NAP)
}

fn doze<B: Sleep>(
    word: &AtomicU32,
    expected: u32,
    deadline: Deadline<'_>,
    longest: Duration,
) -> strait_core::Result<WaitOutcome> {
    B::sleep(word, expected, deadline.within(longest))
}

/// Tries again and again for some microseconds.
pub(super) fn spin<T, E>(
    deadline: Deadline<'_>,
    mut attempt: impl FnMut(Look) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    if cfg!(loom) || deadline.has_passed() {
        return Ok(None);
    }
    for _ in 0..SPINS {
        if let Some(done) = attempt(Look::Quick)? {
            return Ok(Some(done));
        }
        std::hint::spin_loop();
    }
    Ok(None)
}
