//! Writing to a pipe without SIGPIPE, and taking that signal away.
#![expect(unsafe_code, reason = "rustix has no masks of signals")]

use rustix::io::{Errno, ReadWriteFlags, Result, pwritev2};
use std::{
    io::IoSlice,
    os::fd::AsFd,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
};

/// Writes where the kernel can do it without the signal: since Linux 6.18. `None` where it can't.
pub(crate) fn write(pipe: impl AsFd, bytes: &[u8]) -> Option<Result<usize>> {
    static FLAG_IS_UNKNOWN: AtomicBool = AtomicBool::new(false);
    if FLAG_IS_UNKNOWN.load(Ordering::Relaxed) {
        return None;
    }
    match pwritev2(&pipe, &[IoSlice::new(bytes)], HERE, NO_SIGNAL) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {
            FLAG_IS_UNKNOWN.store(true, Ordering::Relaxed);
            None
        }
        result => Some(result),
    }
}

/// `RWF_NOSIGNAL` of linux/fs.h.
const NO_SIGNAL: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x100);

/// The place at which what has no places is written: -1, by preadv2(2).
const HERE: u64 = u64::MAX;

/// Takes a signal of the set away, if one is pending.
pub(crate) fn take_pending(set: &libc::sigset_t) {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set and the time are valid; what the signal carries isn't asked for.
    while unsafe { libc::sigtimedwait(set, ptr::null_mut(), &raw const now) } == -1
        && std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR)
    {}
}
