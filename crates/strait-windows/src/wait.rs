//! Waiting until one of several things is signalled: the one place where this backend sleeps.
#![expect(unsafe_code, reason = "calls the system")]

use crate::cancel::WindowsCancel;
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle},
    time::Duration,
};
use strait_core::Deadline;
use windows_sys::Win32::{
    Foundation::{HANDLE, WAIT_ABANDONED_0, WAIT_FAILED, WAIT_OBJECT_0, WAIT_TIMEOUT},
    System::Threading::{INFINITE, WaitForMultipleObjects},
};

/// As many things can be waited for at once: the system takes 64, and the last may be a cancellation.
pub(crate) const MOST: usize = 63;

/// Waits until one of `handles`, at most [`MOST`], is signalled, and returns which: the first of them, where
/// there are several. A mutex whose owner died counts as signalled, and is owned then. `None` where the deadline
/// passed first, or it was cancelled.
pub(crate) fn any(
    handles: &[BorrowedHandle<'_>],
    deadline: Deadline<'_>,
) -> io::Result<Option<usize>> {
    let mut raw: Vec<HANDLE> = handles.iter().map(AsRawHandle::as_raw_handle).collect();
    if let Some(cancel) = WindowsCancel::of(deadline) {
        raw.push(cancel.as_handle().as_raw_handle());
    }
    let count = raw.len() as u32;
    loop {
        let time = milliseconds(deadline.remaining());
        // SAFETY: the array has `count` handles, which are open as long as they are borrowed.
        let ended = unsafe { WaitForMultipleObjects(count, raw.as_ptr(), 0, time) };
        let index = match ended {
            WAIT_FAILED => return Err(io::Error::last_os_error()),
            WAIT_TIMEOUT if deadline.has_passed() => return Ok(None),
            // More time is left than the system can count.
            WAIT_TIMEOUT => continue,
            owned if owned >= WAIT_ABANDONED_0 => owned - WAIT_ABANDONED_0,
            signalled => signalled - WAIT_OBJECT_0,
        };
        // The last one may be the cancellation.
        return Ok(Some(index as usize).filter(|&index| index < handles.len()));
    }
}

/// Waits until `thing` is signalled; `false` where the deadline passed first, or it was cancelled.
pub(crate) fn one(thing: impl AsHandle, deadline: Deadline<'_>) -> io::Result<bool> {
    Ok(any(&[thing.as_handle()], deadline)?.is_some())
}

/// Rounded up, so that no wait is shorter than it should be. What is left after the longest that the system can
/// wait is waited for again.
pub(crate) fn milliseconds(left: Option<Duration>) -> u32 {
    const LONGEST: u32 = INFINITE - 1;
    let Some(left) = left else { return INFINITE };
    let rounded = left.as_nanos().div_ceil(1_000_000);
    u32::try_from(rounded).map_or(LONGEST, |time| time.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_shorter_than_its_deadline() {
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_nanos(1))), 1);
        assert_eq!(milliseconds(Some(Duration::from_millis(7))), 7);
        assert_eq!(milliseconds(Some(Duration::from_nanos(7_000_001))), 8);
    }

    #[test]
    fn only_the_wait_without_a_deadline_is_for_ever() {
        assert_eq!(milliseconds(None), INFINITE);
        for long in [u64::from(u32::MAX), u64::MAX / 2_000] {
            assert_eq!(milliseconds(Some(Duration::from_millis(long))), INFINITE - 1);
        }
    }
}
