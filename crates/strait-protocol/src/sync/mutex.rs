//! Mutual exclusion that survives the death of who holds it.
#![expect(unsafe_code, reason = "shows what it guards to who holds it")]

use super::{
    LockError, LockResult, Members, Owner, Recover,
    bell::{Bell, Look},
    holder::Holder,
    lock_word::{LockWord, Refused, Released, Taken},
};
use crate::kill_point::kill_point;
use std::{
    cell::UnsafeCell,
    fmt,
    marker::PhantomData,
    mem::offset_of,
    ops::{Deref, DerefMut},
    ptr, thread,
    time::Duration,
};
use strait_core::Deadline;

/// A value that one thread of one process at a time can use.
///
/// ```
/// use strait::{Shared, sync::Mutex};
///
/// let name = format!("doc/mutex-{}", std::process::id());
/// let hits = Shared::<Mutex<u64>>::open_or_create(&name, || Mutex::new(0))?;
///
/// // In any process of this user:
/// *hits.lock()? += 1;
/// # assert_eq!(*hits.lock()?, 1);
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Death
///
/// Where a process dies that holds the lock, or a thread panics, the next one gets
/// [`LockError::OwnerDied`] with the guard: it can look, repair and
/// [`mark_consistent`](MutexGuard::mark_consistent). If it drops the guard without, the value is lost, and
/// everybody gets [`LockError::NotRecoverable`] from then on. Those who wait learn of a death within
/// 100 ms, in whichever PID namespace it happened; a process that is stopped, or merely slow, is never
/// taken for dead.
///
/// A process that is killed while it waits harms nobody. A guard that is leaked keeps the lock until its
/// process closes the memory. A forked child owns none of its parent's locks: its copy of a guard releases
/// nothing, and must not be used to look at the value.
///
/// # Trust
///
/// Whatever a peer writes into the words of the lock, locking ends with an error, or with its deadline.
/// But what it guards is only as safe from a peer as the memory itself: one that means harm needn't lock.
///
/// # Cost
///
/// Where nobody else wants it, locking and unlocking take one atomic operation each and no system call.
#[repr(C)]
pub struct Mutex<T, B> {
    word: LockWord,
    bell: Bell,
    value: UnsafeCell<T>,
    backend: PhantomData<fn() -> B>,
}

// SAFETY: the lock gives the value to one thread at a time.
unsafe impl<T: Send, B> Sync for Mutex<T, B> {}

impl<T, B> Mutex<T, B> {
    /// Where in it the value lies.
    #[cfg_attr(loom, expect(dead_code, reason = "nothing is shared there"))]
    pub(crate) const VALUE: usize = offset_of!(Self, value);

    /// A mutex that nobody holds.
    pub fn new(value: T) -> Self {
        let (word, bell) = (LockWord::new(), Bell::new());
        Self { word, bell, value: UnsafeCell::new(value), backend: PhantomData }
    }

