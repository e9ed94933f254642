//! Sleeping on a word: _umtx_op(2), shared between processes, on the monotonic clock.
#![expect(unsafe_code, reason = "calls what neither std nor rustix has")]

use crate::poll;
use std::{io, ptr, sync::atomic::AtomicU32};
use strait_core::{Deadline, Error, Result, WaitOutcome};

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
    let timeout = poll::timeout(deadline).map(|left| libc::_umtx_time {
        _timeout: libc::timespec { tv_sec: left.tv_sec as _, tv_nsec: left.tv_nsec as _ },
        // From now on.
        _flags: 0,
        _clockid: libc::CLOCK_MONOTONIC as u32,
    });
    // The size of the time is said in place of an address, and so is that there is none.
    let (size, time) = match &timeout {
        Some(time) => (
            ptr::without_provenance_mut(size_of::<libc::_umtx_time>()),
            ptr::from_ref(time).cast_mut().cast(),
        ),
        None => (ptr::null_mut(), ptr::null_mut()),
    };
    // SAFETY: the word is mapped and aligned, as it is borrowed; the kernel compares it and changes nothing. The
    // time lives as long as the call, which reads it.
    let code = unsafe {
        let word = word.as_ptr().cast();
        libc::_umtx_op(word, libc::UMTX_OP_WAIT_UINT, expected.into(), size, time)
    };
    if code == 0 {
        // Woken, or the word had another value.
        return Ok(WaitOutcome::Woken);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // A signal's handler ran.
        Some(libc::EINTR) => Ok(WaitOutcome::Woken),
        // Only a look whether it was cancelled.
        Some(libc::ETIMEDOUT) if deadline.cancel().is_some() && !deadline.has_passed() => {
            Ok(WaitOutcome::Woken)
        }
        Some(libc::ETIMEDOUT) => Ok(WaitOutcome::TimedOut),
        _ => Err(Error::os("wait on a word of shared memory", error)),
    }
}

pub(crate) fn wake(word: &AtomicU32, how_many: u32) {
    // It fails only for addresses that aren't mapped or aligned, which a reference never is.
    // SAFETY: the word is borrowed, and the kernel doesn't touch it.
    unsafe {
        let word = word.as_ptr().cast();
        libc::_umtx_op(word, libc::UMTX_OP_WAKE, how_many.into(), ptr::null_mut(), ptr::null_mut());
    }
}
