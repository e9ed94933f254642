//! Who a process is, and whether it is alive.

use crate::{Deadline, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Which process this is, so that no later process with the same number is taken for it.
///
/// It has one layout on every system and may lie in shared memory.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Default,
)]
#[repr(C)]
pub struct ProcessIdentity {
    /// The process number, as the process itself sees it; never 0 for a process.
    pub pid: u32,
    /// Always 0.
    pub reserved: u32,
    /// When it started, in the system's own unit; 0 where that isn't known.
    pub start: u64,
    /// In which space of numbers the pid and the start hold (a PID namespace); 0 where there is
    /// only one.
    pub space: u64,
}

/// Telling the living from the dead.
///
/// A live process is never said to be dead: where a backend can't know (another PID namespace, no
/// permission) it says alive. A stopped process is alive. A zombie is dead.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux | pidfd, start time, PID namespace |
/// | Windows | process handle, creation time |
/// | macOS, FreeBSD | kqueue `EVFILT_PROC`, start time |
pub trait Liveness {
    /// The identity of the calling process.
    ///
    /// # Errors
    ///
    /// `Os`, where the system doesn't tell.
    fn current_process() -> Result<ProcessIdentity>;

    /// The identity of the process that has the number `pid` now.
    ///
    /// # Errors
    ///
    /// `NotFound`, where there is none.
    fn identify(pid: u32) -> Result<ProcessIdentity>;

    /// The identity of the process that started the calling one.
    ///
    /// The one that is first asked for is remembered: where it has ended, whoever the system gives the
    /// calling process to isn't taken for it.
    ///
    /// # Errors
    ///
    /// `NotFound`, where it has ended, or can't be seen from here.
    fn parent_process() -> Result<ProcessIdentity>;

    /// Whether the process is alive, or may be.
    fn is_alive(process: &ProcessIdentity) -> bool;

    /// Waits until the process has ended; `false` if the deadline passed first.
    ///
    /// # Errors
    ///
    /// `Unsupported` where this system can't watch that process.
    fn wait_for_end(process: &ProcessIdentity, deadline: Deadline<'_>) -> Result<bool>;
}
