//! Many readers or one writer, any of whom may die.
//!
//! # The rules
//!
//! 1. A reader enters itself in one of the places, as an [`Owner`], and then looks at the writer's word;
//!    a writer takes its word, and then looks at the places. These are sequentially consistent: so at least
//!    one sees the other.
//! 2. A reader that sees a writer takes itself out again and waits. So a writer only waits for readers
//!    that were there before it.
//! 3. An entry whose owner is gone may be taken out by anybody, by comparing with the very entry that was
//!    judged.
//! 4. Whoever leaves rings for all, as readers and writers wait at one bell.
#![expect(unsafe_code, reason = "promises that threads can share it")]

use super::{
    LockError, LockResult, Members, Owner, RwLockReadGuard, RwLockWriteGuard,
    bell::{Bell, Look},
    entries::Entries,
    lock_word::{LockWord, Refused, Taken},
};
use crate::{kill_point::kill_point, primitive::in_one_order};
use std::{cell::UnsafeCell, fmt, marker::PhantomData, mem::offset_of, ptr, time::Duration};
use strait_core::Deadline;

/// A value that many threads of many processes can read, or one can change.
///
/// ```
/// use strait::{Shared, sync::RwLock};
///
/// let name = format!("doc/rwlock-{}", std::process::id());
/// let limits = Shared::<RwLock<[u32; 2]>>::open_or_create(&name, || RwLock::new([1, 9]))?;
///
/// // In any process of this user:
/// assert_eq!(limits.read()?[1], 9);
/// limits.write()?[0] = 2;
/// # Ok::<(), strait::Error>(())
/// ```
///
/// A writer that waits keeps new readers out, so readers can't starve it. [`MAX_READERS`] can read at
/// the same time; others wait.
///
/// # Death
///
/// A reader that dies is noticed by who waits for it, within 100 ms. Where a writer dies, or panics, each
/// reader and the next writer get [`LockError::OwnerDied`] with the guard, until a writer has repaired the
/// value and said [`mark_consistent`](RwLockWriteGuard::mark_consistent). A writer that drops its guard
/// without has given the value up: everybody gets [`LockError::NotRecoverable`].
///
/// Otherwise it is as with [`Mutex`](super::Mutex).
///
/// # Cost
///
/// Where nobody is in the way, each of reading, writing and their ends takes one atomic operation and
/// no system call.
///
/// [`MAX_READERS`]: Self::MAX_READERS
#[repr(C)]
pub struct RwLock<T, B> {
    writer: LockWord,
    bell: Bell,
    readers: Entries<READERS>,
    value: UnsafeCell<T>,
    backend: PhantomData<fn() -> B>,
}

const READERS: usize = if cfg!(loom) { 2 } else { 64 };

// SAFETY: the lock gives the value to one thread at a time, or to many for reading.
unsafe impl<T: Send + Sync, B> Sync for RwLock<T, B> {}

impl<T, B> RwLock<T, B> {
    /// How many can read at the same time.
    pub const MAX_READERS: usize = READERS;

    /// Where in it the value lies.
    #[cfg_attr(loom, expect(dead_code, reason = "nothing is shared there"))]
    pub(crate) const VALUE: usize = offset_of!(Self, value);

    /// A lock that nobody holds.
    pub fn new(value: T) -> Self {
        Self {
            writer: LockWord::new(),
            bell: Bell::new(),
            readers: Entries::new(),
            value: UnsafeCell::new(value),
            backend: PhantomData,
        }
    }

