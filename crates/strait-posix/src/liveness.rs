//! Telling the living from the dead.

use crate::{Posix, sys::process};
use std::os::fd::OwnedFd;
use strait_core::{Deadline, Liveness, ProcessIdentity, Result};

impl Liveness for Posix {
    fn current_process() -> Result<ProcessIdentity> {
        process::current()
    }

    fn identify(pid: u32) -> Result<ProcessIdentity> {
        process::identify(pid)
    }

    fn parent_process() -> Result<ProcessIdentity> {
        process::parent()
    }

    fn is_alive(process: &ProcessIdentity) -> bool {
        process::is_alive(process)
    }

    fn wait_for_end(process: &ProcessIdentity, deadline: Deadline<'_>) -> Result<bool> {
        process::wait_for_end(process, deadline)
    }
}

impl Posix {
    /// A descriptor that is readable as soon as the process has ended, for event loops; `None` where it has
    /// ended. Don't read from it.
    ///
    /// # Errors
    ///
    /// `Unsupported` where this system can't watch that process.
    pub fn end_of_process(process: &ProcessIdentity) -> Result<Option<OwnedFd>> {
        process::end(process)
    }
}
