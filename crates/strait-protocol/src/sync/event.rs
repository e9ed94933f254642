//! An event that processes wait for.
//!
//! # The rules
//!
//! The word is `UNSET`, `SET`, or `AWAITED`: unset, and somebody sleeps or is about to.
//!
//! 1. Who sets the event exchanges the word for `SET`, and if it was `AWAITED` wakes all.
//! 2. Who waits takes `SET` back to `UNSET`, if the event resets itself. Otherwise it changes `UNSET`
//!    to `AWAITED`, and sleeps only while the word is `AWAITED`.
//! 3. All are woken, not one, because that one may be killed before it takes the event, and then
//!    nobody would wake the next. Those that come too late say `AWAITED` again.
//! 4. Nobody sleeps longer than a nap without looking, because the one that sets may be killed between
//!    the exchange and the waking.

use super::{Sleep, bell};
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, Ordering},
};
use std::{fmt, marker::PhantomData, time::Duration};
use strait_core::{Deadline, Error, Result};

/// Something that happens once or again and again, and that any number of processes wait for.
///
/// An *auto-reset* event lets one waiter through each time it is set; a *manual-reset* event lets all
/// through, from when it is set until it is reset. Setting one that is set changes nothing.
///
/// What happens before [`set`](Self::set) is seen after the [`wait`](Self::wait) that it ends.
///
/// A process that is killed while it waits harms nobody. Setting and waiting take one atomic operation
/// each, and no system call where nobody has to sleep.
#[repr(C)]
pub struct Event<B> {
    word: AtomicU32,
    reset: AtomicU32,
    backend: PhantomData<fn() -> B>,
}

impl<B: Sleep> Event<B> {
    /// An event that lets one waiter through each time it is set. It isn't set.
    pub fn auto_reset() -> Self {
        Self::new(AUTO)
    }

    /// An event that lets all waiters through while it is set. It isn't set.
    pub fn manual_reset() -> Self {
        Self::new(MANUAL)
    }

    /// Sets the event.
    pub fn set(&self) {
        if self.word.swap(SET, Ordering::Release) == AWAITED {
            kill_point!("event: set, nobody woken");
            B::wake_all(&self.word);
        }
    }

    /// Takes the event back, if it is set.
    pub fn reset(&self) {
        self.take();
    }

    /// Whether the event is set at this moment.
    pub fn is_set(&self) -> bool {
        self.word.load(Ordering::Acquire) == SET
    }

    /// Waits until the event is set.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn wait(&self) -> Result<()> {
        self.wait_by(Deadline::NEVER)
    }

    /// Passes if the event is set; doesn't wait.
    pub fn try_wait(&self) -> bool {
        if self.reset.load(Ordering::Relaxed) == AUTO { self.take() } else { self.is_set() }
    }

    /// Waits until the event is set or `timeout` is over.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.wait_by(Deadline::after(timeout))
    }

    /// Waits until the event is set, or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`, `Cancelled`; `Os`, where the system fails.
    pub fn wait_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        self.wait_by(deadline.into().check(WAIT)?)
    }

    fn new(reset: u32) -> Self {
        let (word, reset) = (AtomicU32::new(UNSET), AtomicU32::new(reset));
        Self { word, reset, backend: PhantomData }
    }

    fn take(&self) -> bool {
        self.word.compare_exchange(SET, UNSET, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn wait_by(&self, deadline: Deadline<'_>) -> Result<()> {
        if self.try_wait() { Ok(()) } else { self.sleep(deadline) }
    }

    #[cold]
    fn sleep(&self, deadline: Deadline<'_>) -> Result<()> {
        let look = |_| Ok::<_, Error>((self.is_set() && self.try_wait()).then_some(()));
        if bell::spin(deadline, look)?.is_some() {
            return Ok(());
        }
        loop {
            if self.say_awaited() {
                bell::nap::<B>(&self.word, AWAITED, deadline)?;
            }
            if self.try_wait() {
                return Ok(());
            }
            // A peer that writes anything but the three values can't keep this from ending in time.
            if deadline.has_passed() {
                return Err(deadline.error(WAIT));
            }
        }
    }

    /// Rule 2: whether the word is `AWAITED` now, and not `SET`.
    fn say_awaited(&self) -> bool {
        let now = self.word.load(Ordering::Relaxed);
        let exchange = || {
            self.word.compare_exchange(now, AWAITED, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        now == AWAITED || (now != SET && exchange())
    }
}

impl<B> fmt::Debug for Event<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.word.load(Ordering::Relaxed) == SET;
        f.debug_struct("Event").field("set", &set).finish_non_exhaustive()
    }
}

const WAIT: &str = "wait for an event";

const UNSET: u32 = 0;
const SET: u32 = 1;
const AWAITED: u32 = 2;

const AUTO: u32 = 0;
const MANUAL: u32 = 1;
