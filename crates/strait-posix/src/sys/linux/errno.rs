//! The number of the last error, which a signal handler has to leave as it was.
#![expect(unsafe_code, reason = "std doesn't set it")]

/// Runs something that may change it, and sets it back.
pub(crate) fn kept<R>(run: impl FnOnce() -> R) -> R {
    // SAFETY: the place is this thread's own, and lives as long as it.
    let before = unsafe { *libc::__errno_location() };
    let result = run();
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = before };
    result
}
