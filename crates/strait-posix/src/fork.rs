//! Noticing forks.
#![expect(unsafe_code, reason = "std has no hooks for forks")]

use std::io;
use strait_core::{Error, ForkHooks, Result};

/// Calls made by `fork` itself, for ever: pthread_atfork(3). A `clone` that bypasses the library goes
/// unnoticed.
pub(crate) fn watch(hooks: ForkHooks) -> Result<()> {
    let (before, parent, child) = (hooks.before, hooks.in_parent, hooks.in_child);
    // SAFETY: the functions are safe to call, at any time, as they are no closures of anything.
    match unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) } {
        0 => Ok(()),
        code => Err(Error::os("watch for forks", io::Error::from_raw_os_error(code))),
    }
}
