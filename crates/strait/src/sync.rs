//! Synchronisation in shared memory, inside of a [`Shared`](crate::Shared) value, that survives the death
//! of its users.
//!
//! | to have | use |
//! |---|---|
//! | a value that one at a time can use | [`Mutex`] |
//! | a value that many can read or one can change | [`RwLock`] |
//! | the latest of a value, without anybody waiting | [`SeqLock`] |
//! | a value, or an action, that is made once | [`OnceLock`], [`Once`] |
//! | a wait until what a mutex guards has changed | [`Condvar`] |
//! | a certain number of permits | [`Semaphore`] |
//! | a wait until something has happened | [`Event`] |
//! | a wait until all are here | [`Barrier`] |
//!
//! They have std's names and conventions, and lie inline in a struct with
//! [`#[derive(Shareable)]`](macro@crate::Shareable):
//!
//! ```
//! use std::time::Duration;
//! use strait::{Shareable, Shared, sync::{Event, LockError, Mutex}};
//!
//! #[derive(Shareable)]
//! #[repr(C)]
//! struct Jobs {
//!     done: Mutex<u64>,
//!     ready: Event,
//! }
//!
//! let name = format!("doc/jobs-{}", std::process::id());
//! let new = || Jobs { done: Mutex::new(0), ready: Event::manual_reset() };
//! let jobs = Shared::<Jobs>::open_or_create(&name, new)?;
//!
//! // In any process of this user:
//! jobs.ready.set();
//! jobs.ready.wait_timeout(Duration::from_secs(1))?;
//! *jobs.done.lock().or_else(LockError::recover)? += 1;
//! # Ok::<(), strait::Error>(())
//! ```
//!
//! # Death
//!
//! What a process held that dies, at whatever instruction, is given on to others: those who wait learn of
//! it within 100 ms. One that is stopped, that lives in another PID namespace, or whose number is used
//! again, is never taken for dead; one that runs another program by now is. A process that is killed
//! while it waits harms nobody.
//!
//! # Forks
//!
//! A forked child owns none of its parent's locks, and releases none. It can use what its parent had open,
//! as a process of its own.

use crate::Native;

pub use strait_protocol::sync::{
    BarrierWaitResult, LockError, LockResult, Recover, WaitTimeoutResult,
};

macro_rules! native {
    ($($(#[$doc:meta])* $name:ident $(<$($parameter:tt),+>)?;)*) => {$(
        $(#[$doc])*
        ///
        #[doc = concat!("See [`generic::", stringify!($name), "`](crate::generic::", stringify!($name), ").")]
        pub type $name $(<$($parameter),+>)? = crate::generic::$name<$($($parameter,)+)? Native>;
    )*};
}

native! {
    /// A value that one thread of one process at a time can use.
    Mutex<T>;
    /// The right to use what a [`Mutex`] guards.
    MutexGuard<'a, T>;
    /// A value that many threads of many processes can read, or one can change.
    RwLock<T>;
    /// The right to read what an [`RwLock`] guards.
    RwLockReadGuard<'a, T>;
    /// The right to change what an [`RwLock`] guards.
    RwLockWriteGuard<'a, T>;
    /// Waiting until somebody says that something has changed, which a [`Mutex`] guards.
    Condvar;
    /// Permits, of which there is a certain number.
    Semaphore;
    /// The right that a [`Semaphore`] has given out.
    Permit<'a>;
    /// Something that happens, and that any number of processes wait for.
    Event;
    /// Where a certain number of parties wait for each other.
    Barrier;
    /// That this process is a party to a [`Barrier`].
    Party<'a>;
    /// Something that is to happen once, in whichever process comes first.
    Once;
    /// A value that is written once, in whichever process comes first.
    OnceLock<T>;
    /// A value that one writes and any number reads, always the latest.
    SeqLock<T>;
    /// The right to write the value of a [`SeqLock`].
    SeqLockWriter<'a, T>;
}
