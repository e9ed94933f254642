//! The rights that a lock for readers and writers gives out.
#![expect(unsafe_code, reason = "shows what it guards to who holds it")]

use super::{Members, Owner, Recover, RwLock, holder::Holder};
use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    thread,
};

/// The right to read what an [`RwLock`] guards. Dropping it gives it back.
#[must_use = "dropping it unlocks"]
pub struct RwLockReadGuard<'a, T, B: Members> {
    lock: &'a RwLock<T, B>,
    holder: Holder,
    place: usize,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: Sync, B: Members> Sync for RwLockReadGuard<'_, T, B> {}

impl<'a, T, B: Members> RwLockReadGuard<'a, T, B> {
    /// Of one that has just entered itself at `place`.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T, B>, me: Owner, place: usize) -> Self {
        Self { lock, holder: Holder::new::<B>(me), place, not_send: PhantomData }
    }
}

impl<T, B: Members> Deref for RwLockReadGuard<'_, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while there are readers nobody has a mutable reference.
        unsafe { &*self.lock.value() }
    }
}

impl<T, B: Members> Drop for RwLockReadGuard<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child it is a copy of its parent's.
        if self.holder.is_this_process::<B>() {
            self.lock.end_reading(self.holder.me, self.place);
        }
    }
}

impl<T: fmt::Debug, B: Members> fmt::Debug for RwLockReadGuard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The right to change what an [`RwLock`] guards. Dropping it gives it back.
#[must_use = "dropping it unlocks"]
pub struct RwLockWriteGuard<'a, T, B: Members> {
    lock: &'a RwLock<T, B>,
    holder: Holder,
    /// Whether the thread was panicking already when it locked.
    panicking: bool,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: Sync, B: Members> Sync for RwLockWriteGuard<'_, T, B> {}

impl<'a, T, B: Members> RwLockWriteGuard<'a, T, B> {
    /// Of one that has just become the writer.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T, B>, me: Owner) -> Self {
        let (holder, panicking) = (Holder::new::<B>(me), thread::panicking());
        Self { lock, holder, panicking, not_send: PhantomData }
    }

    /// Says that what the lock guards has been repaired, or was whole all the time: where locking said
    /// [`LockError::OwnerDied`](super::LockError::OwnerDied).
    pub fn mark_consistent(&mut self) {
        if self.holder.is_this_process::<B>() {
            self.lock.mark_consistent(self.holder.me);
        }
    }
}

impl<T, B: Members> Recover for RwLockWriteGuard<'_, T, B> {
    fn mark_consistent(&mut self) {
        Self::mark_consistent(self);
    }
}

impl<T, B: Members> Deref for RwLockWriteGuard<'_, T, B> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while there is a writer nobody else has a reference.
        unsafe { &*self.lock.value() }
    }
}

impl<T, B: Members> DerefMut for RwLockWriteGuard<'_, T, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: while there is a writer nobody else has a reference.
        unsafe { &mut *self.lock.value() }
    }
}

impl<T, B: Members> Drop for RwLockWriteGuard<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child it is a copy of its parent's.
        if self.holder.is_this_process::<B>() {
            let panicked = !self.panicking && thread::panicking();
            self.lock.end_writing(self.holder.me, panicked);
        }
    }
}

impl<T: fmt::Debug, B: Members> fmt::Debug for RwLockWriteGuard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
