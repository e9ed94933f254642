//! What comes along with the bytes of a message.
#![expect(unsafe_code, reason = "libc computes sizes by functions that are marked unsafe")]

use libc::c_int;
use rustix::io::{FdFlags, fcntl_setfd};
use std::os::fd::{OwnedFd, RawFd};

/// As many descriptors are sent at once, as on other systems.
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// How a message is received: without waiting.
pub(crate) const FLAGS: c_int = libc::MSG_DONTWAIT;

/// Room for all descriptors that a peer can send at once, which are as many as fit 2048 bytes. There has to be
/// always: the kernel opens them all for this process, and those without room would stay.
// SAFETY: it computes.
pub(crate) const FOR_HANDLES: usize =
    unsafe { libc::CMSG_SPACE((512 * size_of::<RawFd>()) as u32) } as usize;

/// The same where none are wanted: they are closed as they come.
pub(crate) const FOR_NOTHING: usize = FOR_HANDLES;

/// Looks at what came and isn't descriptors; the kernel doesn't say who sent a message.
///
/// # Safety
///
/// None is needed here.
pub(crate) unsafe fn other(_kind: c_int, _data: *const u8) -> bool {
    false
}

/// A descriptor that has come, closed on exec: from now on, and not from its first moment, as elsewhere.
pub(crate) fn came(descriptor: OwnedFd) -> OwnedFd {
    // It can't fail for a descriptor that is open.
    let _ = fcntl_setfd(&descriptor, FdFlags::CLOEXEC);
    descriptor
}
