//! The rights that a lock for readers and writers gives out.
#![expect(unsafe_code, reason = "shows what it guards to who holds it")]

use super::{Members, Owner, Recover, RwLock};
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
    me: Owner,
    place: usize,
    forks: u32,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives shared references to the value only.
unsafe impl<T: Sync, B: Members> Sync for RwLockReadGuard<'_, T, B> {}

impl<'a, T, B: Members> RwLockReadGuard<'a, T, B> {
    /// Of one that has just entered itself at `place`.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T, B>, me: Owner, place: usize) -> Self {
        Self { lock, me, place, forks: B::forks(), not_send: PhantomData }
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
        if self.forks != B::forks() {
            return;
        }
        self.lock.end_reading(self.me, self.place);
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
    me: Owner,
    forks: u32,
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
        let (forks, panicking) = (B::forks(), thread::panicking());
        Self { lock, me, forks, panicking, not_send: PhantomData }
    }

    /// Says that what the lock guards has been repaired, or was whole all the time: where locking said
    /// [`LockError::OwnerDied`](super::LockError::OwnerDied).
    pub fn mark_consistent(&mut self) {
        self.lock.mark_consistent(self.me);
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
        if self.forks != B::forks() {
            return;
        }
        self.lock.end_writing(self.me, !self.panicking && thread::panicking());
    }
}

impl<T: fmt::Debug, B: Members> fmt::Debug for RwLockWriteGuard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
