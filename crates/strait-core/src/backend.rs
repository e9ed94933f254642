//! The narrow waist: all that differs between operating systems.

use crate::{
    Cancel, Capabilities, Deadline, Finding, Inherit, Liveness, NamedPipes, Rendezvous, Result,
    Signals, Sockets,
};
use std::sync::atomic::AtomicU32;

/// An operating system, as strait sees it.
///
/// Everything above is generic over `B: Backend` and is written once. Its shared memory is
/// `B::Segment`, its local sockets are `B::Listener` and `B::Connection`.
pub trait Backend:
    WaitAddress + Liveness + Rendezvous + NamedPipes + Sockets + Inherit + Signals
{
    /// The backend's name in test names and tables: `posix`.
    const NAME: &'static str;

    /// What this backend can do. A call beyond that is refused above it, in one place.
    const CAPABILITIES: Capabilities;

    /// What ends waits before their time.
    type Cancel: Cancel;

    /// Looks at what this system offers of what the backend needs.
    fn examine() -> Vec<Finding>;
}

/// Sleeping on a 32-bit word of shared memory, and waking those who sleep on it.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux | `futex`, not private, monotonic |
/// | Windows | a named semaphore or event |
/// | macOS | `os_sync_wait_on_address`, shared |
/// | FreeBSD | `_umtx_op` |
pub trait WaitAddress {
    /// Sleeps while `word` has the value `expected`, until woken or until the deadline.
    ///
    /// It may return [`Woken`](WaitOutcome::Woken) without a cause: the caller looks at the word
    /// again. A sleep that is cancelled may go on for 40 ms. A process in any address space that maps the
    /// same memory can wake.
    ///
    /// # Errors
    ///
    /// Only where the system fails in a way that has nothing to do with the wait.
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome>;

    /// Wakes one that sleeps on `word`, if any does.
    fn wake_one(word: &AtomicU32);

    /// Wakes all that sleep on `word`.
    fn wake_all(word: &AtomicU32);
}

/// How a wait on a word ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitOutcome {
    /// Woken, or the word had another value, or for no reason at all: look again.
    Woken,
    /// The deadline passed.
    TimedOut,
}
