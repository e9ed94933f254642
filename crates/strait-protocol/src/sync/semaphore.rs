//! Permits, of which there is a certain number.

use super::{
    Members,
    bell::{Bell, Look},
    entries::Entries,
    holder::Holder,
};
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, Ordering},
};
use std::{fmt, marker::PhantomData, ptr, time::Duration};
use strait_core::{Deadline, Error, ErrorKind, Result};

/// Permits, of which there is a certain number.
///
/// With [`new`](Self::new) each permit is *owned*: it is known which process has it, and where that dies it
/// is given back, within 100 ms for those who wait. [`MAX_OWNED`](Self::MAX_OWNED) can be out at a time.
///
/// With [`counting`](Self::counting) there is a number that [`acquire`](Self::acquire) takes from and
/// [`release`](Self::release) adds to, whoever calls it: one process may take and another give. What a
/// process took that dies is lost then.
///
/// ```
/// use strait::{Shared, sync::Semaphore};
///
/// let name = format!("doc/semaphore-{}", std::process::id());
/// let workers = Shared::<Semaphore>::open_or_create(&name, || Semaphore::new(3))?;
///
/// // In any process of this user: three at a time.
/// let permit = workers.acquire()?;
/// assert_eq!(workers.available(), 2);
/// drop(permit);
/// # assert_eq!(workers.available(), 3);
/// # Ok::<(), strait::Error>(())
/// ```
///
/// A process that is killed while it waits harms nobody.
///
/// # Cost
///
/// Where there is a permit and nobody waits, taking and giving back take one atomic operation each and no
/// system call.
#[repr(C)]
pub struct Semaphore<B> {
    mode: AtomicU32,
    /// How many can be out, of owned permits; how many are left, of counted ones.
    permits: AtomicU32,
    bell: Bell,
    holders: Entries<HOLDERS>,
    backend: PhantomData<fn() -> B>,
}

const HOLDERS: usize = if cfg!(loom) { 2 } else { 64 };

impl<B> Semaphore<B> {
    /// How many owned permits can be out at a time.
    pub const MAX_OWNED: u32 = HOLDERS as u32;

    /// A semaphore of as many owned permits. With more than [`MAX_OWNED`](Self::MAX_OWNED) acquiring
    /// fails.
    pub fn new(permits: u32) -> Self {
        Self::with(OWNED, permits)
    }

    /// A semaphore that counts, and begins with as many permits.
    pub fn counting(permits: u32) -> Self {
        Self::with(COUNTING, permits)
    }

    /// How many permits nobody has at this moment. Those of the dead count as taken until somebody wants
    /// them.
    pub fn available(&self) -> u32 {
        let permits = self.permits.load(Ordering::Acquire);
        match self.is_owned() {
            true => permits.saturating_sub(self.holders.taken(permits as usize) as u32),
            false => permits,
        }
    }

    fn with(mode: u32, permits: u32) -> Self {
        Self {
            mode: AtomicU32::new(mode),
            permits: AtomicU32::new(permits),
            bell: Bell::new(),
            holders: Entries::new(),
            backend: PhantomData,
        }
    }

    fn is_owned(&self) -> bool {
        self.mode.load(Ordering::Relaxed) == OWNED
    }
}

