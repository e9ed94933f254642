//! Writing to a pipe without the signal that ends a process whose reader is gone.
//!
//! Rust programs ignore SIGPIPE, but a library may be part of another program. Where the kernel can't keep it
//! away, the signal is blocked in this thread meanwhile, and taken away if it came.
#![expect(unsafe_code, reason = "rustix has no masks of signals")]

use crate::sys::quiet;
use rustix::io::{Errno, Result};
use std::{mem::MaybeUninit, os::fd::AsFd, ptr};

/// Writes as `write` does; `EPIPE` comes without a signal.
pub(crate) fn write(pipe: impl AsFd, bytes: &[u8]) -> Result<usize> {
    match quiet::write(&pipe, bytes) {
        Some(result) => result,
        None => blocked(|| rustix::io::write(&pipe, bytes)),
    }
}

/// Runs `write` while SIGPIPE is blocked in this thread. One that was pending before stays so.
fn blocked(write: impl FnOnce() -> Result<usize>) -> Result<usize> {
    let pipe = signal_set();
    let mut before = MaybeUninit::uninit();
    let was_pending = is_pending();
    // SAFETY: both sets are valid, and the call writes the second one.
    let code =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, before.as_mut_ptr()) };
    if code != 0 {
        return Err(Errno::from_raw_os_error(code));
    }
    let result = write();
    if result == Err(Errno::PIPE) && !was_pending {
        quiet::take_pending(&pipe);
    }
    // SAFETY: `before` was written by the call above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    result
}

fn is_pending() -> bool {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: the call writes the set, which is only looked at where it did.
    unsafe {
        libc::sigpending(pending.as_mut_ptr()) == 0
            && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1
    }
}

fn signal_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the first call makes the set an empty one, the second adds to it; neither can fail for a
    // signal that exists.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;

    /// With the signal's usual action, which ends the process.
    #[test]
    fn a_reader_that_is_gone_is_an_error_and_no_signal() {
        // SAFETY: the action is one that exists. Other tests of this process write to no pipe.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(write(&writer, b"lost"), Err(Errno::PIPE));
        assert_eq!(blocked(|| rustix::io::write(&writer, b"lost")), Err(Errno::PIPE));
        assert!(!is_pending());
        // SAFETY: as above: what std had set.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    }
}
