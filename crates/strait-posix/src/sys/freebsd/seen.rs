//! What the system tells of a process: sysctl(3), `kern.proc.pid`.
#![expect(unsafe_code, reason = "calls what neither std nor rustix has")]

use super::super::process::Seen;
use rustix::process::{Pid, getpid};
use std::{io, mem::MaybeUninit};

/// Looks at the process that has this number now, if there is one that can be seen.
pub(crate) fn look(pid: Pid) -> io::Result<Option<Seen>> {
    let Some(info) = ask::<libc::kinfo_proc>(&number_of(pid))? else { return Ok(None) };
    // Its start is told as a time of the clock, which is the time since the computer started and the time of that.
    // When the clock is set only the second one is. So what is compared is the difference.
    let Some(boot) = ask::<libc::timeval>(&[libc::CTL_KERN, libc::KERN_BOOTTIME])? else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let start = microseconds(info.ki_start) - microseconds(boot);
    let is_exiting = info.ki_flag & libc::P_WEXIT as libc::c_long != 0;
    let has_ended = info.ki_stat == libc::SZOMB || is_exiting;
    Ok(Some(Seen { start: u64::try_from(start).unwrap_or(0).max(1), has_ended }))
}

/// The jail that this process is in, and 1 more, as 0 is that it isn't known. Numbers of processes are the same in
/// all of them.
pub(crate) fn space() -> u64 {
    let own = ask::<libc::kinfo_proc>(&number_of(getpid())).ok().flatten();
    own.and_then(|info| u64::try_from(info.ki_jid).ok()).map_or(0, |jail| jail + 1)
}

/// Whether processes of that jail can be seen from here: from outside of all jails all can.
pub(crate) fn is_visible(space: u64) -> bool {
    const OUTSIDE: u64 = 1;
    let own = self::space();
    own == space || own == OUTSIDE
}

fn number_of(pid: Pid) -> [libc::c_int; 4] {
    [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, pid.as_raw_nonzero().get()]
}

fn microseconds(time: libc::timeval) -> i64 {
    time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_usec)
}

/// What the kernel says under a name; `None` where there is nothing of the kind.
fn ask<T: Plain>(name: &[libc::c_int]) -> io::Result<Option<T>> {
    let mut answer = MaybeUninit::<T>::zeroed();
    let mut len = size_of::<T>();
    // SAFETY: the name has as many words; the kernel writes at most `len` bytes to the place, which has as many.
    let code = unsafe {
        libc::sysctl(
            name.as_ptr(),
            name.len() as libc::c_uint,
            answer.as_mut_ptr().cast(),
            &raw mut len,
            std::ptr::null(),
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
    if len != size_of::<T>() {
        return Ok(None);
    }
    // SAFETY: it was written; any bytes are valid.
    Ok(Some(unsafe { answer.assume_init() }))
}

/// What is numbers and pointers only, for which any bytes are valid.
trait Plain: Copy {}

impl Plain for libc::kinfo_proc {}
impl Plain for libc::timeval {}
