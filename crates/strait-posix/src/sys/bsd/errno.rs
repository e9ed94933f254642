//! The number of the last error, which a signal handler has to leave as it was.
#![expect(unsafe_code, reason = "std doesn't set it")]

use crate::sys::raw::errno_place;

/// Runs something that may change it, and sets it back.
pub(crate) fn kept<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: the place is this thread's own, and lives as long as it.
    let before = unsafe { *errno_place() };
    let result = run();
    // SAFETY: as above.
    unsafe { *errno_place() = before };
    result
}
