//! Waiting, with a mutex released meanwhile, until somebody says that something has changed.
//!
//! # The rules
//!
//! 1. Who waits notes `notices` while it still has the mutex, releases that, and sleeps only while
//!    `notices` is as noted. Who notifies counts `notices` up, and then wakes. So no notice between the
//!    release and the sleep is lost.
//! 2. `waiters` says whether it is worth waking anybody. One that is killed while it waits leaves it too
//!    high, which costs later notifiers a system call each, and nothing else.
//! 3. Nobody sleeps longer than a nap: what ends then has no notice, and who waits looks at what it waits
//!    for. So where the one that was woken is killed before it does anything, or the one that notifies
//!    before it counts, each of the others looks within a nap.

use super::{LockResult, Members, MutexGuard, Recover, bell};
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, Ordering, in_one_order},
};
use std::{fmt, marker::PhantomData, time::Duration};
use strait_core::Deadline;

/// Waiting until somebody says that something has changed, which a [`Mutex`](super::Mutex) guards.
///
/// As with std's, waits may end without a notice: look in a loop, or use
/// [`wait_while`](Self::wait_while). A notice may wake more than one.
///
/// ```
/// use strait::{Shareable, Shared, sync::{Condvar, Mutex}};
///
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Gate {
///     open: Mutex<u64>,
///     opened: Condvar,
/// }
///
/// let name = format!("doc/gate-{}", std::process::id());
/// let new = || Gate { open: Mutex::new(0), opened: Condvar::new() };
/// let gate = Shared::<Gate>::open_or_create(&name, new)?;
///
/// // One process opens it:
/// *gate.open.lock()? = 1;
/// gate.opened.notify_all();
///
/// // Others wait for that:
/// let open = gate.opened.wait_while(gate.open.lock()?, |open| *open == 0)?;
/// # assert_eq!(*open, 1);
/// # drop(open);
/// # Ok::<(), strait::Error>(())
/// ```
///
/// A process that is killed while it waits hangs nobody, neither who notifies nor who waits too; nor does
/// one that is killed between its change and its notice. Where one dies that holds the mutex, waiting
/// returns [`LockError::OwnerDied`](super::LockError::OwnerDied), as locking does.
#[repr(C)]
pub struct Condvar<B> {
    notices: AtomicU32,
    waiters: AtomicU32,
    backend: PhantomData<fn() -> B>,
}

/// Whether a wait ended because its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether a wait ended because its time was over.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl<B> Condvar<B> {
    /// A condition that nobody waits for.
    pub fn new() -> Self {
        let (notices, waiters) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { notices, waiters, backend: PhantomData }
    }
}

impl<B: Members> Condvar<B> {
    /// Releases the mutex, waits for a notice, and takes the mutex again.
    ///
    /// # Errors
    ///
    /// Those of [`Mutex::lock`](super::Mutex::lock), where it is taken again.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T, B>) -> LockResult<MutexGuard<'a, T, B>> {
        self.wait_deadline(guard, Deadline::NEVER).map(first).map_err(|error| error.map(first))
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T, B>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T, B>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits for a notice, or until `timeout` is over. The mutex is taken again in either case, however
    /// long that takes.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T, B>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T, B>, WaitTimeoutResult)> {
        self.wait_deadline(guard, timeout)
    }

    /// Waits as long as `condition` holds, or until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T, B>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T, B>, WaitTimeoutResult)> {
        let deadline = Deadline::after(timeout);
        while condition(&mut guard) {
            if deadline.has_passed() {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            guard = self.wait_deadline(guard, deadline)?.0;
        }
        Ok((guard, WaitTimeoutResult(false)))
    }

    /// Waits for a notice, or until the deadline. One that was cancelled counts as one that is over.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    pub fn wait_deadline<'a, 'd, T>(
        &self,
        guard: MutexGuard<'a, T, B>,
        deadline: impl Into<Deadline<'d>>,
    ) -> LockResult<(MutexGuard<'a, T, B>, WaitTimeoutResult)> {
        let mutex = guard.mutex();
        self.waiters.fetch_add(1, Ordering::SeqCst);
        in_one_order();
        let notices = self.notices.load(Ordering::SeqCst);
        drop(guard);
        kill_point!("condvar: about to sleep");
        let noticed = self.sleep(notices, deadline.into());
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        kill_point!("condvar: woken");
        let result = WaitTimeoutResult(!noticed?);
        match mutex.lock() {
            Ok(guard) => Ok((guard, result)),
            Err(error) => Err(error.map(|guard| (guard, result))),
        }
    }

    /// Wakes one that waits, if any does.
    pub fn notify_one(&self) {
        if self.notice() {
            B::wake_one(&self.notices);
        }
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        if self.notice() {
            B::wake_all(&self.notices);
        }
    }

    /// Whether somebody may have to be woken.
    fn notice(&self) -> bool {
        self.notices.fetch_add(1, Ordering::SeqCst);
        in_one_order();
        self.waiters.load(Ordering::SeqCst) != 0
    }

    /// Sleeps for a nap at most; `false` where the deadline passed and there was no notice.
    fn sleep(&self, notices: u32, deadline: Deadline<'_>) -> strait_core::Result<bool> {
        bell::nap::<B>(&self.notices, notices, deadline)?;
        let noticed = self.notices.load(Ordering::SeqCst) != notices;
        Ok(noticed || !deadline.has_passed())
    }
}

impl<B> Default for Condvar<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> fmt::Debug for Condvar<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

impl<T, B: Members> Recover for (MutexGuard<'_, T, B>, WaitTimeoutResult) {
    fn mark_consistent(&mut self) {
        self.0.mark_consistent();
    }
}

fn first<G>((guard, _): (G, WaitTimeoutResult)) -> G {
    guard
}
