//! What the system tells of a process: proc_pidinfo, of libproc.
#![expect(unsafe_code, reason = "calls what neither std nor rustix has")]

use super::super::process::Seen;
use rustix::process::Pid;
use std::{io, mem::MaybeUninit};

/// Looks at the process that has this number now, if there is one.
pub(crate) fn look(pid: Pid) -> io::Result<Option<Seen>> {
    /// Also those that have ended and that nobody has waited for.
    const ZOMBIES_TOO: u64 = 1;
    /// PROC_FLAG_INEXIT of sys/proc_info.h: its files are being closed, or are.
    const IN_EXIT: u32 = 4;
    let mut info = MaybeUninit::<libc::proc_bsdinfo>::zeroed();
    let size = size_of::<libc::proc_bsdinfo>() as libc::c_int;
    // SAFETY: the kernel writes at most `size` bytes to the place, which has as many.
    let written = unsafe {
        libc::proc_pidinfo(
            pid.as_raw_nonzero().get(),
            libc::PROC_PIDTBSDINFO,
            ZOMBIES_TOO,
            info.as_mut_ptr().cast(),
            size,
        )
    };
    if written != size {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: it was written, and before that was zeros; any bytes are valid.
    let info = unsafe { info.assume_init() };
    // Of the clock when it started, which isn't changed afterwards.
    let start =
        info.pbi_start_tvsec.saturating_mul(1_000_000).saturating_add(info.pbi_start_tvusec);
    let has_ended = info.pbi_status == libc::SZOMB || info.pbi_flags & IN_EXIT != 0;
    Ok(Some(Seen { start: start.max(1), has_ended }))
}

/// All processes of a computer can see each other.
pub(crate) fn space() -> u64 {
    1
}

pub(crate) fn is_visible(space: u64) -> bool {
    space == self::space()
}
