//! Telling the living from the dead.

use crate::{Windows, process};
use std::os::windows::io::OwnedHandle;
use strait_core::{Deadline, Liveness, ProcessIdentity, Result};

impl Liveness for Windows {
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

impl Windows {
    /// A handle that is signalled as soon as the process has ended, for event loops; `None` where it has ended.
    ///
    /// # Errors
    ///
    /// `Unsupported` where this user may not watch that process.
    pub fn end_of_process(process: &ProcessIdentity) -> Result<Option<OwnedHandle>> {
        process::end(process)
    }
}
