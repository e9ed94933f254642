//! What comes along with the bytes of a message.
#![expect(unsafe_code, reason = "libc computes sizes by functions that are marked unsafe")]

use libc::c_int;
use std::os::fd::{OwnedFd, RawFd};

/// As many descriptors are sent at once, as on other systems.
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// How a message is received: without waiting, and descriptors so that no child gets them.
pub(crate) const FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;

/// Room for all descriptors that a peer can send at once, which are as many as fit 2048 bytes: so none are
/// opened for this process without being told.
// SAFETY: it computes.
pub(crate) const FOR_HANDLES: usize =
    unsafe { libc::CMSG_SPACE((512 * size_of::<RawFd>()) as u32) } as usize;

/// The same where none are wanted: they are closed as they come.
pub(crate) const FOR_NOTHING: usize = FOR_HANDLES;

/// Looks at what came and isn't descriptors; nobody asks the kernel to say who sent a message.
///
/// # Safety
///
/// None is needed here.
pub(crate) unsafe fn other(_kind: c_int, _data: *const u8) -> bool {
    false
}

/// A descriptor that has come, closed on exec.
pub(crate) fn came(descriptor: OwnedFd) -> OwnedFd {
    descriptor
}
