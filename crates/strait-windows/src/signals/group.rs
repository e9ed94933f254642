//! Ctrl-Break to a group of processes.
#![expect(unsafe_code, reason = "sends control events")]

use super::console;
use crate::{Windows, process::Process};
use std::io;
use strait_core::{Error, ErrorKind, ProcessIdentity, Result};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};

impl Windows {
    /// Sends Ctrl-Break to a group of processes that share the console of this one, whether they use strait or not:
    /// those that `leader` and what it has started are, where `leader` was started with
    /// `CREATE_NEW_PROCESS_GROUP` (`creation_flags` of std's `CommandExt`). With strait it is
    /// [`Signal::Quit`](strait_core::Signal::Quit), from nobody. Who handles it not ends.
    ///
    /// That it leads a group is the caller's to know: where it doesn't, the system sends to everybody who shares
    /// the console, and so to this process. No other signal reaches a group: the system doesn't limit
    /// Ctrl-C to one.
    ///
    /// # Errors
    ///
    /// `NotFound`, where the leader has ended; `InvalidInput`, where it doesn't share the console of this
    /// process, or this has none.
    pub fn send_break_to_group(leader: &ProcessIdentity) -> Result<()> {
        const SEND: &str = "send Ctrl-Break to the group of the process";
        let error = |kind, why: &str| Err(Error::new(kind, SEND, why).on(leader.pid));
        // As long as it is open nobody else gets the number.
        let Some(_open) = Process::open_very(leader, 0, SEND)? else {
            return error(ErrorKind::NotFound, "it has ended");
        };
        if !console::sharers().contains(&leader.pid) {
            return error(ErrorKind::InvalidInput, "it has not the same console as this process");
        }
        // SAFETY: it takes numbers only.
        match unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, leader.pid) } {
            0 => Err(Error::os(SEND, io::Error::last_os_error()).on(leader.pid)),
            _ => Ok(()),
        }
    }
}