    /// The value, of a mutex that nobody else can use.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, of a mutex that isn't needed any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T, B: Members> Mutex<T, B> {
    /// Waits until nobody holds the lock, and takes it.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock` and `TimedOut`.
    #[inline]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T, B>> {
        self.lock_by(Deadline::NEVER)
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or any other [`LockError`] but `TimedOut`.
    pub fn try_lock(&self) -> LockResult<MutexGuard<'_, T, B>> {
        let me = self.me()?;
        if self.word.take_fast(me) {
            return Ok(self.guard(me));
        }
        let taken = self.word.try_take::<B>(me, Look::Thorough)?;
        self.taken(me, taken.ok_or(LockError::WouldBlock)?)
    }

    /// Waits until nobody holds the lock, and takes it; or until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    pub fn lock_timeout(&self, timeout: Duration) -> LockResult<MutexGuard<'_, T, B>> {
        self.lock_deadline(timeout)
    }

    /// Waits until nobody holds the lock, and takes it; or until the deadline: an
    /// [`Instant`](std::time::Instant), say.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    #[inline]
    pub fn lock_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
    ) -> LockResult<MutexGuard<'_, T, B>> {
        self.lock_by(LockError::unless_cancelled(deadline.into())?)
    }

    #[inline]
    fn lock_by(&self, deadline: Deadline<'_>) -> LockResult<MutexGuard<'_, T, B>> {
        let me = self.me()?;
        if self.word.take_fast(me) {
            kill_point!("mutex: taken");
            return Ok(self.guard(me));
        }
        self.wait(me, deadline)
    }

    #[cold]
    fn wait(&self, me: Owner, deadline: Deadline<'_>) -> LockResult<MutexGuard<'_, T, B>> {
        let taken = self.bell.wait::<B, _, LockError<_>>(deadline, |look| {
            Ok(self.word.try_take::<B>(me, look)?)
        })?;
        kill_point!("mutex: taken after waiting");
        self.taken(me, taken.ok_or_else(|| LockError::ended_by(deadline))?)
    }

    #[cold]
    fn release_slowly(&self, me: Owner, panicked: bool) {
        match self.word.release_slowly(me, panicked) {
            Released::Usable => self.bell.ring_one::<B>(),
            Released::Unrecoverable => self.bell.ring_all::<B>(),
        }
    }

    #[inline]
    fn me(&self) -> strait_core::Result<Owner> {
        B::me(ptr::from_ref(self).addr())
    }

    fn taken(&self, me: Owner, taken: Taken) -> LockResult<MutexGuard<'_, T, B>> {
        match taken {
            Taken::Whole => Ok(self.guard(me)),
            Taken::Inconsistent => Err(LockError::OwnerDied(self.guard(me))),
        }
    }

    #[inline]
    fn guard(&self, me: Owner) -> MutexGuard<'_, T, B> {
        let (holder, panicking) = (Holder::new::<B>(me), thread::panicking());
        MutexGuard { mutex: self, holder, panicking, not_send: PhantomData }
    }
}

impl<G> From<Refused> for LockError<G> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Deadlock => Self::Deadlock,
            Refused::NotRecoverable => Self::NotRecoverable,
        }
    }
}

impl<T: Default, B> Default for Mutex<T, B> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, B> From<T> for Mutex<T, B> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Without the value: locking may find a dead owner, who only one that repairs must find.
impl<T, B> fmt::Debug for Mutex<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").field("word", &self.word).finish_non_exhaustive()
    }
}

/// The right to use what a [`Mutex`] guards. Dropping it unlocks.
#[must_use = "dropping it unlocks"]
pub struct MutexGuard<'a, T, B: Members> {
    mutex: &'a Mutex<T, B>,
    holder: Holder,
    /// Whether the thread was panicking already when it locked.
    panicking: bool,
    /// A lock is its thread's: one that is taken twice by a thread is an error.
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: Sync, B: Members> Sync for MutexGuard<'_, T, B> {}

impl<'a, T, B: Members> MutexGuard<'a, T, B> {
    /// Says that what the lock guards has been repaired, or was whole all the time: where locking said
    /// [`LockError::OwnerDied`].
    pub fn mark_consistent(&mut self) {
        if self.holder.is_this_process::<B>() {
            self.mutex.word.mark_consistent(self.holder.me);
        }
    }

    pub(crate) fn mutex(&self) -> &'a Mutex<T, B> {
        self.mutex
    }
}

impl<T, B: Members> Recover for MutexGuard<'_, T, B> {
    fn mark_consistent(&mut self) {
        Self::mark_consistent(self);
    }
}

impl<T, B: Members> Deref for MutexGuard<'_, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: whoever has a guard holds the lock, so nobody has a mutable reference.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T, B: Members> DerefMut for MutexGuard<'_, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: whoever has a guard holds the lock, so nobody else has a reference.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T, B: Members> Drop for MutexGuard<'_, T, B> {
    // Not inlined the guard would go through memory, which takes three times as long as the rest.
    #[inline(always)]
    fn drop(&mut self) {
        // In a forked child it is a copy of its parent's.
        if !self.holder.is_this_process::<B>() {
            return;
        }
        kill_point!("mutex: about to release");
        let panicked = !self.panicking && thread::panicking();
        if panicked || !self.mutex.word.release_fast(self.holder.me) {
            return self.mutex.release_slowly(self.holder.me, panicked);
        }
        kill_point!("mutex: released, not rung");
        self.mutex.bell.ring_one::<B>();
    }
}

impl<T: fmt::Debug, B: Members> fmt::Debug for MutexGuard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
