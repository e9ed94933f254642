//! A value that is written once, although who writes it may die.
#![expect(unsafe_code, reason = "shows a value that is complete")]

use super::{Members, Once};
use crate::{Shareable, kill_point::kill_point, shared::zeroed};
use std::{cell::UnsafeCell, fmt, mem::offset_of};
use strait_core::{Deadline, Error, ErrorKind, Result};

/// A value that is written once, in whichever process comes first.
///
/// Where the process that makes it dies, or panics, the next one makes it.
///
/// ```
/// use strait::{Shared, sync::OnceLock};
///
/// let name = format!("doc/once-lock-{}", std::process::id());
/// let port = Shared::<OnceLock<u16>>::open_or_create(&name, OnceLock::new)?;
/// assert_eq!(port.get(), None);
///
/// // In any process of this user:
/// assert_eq!(*port.get_or_init(|| 8080)?, 8080);
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Trust
///
/// The value is only as safe from a peer as the memory itself: one that means harm can write it at any
/// time.
#[repr(C)]
pub struct OnceLock<T, B> {
    once: Once<B>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is written by one thread, before it is complete, and only read after that.
unsafe impl<T: Send + Sync, B> Sync for OnceLock<T, B> {}

impl<T, B> OnceLock<T, B> {
    /// Where in it the value lies.
    pub(crate) const VALUE: usize = offset_of!(Self, value);

    /// The value, once it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        // SAFETY: nobody writes it any more once it is complete.
        self.once.is_completed().then(|| unsafe { &*self.value.get() })
    }

    /// What it consists of, of one that nobody else can use.
    pub(crate) fn parts(&mut self) -> (&mut Once<B>, &mut T) {
        (&mut self.once, self.value.get_mut())
    }
}

impl<T: Shareable, B> OnceLock<T, B> {
    /// A place for a value that isn't there yet.
    pub fn new() -> Self {
        Self { once: Once::new(), value: UnsafeCell::new(zeroed()) }
    }
}

impl<T: Shareable, B> Default for OnceLock<T, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, B: Members> OnceLock<T, B> {
    /// The value, made by `f` if it isn't there yet. Waits where another thread or process makes it.
    ///
    /// # Errors
    ///
    /// `Deadlock`, where `f` itself comes here again; `Os`, where the system fails.
    #[inline]
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> Result<&T> {
        self.get_or_init_deadline(Deadline::NEVER, f)
    }

    /// As [`get_or_init`](Self::get_or_init), but waits for others only until the deadline: a `Duration`
    /// from now, say.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`get_or_init`](Self::get_or_init).
    #[inline]
    pub fn get_or_init_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
        f: impl FnOnce() -> T,
    ) -> Result<&T> {
        if !self.once.is_completed() {
            self.once.call_once_deadline(deadline, || {
                let forks = B::forks();
                let value = f();
                // A child that was forked meanwhile isn't the one to write it.
                if forks == B::forks() {
                    self.write(value);
                }
            })?;
        }
        // SAFETY: it is complete.
        Ok(unsafe { &*self.value.get() })
    }

    /// Writes the value. Waits where another thread or process makes it.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where it is there already; and those of [`get_or_init`](Self::get_or_init).
    pub fn set(&self, value: T) -> Result<()> {
        let mut done = false;
        self.once.call_once(|| {
            self.write(value);
            done = true;
        })?;
        if done {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::AlreadyExists,
            "write what is written once",
            "it is there already",
        ))
    }

    /// To be called where `once` lets one thread in at a time, and none later.
    fn write(&self, value: T) {
        // SAFETY: so nobody reads it yet, and nobody else writes it. What is overwritten needs no `Drop`,
        // as nothing that is shared does.
        unsafe { self.value.get().write(value) };
        kill_point!("once lock: written");
    }
}

impl<T: fmt::Debug, B> fmt::Debug for OnceLock<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceLock").field(&self.get()).finish()
    }
}
