//! Sessions: the names of kernel objects are those of one, and the first is that of the services.
#![expect(unsafe_code, reason = "asks which session a process is in")]

use std::io;
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;

/// Whether this process is in the session of the services, where no user sits.
pub(super) fn is_of_services() -> bool {
    number(std::process::id()).is_ok_and(|session| session == 0)
}

/// Whether the process that has the number now is in the session of this one.
pub(super) fn is_own(pid: u32) -> io::Result<bool> {
    Ok(number(pid)? == number(std::process::id())?)
}

fn number(pid: u32) -> io::Result<u32> {
    let mut session = 0;
    // SAFETY: the place is valid for a number.
    match unsafe { ProcessIdToSessionId(pid, &raw mut session) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(session),
    }
}