impl<B: Members> Semaphore<B> {
    /// Waits for a permit, and takes it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it was made with too many owned permits; `Os`, where the system fails.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_, B>> {
        self.acquire_deadline(Deadline::NEVER)
    }

    /// Takes a permit if there is one.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, and those of [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<Permit<'_, B>> {
        self.acquire_deadline(Deadline::now()).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Error::new(ErrorKind::WouldBlock, ACQUIRE, "there is none"),
            _ => error,
        })
    }

    /// Waits for a permit, and takes it; or until `timeout` is over.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`acquire`](Self::acquire).
    pub fn acquire_timeout(&self, timeout: Duration) -> Result<Permit<'_, B>> {
        self.acquire_deadline(timeout)
    }

    /// Waits for a permit, and takes it; or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<Permit<'_, B>> {
        let deadline = deadline.into().check(ACQUIRE)?;
        let taken = match self.is_owned() {
            true => self.take_owned(deadline),
            false => self.count_down(deadline),
        };
        let owned = taken?;
        kill_point!("semaphore: acquired");
        Ok(Permit { semaphore: self, owned, forks: B::forks() })
    }

    /// Adds permits to a semaphore that counts.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where the permits are owned, and where there would be more than `u32::MAX`: then
    /// none is added.
    #[inline]
    pub fn release(&self, permits: u32) -> Result<()> {
        const RELEASE: &str = "release permits";
        if self.is_owned() {
            let why = "they are owned, and given back by who has them";
            return Err(Error::new(ErrorKind::InvalidInput, RELEASE, why).hint("drop the permit"));
        }
        if self.count_up(permits) {
            return Ok(());
        }
        let why = format!("with {permits} more there would be more than {}", u32::MAX);
        Err(Error::new(ErrorKind::InvalidInput, RELEASE, why))
    }

    #[inline]
    fn take_owned(&self, deadline: Deadline<'_>) -> Result<Option<(usize, Holder)>> {
        let me = B::me(ptr::from_ref(self).addr())?;
        let permits = self.permits.load(Ordering::Relaxed);
        if permits > Self::MAX_OWNED {
            let why = format!("it has {permits}, and {} can be owned", Self::MAX_OWNED);
            return Err(
                Error::new(ErrorKind::InvalidInput, ACQUIRE, why).hint("make one that counts")
            );
        }
        let attempt = |look| self.holders.enter::<B>(me, permits as usize, look);
        let place = match attempt(Look::Quick) {
            Some(place) => Some(place),
            None => self.wait(deadline, attempt)?,
        };
        let holder = Holder::new::<B>(me);
        place.map(|place| Some((place, holder))).ok_or_else(|| deadline.error(ACQUIRE))
    }

    #[inline]
    fn count_down(&self, deadline: Deadline<'_>) -> Result<Option<(usize, Holder)>> {
        // Tried again where another one was faster: there may be more than one left.
        let fewer = |left: u32| left.checked_sub(1);
        let (success, failure) = (Ordering::SeqCst, Ordering::SeqCst);
        let attempt = |_| self.permits.fetch_update(success, failure, fewer).ok();
        if attempt(Look::Quick).is_some() {
            return Ok(None);
        }
        match self.wait(deadline, attempt)? {
            Some(_) => Ok(None),
            None => Err(deadline.error(ACQUIRE)),
        }
    }

    #[cold]
    fn wait<T>(
        &self,
        deadline: Deadline<'_>,
        mut attempt: impl FnMut(Look) -> Option<T>,
    ) -> Result<Option<T>> {
        let taken = self.bell.wait::<B, _, Error>(deadline, |look| Ok(attempt(look)))?;
        // Of two permits that came at once only one may have woken somebody.
        if taken.is_some() && self.available() > 0 {
            self.bell.ring_one::<B>();
        }
        Ok(taken)
    }

    /// Whether there was room for as many more.
    #[inline]
    fn count_up(&self, permits: u32) -> bool {
        let more = |now: u32| now.checked_add(permits);
        let (success, failure) = (Ordering::SeqCst, Ordering::Relaxed);
        let counted = self.permits.fetch_update(success, failure, more).is_ok();
        kill_point!("semaphore: released, not rung");
        self.bell.ring_one::<B>();
        counted
    }
}

impl<B> fmt::Debug for Semaphore<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Semaphore");
        debug.field("owned", &self.is_owned()).field("available", &self.available());
        debug.finish_non_exhaustive()
    }
}

/// The right that a [`Semaphore`] has given out. Dropping it gives it back.
#[must_use = "dropping it gives it back"]
pub struct Permit<'a, B: Members> {
    semaphore: &'a Semaphore<B>,
    /// Where one that is owned stands; one that is counted stands nowhere.
    owned: Option<(usize, Holder)>,
    forks: u32,
}

impl<B: Members> Permit<'_, B> {
    /// Doesn't give the permit back. One that is counted is gone, until somebody
    /// [releases](Semaphore::release) one; one that is owned stays with the process until that closes the
    /// memory or ends.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl<B: Members> Drop for Permit<'_, B> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child it is a copy of its parent's.
        match self.owned {
            None if self.forks == B::forks() => {
                self.semaphore.count_up(1);
            }
            Some((place, holder)) if holder.is_this_process::<B>() => {
                self.semaphore.holders.leave(place, holder.me);
                kill_point!("semaphore: given back, not rung");
                self.semaphore.bell.ring_one::<B>();
            }
            _ => {}
        }
    }
}

impl<B: Members> fmt::Debug for Permit<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("semaphore", self.semaphore).finish_non_exhaustive()
    }
}

const ACQUIRE: &str = "acquire a permit";

const OWNED: u32 = 0;
const COUNTING: u32 = 1;
