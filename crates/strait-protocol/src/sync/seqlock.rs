//! The latest of a value that one writes and many read, without anybody waiting for anybody.
//!
//! # The rules
//!
//! 1. There are two places. `sequence` says by its lowest bit which one holds the latest value; the writer
//!    writes into the other one, and then counts `sequence` up. So one that dies while it writes leaves the
//!    latest value untouched.
//! 2. A reader notes `sequence`, copies, and looks at `sequence` again: if it is the same, nobody wrote where
//!    it read. The writer's fence before it writes makes sure that who reads any of it sees the
//!    `sequence` from before.
#![expect(unsafe_code, reason = "reads what may be written at the same time")]

use super::{
    Members,
    bell::Look,
    holder::Holder,
    lock_word::{LockWord, Refused},
};
use crate::{
    Shareable,
    kill_point::kill_point,
    primitive::{AtomicU64, Ordering, fence},
    shared::{load_value, store_value, zeroed},
};
use std::{cell::UnsafeCell, fmt, hint, marker::PhantomData, mem::offset_of, ptr};
use strait_core::{Error, ErrorKind, Result};

/// A value that one thread at a time writes and that any number reads, always the latest, without a lock:
/// for state, such as a position or a price.
///
/// Reading never makes the writer wait. A writer that is stopped or dies, at whatever instruction, leaves
/// the last value that it had finished.
///
/// ```
/// use strait::{Shared, sync::SeqLock};
///
/// let name = format!("doc/seqlock-{}", std::process::id());
/// let position = Shared::<SeqLock<[f64; 3]>>::open_or_create(&name, || SeqLock::new([0.0; 3]))?;
///
/// // One process writes:
/// let mut writer = position.writer()?;
/// writer.write([1.0, 2.0, 3.0]);
///
/// // Others read:
/// assert_eq!(position.read()?, [1.0, 2.0, 3.0]);
/// # Ok::<(), strait::Error>(())
/// ```
#[repr(C)]
pub struct SeqLock<T, B> {
    writer: LockWord,
    sequence: AtomicU64,
    places: [UnsafeCell<T>; 2],
    backend: PhantomData<fn() -> B>,
}

// SAFETY: the value is copied by atomic operations, and written by one thread at a time.
unsafe impl<T: Send, B> Sync for SeqLock<T, B> {}

impl<T: Shareable + Copy, B> SeqLock<T, B> {
    /// Where in it the value lies at first.
    pub(crate) const VALUE: usize = offset_of!(Self, places);

    /// A value that nobody writes yet.
    pub fn new(value: T) -> Self {
        Self {
            writer: LockWord::new(),
            sequence: AtomicU64::new(0),
            places: [UnsafeCell::new(value), UnsafeCell::new(zeroed())],
            backend: PhantomData,
        }
    }

    /// The latest value.
    ///
    /// # Errors
    ///
    /// `Busy` where it is written faster than it can be read, thousands of times on end: by a writer that
    /// does nothing else, or by a peer that writes where it mustn't.
    #[inline]
    pub fn read(&self) -> Result<T> {
        for _ in 0..ATTEMPTS {
            let sequence = self.sequence.load(Ordering::Acquire);
            let place = self.place(sequence);
            // SAFETY: it is a place of this value's, which is written by `write` only.
            let value = unsafe { load_value(place) };
            fence(Ordering::Acquire);
            if self.sequence.load(Ordering::Relaxed) == sequence {
                return Ok(value);
            }
            hint::spin_loop();
        }
        let why = "it is written faster than it can be read";
        Err(Error::new(ErrorKind::Busy, "read the latest value", why))
    }

    /// The latest value, of one that nobody else can use.
    pub fn get_mut(&mut self) -> &mut T {
        let latest = self.sequence.load(Ordering::Relaxed) % 2;
        self.places[latest as usize].get_mut()
    }

    fn place(&self, sequence: u64) -> *mut T {
        self.places[(sequence % 2) as usize].get()
    }
}

impl<T: Shareable + Copy, B: Members> SeqLock<T, B> {
    /// The right to write, which one has at a time; also where the one that had it has died.
    ///
    /// # Errors
    ///
    /// `Busy` where another thread or process has it, `Deadlock` where this thread has.
    pub fn writer(&self) -> Result<SeqLockWriter<'_, T, B>> {
        const WRITE: &str = "write the latest value";
        let me = B::me(ptr::from_ref(self).addr())?;
        match self.writer.try_take::<B>(me, Look::Thorough) {
            Ok(Some(_)) => {
                // There is nothing to repair, by rule 1.
                self.writer.mark_consistent(me);
                let holder = Holder::new::<B>(me);
                Ok(SeqLockWriter { lock: self, holder, not_send: PhantomData })
            }
            Ok(None) => Err(Error::new(ErrorKind::Busy, WRITE, "another one writes it")),
            Err(Refused::Deadlock) => {
                let why = "this thread has the right to already";
                Err(Error::new(ErrorKind::Deadlock, WRITE, why))
            }
            Err(Refused::NotRecoverable) => {
                let why = "its word has a value that strait never writes";
                Err(Error::new(ErrorKind::PeerCorrupt, WRITE, why))
            }
        }
    }
}

impl<T: Shareable + Copy + fmt::Debug, B> fmt::Debug for SeqLock<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeqLock").field(&self.read()).finish()
    }
}

/// The right to write the value of a [`SeqLock`]. Dropping it gives it back.
pub struct SeqLockWriter<'a, T: Shareable + Copy, B: Members> {
    lock: &'a SeqLock<T, B>,
    holder: Holder,
    not_send: PhantomData<*const ()>,
}

impl<T: Shareable + Copy, B: Members> SeqLockWriter<'_, T, B> {
    /// Makes `value` the latest. Does nothing in a forked child, which isn't the writer.
    #[inline]
    pub fn write(&mut self, value: T) {
        if !self.holder.is_this_process::<B>() {
            return;
        }
        let next = self.lock.sequence.load(Ordering::Relaxed).wrapping_add(1);
        fence(Ordering::Release);
        // SAFETY: it is a place of this value's, and only who has this right writes there.
        unsafe { store_value(self.lock.place(next), value) };
        kill_point!("seqlock: written, not said");
        self.lock.sequence.store(next, Ordering::Release);
    }
}

impl<T: Shareable + Copy, B: Members> Drop for SeqLockWriter<'_, T, B> {
    fn drop(&mut self) {
        if self.holder.is_this_process::<B>() {
            self.lock.writer.release(self.holder.me, false);
        }
    }
}

impl<T: Shareable + Copy + fmt::Debug, B: Members> fmt::Debug for SeqLockWriter<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SeqLockWriter").field(self.lock).finish()
    }
}

/// How often a reader tries. Each time that it fails, a whole value has been written meanwhile.
const ATTEMPTS: u32 = 10_000;
