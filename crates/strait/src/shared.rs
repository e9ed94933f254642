//! A value that several processes share.

use crate::options::Options;
use std::{fmt, ops::Deref};
use strait_core::{Backend, Name, Result, Segment};
use strait_protocol::{Shareable, shared::Value};

/// A value that several processes share: a lock or anything else of [`sync`](crate::sync), an atomic,
/// an array of them, plain data that never changes, or a struct of these with [`#[derive(Shareable)]`](macro@crate::Shareable).
///
/// It derefs to `&T`. What can change while it is shared are atomics, and what locks guard; the rest
/// stays as it was created. The type's [fingerprint](Shareable::FINGERPRINT) is checked when it is opened.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use strait::Shared;
///
/// let name = format!("doc/levels-{}", std::process::id());
/// let levels = Shared::<[AtomicU32; 4]>::open_or_create(&name, Default::default)?;
/// levels[2].store(7, Ordering::Relaxed);
///
/// // In any other process of this user:
/// let again = Shared::<[AtomicU32; 4]>::open(&name)?;
/// assert_eq!(again[2].load(Ordering::Relaxed), 7);
/// # Ok::<(), strait::Error>(())
/// ```
pub struct Shared<T: Shareable, B: Backend> {
    value: Value<T, B::Segment>,
    name: Name,
}

impl<T: Shareable, B: Backend> Shared<T, B> {
    /// Creates a shared value. Its name is freed when what is returned here is dropped.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where the name is taken; `OutOfMemory`; `InvalidInput` for a bad name.
    pub fn create(name: impl AsRef<str>, value: T) -> Result<Self> {
        Options::new().create_shared(name, value)
    }

    /// Opens the shared value called `name`.
    ///
    /// # Errors
    ///
    /// `NotFound`; `PermissionDenied`; `TypeMismatch` where it is of another type; `Foreign` and
    /// `VersionMismatch` where it isn't strait's; `LimitReached` where 1024 have a value with locks open.
    pub fn open(name: impl AsRef<str>) -> Result<Self> {
        Options::new().open_shared(name)
    }

    /// Opens the shared value called `name`, or creates it. The name is freed when the last process
    /// that has it open drops it.
    ///
    /// Of several processes that come first at the same time exactly one runs `init`, and the others wait
    /// for it; where it dies or panics in there, the next one runs it. Nobody sees the value before it
    /// is complete.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create); `Deadlock` where `init` comes here
    /// again itself.
    pub fn open_or_create(name: impl AsRef<str>, init: impl FnOnce() -> T) -> Result<Self> {
        Options::new().open_or_create_shared(name, init)
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether all of the memory is still there, as far as it was touched: `false` once a peer is
    /// seen to have truncated what is behind it, and the value is this process' alone.
    pub fn is_intact(&self) -> bool {
        self.value.segment().is_intact()
    }

    pub(crate) fn new(value: Value<T, B::Segment>, name: Name) -> Self {
        Self { value, name }
    }
}

impl<T: Shareable, B: Backend> Deref for Shared<T, B> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Shareable + fmt::Debug, B: Backend> fmt::Debug for Shared<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("name", &self.name).field("value", &**self).finish()
    }
}
