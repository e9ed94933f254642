//! Writing to a pipe without SIGPIPE, and taking that signal away.
#![expect(unsafe_code, reason = "rustix has no masks of signals")]

use rustix::io::Result;
use std::{os::fd::AsFd, ptr};

/// The kernel can't write to a pipe without the signal.
pub(crate) fn write(_pipe: impl AsFd, _bytes: &[u8]) -> Option<Result<usize>> {
    None
}

/// Takes a signal of the set away, if one is pending.
pub(crate) fn take_pending(set: &libc::sigset_t) {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set and the time are valid; what the signal carries isn't asked for.
    while unsafe { libc::sigtimedwait(set, ptr::null_mut(), &raw const now) } == -1
        && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
    {}
}
