//! Synchronisation that lies in shared memory, written once over the waiting of a backend.
//!
//! Each type is words in memory, and nothing else: it has one layout on every system, and a process
//! that is killed in the middle of any operation leaves words with which the others go on.
//!
//! * Who owns a lock stands in the very word that is taken, as an [`Owner`]: `owner.rs`. Which owner the
//!   caller is, and which one is gone, says [`Members`], by the seats of the memory.
//! * A word with one owner at a time is `lock_word.rs`, places for several are `entries.rs`.
//! * Waiting for a change of either is `bell.rs`.

#[cfg(not(loom))]
mod barrier;
mod bell;
mod condvar;
mod entries;
mod event;
mod holder;
mod lock_error;
mod lock_word;
mod members;
mod mutex;
#[cfg(not(loom))]
mod once;
#[cfg(not(loom))]
mod once_lock;
mod owner;
mod rwlock;
mod rwlock_guard;
mod semaphore;
#[cfg(not(loom))]
mod seqlock;
mod sleep;

#[cfg(not(loom))]
pub use barrier::{Barrier, BarrierWaitResult, Party};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use lock_error::{LockError, LockResult, Recover};
pub use members::Members;
pub use mutex::{Mutex, MutexGuard};
#[cfg(not(loom))]
pub use once::Once;
#[cfg(not(loom))]
pub use once_lock::OnceLock;
pub use owner::Owner;
pub use rwlock::RwLock;
pub use rwlock_guard::{RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Permit, Semaphore};
#[cfg(not(loom))]
pub use seqlock::{SeqLock, SeqLockWriter};
pub use sleep::Sleep;
