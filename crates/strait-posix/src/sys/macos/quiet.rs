//! Writing to a pipe without SIGPIPE, and taking that signal away.
#![expect(
    unsafe_code,
    reason = "rustix has neither masks of signals nor this option of descriptors"
)]

use rustix::io::{self, Result};
use std::{
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd},
};

/// Writes without the signal, which the kernel sends to the process, and not to the thread that writes: so
/// masking it here wouldn't help. The description raises none from then on. `None` where that isn't to be had.
pub(crate) fn write(pipe: impl AsFd, bytes: &[u8]) -> Option<Result<usize>> {
    let raw = pipe.as_fd().as_raw_fd();
    // SAFETY: the descriptor is open while it is borrowed; the command takes a number.
    let code = unsafe { libc::fcntl(raw, libc::F_SETNOSIGPIPE, 1) };
    (code != -1).then(|| io::write(pipe, bytes))
}

/// Takes a signal of the set away, if one is pending for this thread.
pub(crate) fn take_pending(set: &libc::sigset_t) {
    let mut pending = MaybeUninit::uninit();
    let mut taken = 0;
    // SAFETY: the sets are valid where they are read; where the signal is pending and blocked in this thread,
    // `sigwait` doesn't wait.
    unsafe {
        if libc::sigpending(pending.as_mut_ptr()) == 0
            && libc::sigismember(pending.as_ptr(), libc::SIGPIPE) == 1
        {
            libc::sigwait(set, &raw mut taken);
        }
    }
}
