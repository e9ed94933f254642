//! Sleeping on a word: `os_sync_wait_on_address`, shared between processes, since macOS 14.4.
#![expect(unsafe_code, reason = "calls what neither std nor rustix has")]

use crate::poll;
use std::{io, sync::atomic::AtomicU32};
use strait_core::{Deadline, Error, Result, WaitOutcome};

pub(crate) fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
    let (address, size, flags) =
        (word.as_ptr().cast(), size_of::<u32>(), libc::OS_SYNC_WAIT_ON_ADDRESS_SHARED);
    let patience = poll::timeout(deadline).map(|left| {
        let (seconds, rest) = (left.tv_sec.unsigned_abs(), left.tv_nsec.unsigned_abs());
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    });
    // SAFETY: the word is mapped and aligned, as it is borrowed. The kernel compares it and changes nothing.
    let code = unsafe {
        match patience {
            None => libc::os_sync_wait_on_address(address, expected.into(), size, flags),
            Some(nanoseconds) => libc::os_sync_wait_on_address_with_timeout(
                address,
                expected.into(),
                size,
                flags,
                libc::OS_CLOCK_MACH_ABSOLUTE_TIME,
                // It takes 0 for a mistake.
                nanoseconds.max(1),
            ),
        }
    };
    if code >= 0 {
        return Ok(WaitOutcome::Woken);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        // A signal's handler ran, or the word's page had to be fetched first: look again.
        Some(libc::EINTR | libc::EAGAIN | libc::EFAULT) => Ok(WaitOutcome::Woken),
        // Only a look whether it was cancelled.
        Some(libc::ETIMEDOUT) if deadline.cancel().is_some() && !deadline.has_passed() => {
            Ok(WaitOutcome::Woken)
        }
        Some(libc::ETIMEDOUT) => Ok(WaitOutcome::TimedOut),
        _ => Err(Error::os("wait on a word of shared memory", error)),
    }
}

pub(crate) fn wake(word: &AtomicU32, how_many: u32) {
    let (address, size, flags) =
        (word.as_ptr().cast(), size_of::<u32>(), libc::OS_SYNC_WAKE_BY_ADDRESS_SHARED);
    // It fails where nobody sleeps there.
    // SAFETY: the word is mapped and aligned, as it is borrowed. The kernel doesn't touch it.
    unsafe {
        match how_many {
            1 => libc::os_sync_wake_by_address_any(address, size, flags),
            _ => libc::os_sync_wake_by_address_all(address, size, flags),
        }
    };
}