    /// The value, of a lock that nobody else can use.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, of a lock that isn't needed any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T, B: Members> RwLock<T, B> {
    /// Waits until nobody writes, and begins to read.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock` and `TimedOut`.
    #[inline]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T, B>> {
        self.read_deadline(Deadline::NEVER)
    }

    /// Begins to read, if nobody writes.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or any other [`LockError`] but `TimedOut`.
    pub fn try_read(&self) -> LockResult<RwLockReadGuard<'_, T, B>> {
        let me = self.me()?;
        match self.enter(me, Look::Thorough)? {
            Some(entered) => self.reading(me, entered),
            None => Err(LockError::WouldBlock),
        }
    }

    /// Waits until nobody writes, and begins to read; or until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    pub fn read_timeout(&self, timeout: Duration) -> LockResult<RwLockReadGuard<'_, T, B>> {
        self.read_deadline(timeout)
    }

    /// Waits until nobody writes, and begins to read; or until the deadline.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    #[inline]
    pub fn read_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
    ) -> LockResult<RwLockReadGuard<'_, T, B>> {
        let deadline = LockError::unless_cancelled(deadline.into())?;
        let me = self.me()?;
        if let Some(entered) = self.enter(me, Look::Quick)? {
            kill_point!("rwlock: reading");
            return self.reading(me, entered);
        }
        let entered =
            self.bell.wait::<B, _, LockError<_>>(deadline, |look| Ok(self.enter(me, look)?))?;
        self.reading(me, entered.ok_or_else(|| LockError::ended_by(deadline))?)
    }

    /// Waits until nobody reads or writes, and begins to write.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock` and `TimedOut`.
    #[inline]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        self.write_deadline(Deadline::NEVER)
    }

    /// Begins to write, if nobody reads or writes.
    ///
    /// # Errors
    ///
    /// `WouldBlock`, or any other [`LockError`] but `TimedOut`.
    pub fn try_write(&self) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        // Looked at before, so that a try that fails keeps no reader out.
        match self.readers.have_left::<B>(self.me()?, Look::Thorough) {
            Ok(true) => {}
            Ok(false) => return Err(LockError::WouldBlock),
            Err(refused) => return Err(refused.into()),
        }
        self.write_deadline(Deadline::now()).map_err(|error| match error {
            LockError::TimedOut => LockError::WouldBlock,
            error => error,
        })
    }

    /// Waits until nobody reads or writes, and begins to write; or until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    pub fn write_timeout(&self, timeout: Duration) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        self.write_deadline(timeout)
    }

    /// Waits until nobody reads or writes, and begins to write; or until the deadline.
    ///
    /// # Errors
    ///
    /// Each [`LockError`] but `WouldBlock`.
    #[inline]
    pub fn write_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
    ) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        let deadline = LockError::unless_cancelled(deadline.into())?;
        let me = self.me()?;
        if self.writer.take_fast(me) {
            in_one_order();
            if self.readers.are_none() {
                kill_point!("rwlock: writing");
                return Ok(RwLockWriteGuard::new(self, me));
            }
            return self.wait_for_readers(me, Taken::Whole, deadline);
        }
        self.wait_to_write(me, deadline)
    }

    #[cold]
    fn wait_to_write(
        &self,
        me: Owner,
        deadline: Deadline<'_>,
    ) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        let taken = self.bell.wait::<B, _, LockError<_>>(deadline, |look| {
            let taken = self.writer.try_take::<B>(me, look)?;
            if taken.is_none() {
                self.refuse_to_wait(me, look)?;
            }
            Ok(taken)
        })?;
        let taken = taken.ok_or_else(|| LockError::ended_by(deadline))?;
        self.wait_for_readers(me, taken, deadline)
    }

    /// Waits, as the writer, for the readers that were there before.
    #[cold]
    fn wait_for_readers(
        &self,
        me: Owner,
        taken: Taken,
        deadline: Deadline<'_>,
    ) -> LockResult<RwLockWriteGuard<'_, T, B>> {
        self.writer.set_untouched(me, true);
        kill_point!("rwlock: waiting for readers");
        let done = self.bell.wait::<B, _, LockError<_>>(deadline, |look| {
            in_one_order();
            Ok(self.readers.have_left::<B>(me, look)?.then_some(()))
        });
        match done {
            Ok(Some(())) => {
                self.writer.set_untouched(me, false);
                match taken {
                    Taken::Whole => Ok(RwLockWriteGuard::new(self, me)),
                    Taken::Inconsistent => {
                        Err(LockError::OwnerDied(RwLockWriteGuard::new(self, me)))
                    }
                }
            }
            Ok(None) => Err(self.give_up(me, LockError::ended_by(deadline))),
            Err(error) => Err(self.give_up(me, error)),
        }
    }

    fn give_up<G>(&self, me: Owner, error: LockError<G>) -> LockError<G> {
        self.writer.back_out(me);
        self.bell.ring_all::<B>();
        error
    }

    /// Rules 1 and 2 for a reader: where it has entered itself, and in which state it finds the value.
    #[inline]
    fn enter(&self, me: Owner, look: Look) -> Result<Option<(usize, Taken)>, Refused> {
        if self.no_writer(me, look)?.is_none() {
            return Ok(None);
        }
        let Some(place) = self.readers.enter::<B>(me, READERS, look) else {
            return self.refuse_to_wait(me, look).map(|()| None);
        };
        in_one_order();
        match self.no_writer(me, Look::Quick) {
            Ok(Some(taken)) => Ok(Some((place, taken))),
            refused => {
                self.readers.leave(place, me);
                self.bell.ring_all::<B>();
                refused.map(|_| None)
            }
        }
    }

    /// In which state the value is while nobody writes.
    #[inline]
    fn no_writer(&self, me: Owner, look: Look) -> Result<Option<Taken>, Refused> {
        let state = self.writer.look::<B>(me, look)?;
        if state.is_none() {
            self.refuse_to_wait(me, look)?;
        }
        Ok(state)
    }

    /// Who reads already mustn't wait once more: whom it waits for may be waiting for it.
    #[cold]
    fn refuse_to_wait(&self, me: Owner, look: Look) -> Result<(), Refused> {
        match look == Look::Thorough && self.readers.has::<B>(me, look) {
            true => Err(Refused::Deadlock),
            false => Ok(()),
        }
    }

    #[inline]
    fn me(&self) -> strait_core::Result<Owner> {
        B::me(ptr::from_ref(self).addr())
    }

    #[inline]
    fn reading(
        &self,
        me: Owner,
        (place, state): (usize, Taken),
    ) -> LockResult<RwLockReadGuard<'_, T, B>> {
        let guard = RwLockReadGuard::new(self, me, place);
        match state {
            Taken::Whole => Ok(guard),
            Taken::Inconsistent => Err(LockError::OwnerDied(guard)),
        }
    }

    /// Ends the caller's reading.
    #[inline]
    pub(super) fn end_reading(&self, me: Owner, place: usize) {
        self.readers.leave(place, me);
        kill_point!("rwlock: read, not rung");
        self.bell.ring_all::<B>();
    }

    /// Ends the caller's writing; whether by a panic, or in order.
    #[inline]
    pub(super) fn end_writing(&self, me: Owner, panicked: bool) {
        self.writer.release(me, panicked);
        kill_point!("rwlock: written, not rung");
        self.bell.ring_all::<B>();
    }

    /// Says that what a dead writer left has been repaired by the caller.
    pub(super) fn mark_consistent(&self, me: Owner) {
        self.writer.mark_consistent(me);
    }

    /// Where the value lies, to be used as far as the caller holds the lock.
    pub(super) fn value(&self) -> *mut T {
        self.value.get()
    }
}

impl<T: Default, B> Default for RwLock<T, B> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, B> From<T> for RwLock<T, B> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T, B> fmt::Debug for RwLock<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock").field("writer", &self.writer).finish_non_exhaustive()
    }
}
