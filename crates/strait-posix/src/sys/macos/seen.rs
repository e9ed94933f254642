//! What the system tells of a process: sysctl(3), `kern.proc.pid`, which unlike libproc tells of other users'
//! too.
#![expect(unsafe_code, reason = "calls what neither std nor rustix has")]

use super::super::process::Seen;
use rustix::process::Pid;
use std::{
    io,
    mem::{MaybeUninit, offset_of},
};

/// What a `kinfo_proc` of sys/sysctl.h begins with, and room for the rest of its 648 bytes.
#[repr(C)]
struct Info {
    start: libc::timeval,
    _vmspace: usize,
    _sigacts: usize,
    flag: libc::c_int,
    stat: libc::c_char,
    pid: libc::pid_t,
    _rest: [u8; 1024],
}

/// Looks at the process that has this number now, if there is one: also one that has ended and that nobody has
/// waited for.
pub(crate) fn look(pid: Pid) -> io::Result<Option<Seen>> {
    /// `P_WEXIT` of sys/proc.h: it is ending.
    const EXITING: libc::c_int = 0x2000;
    let number = pid.as_raw_nonzero().get();
    let mut name = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, number];
    let mut info = MaybeUninit::<Info>::zeroed();
    let mut len = size_of::<Info>();
    // SAFETY: the name has as many words; the kernel writes at most `len` bytes to the place, which has as many.
    let code = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            name.len() as libc::c_uint,
            info.as_mut_ptr().cast(),
            &raw mut len,
            std::ptr::null_mut(),
            0,
        )
    };
    if code == -1 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ESRCH) => Ok(None),
            _ => Err(error),
        };
    }
    // SAFETY: it was zeros, and some of it was written; any bytes are valid.
    let info = unsafe { info.assume_init() };
    if len < offset_of!(Info, _rest) || info.pid != number {
        return Ok(None);
    }
    // Of the clock when it started, which isn't changed afterwards.
    let start =
        info.start.tv_sec.saturating_mul(1_000_000).saturating_add(info.start.tv_usec.into());
    let has_ended = info.stat as u32 == libc::SZOMB || info.flag & EXITING != 0;
    Ok(Some(Seen { start: u64::try_from(start).unwrap_or(0).max(1), has_ended }))
}

/// All processes of a computer can see each other.
pub(crate) fn space() -> u64 {
    1
}

pub(crate) fn is_visible(space: u64) -> bool {
    space == self::space()
}
