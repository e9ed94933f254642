//! What comes along with the bytes of a message.
#![expect(unsafe_code, reason = "takes the process of a peer, which may have no number here")]

use libc::c_int;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// As many descriptors the kernel passes at once: `SCM_MAX_FD`.
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// How a message is received: without waiting, and descriptors so that no child gets them.
pub(crate) const FLAGS: c_int = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;

/// Room for nothing: the kernel closes descriptors that come, before they are this process'.
pub(crate) const FOR_NOTHING: usize = 0;

/// Room for who sent it. There is none for more, where the kernel says that.
// SAFETY: it computes.
pub(crate) const FOR_SENDER: usize =
    unsafe { libc::CMSG_SPACE(size_of::<libc::ucred>() as u32) } as usize;

/// Room for that and all descriptors.
// SAFETY: it computes.
pub(crate) const FOR_HANDLES: usize = FOR_SENDER
    + unsafe { libc::CMSG_SPACE((MAX_DESCRIPTORS * size_of::<RawFd>()) as u32) } as usize;

/// Looks at what came and isn't descriptors; returns whether it says who sent the message.
///
/// # Safety
///
/// The kernel has just put a control message of this kind there, with this data.
pub(crate) unsafe fn other(kind: c_int, data: *const u8) -> bool {
    match kind {
        libc::SCM_CREDENTIALS => true,
        SCM_PIDFD => {
            // Who shares this socket may have asked for it.
            // SAFETY: the kernel has just opened it for this process, unless it is negative.
            unsafe {
                let number = data.cast::<RawFd>().read_unaligned();
                if number >= 0 {
                    drop(OwnedFd::from_raw_fd(number));
                }
            }
            false
        }
        _ => false,
    }
}

/// A descriptor that has come, closed on exec.
pub(crate) fn came(descriptor: OwnedFd) -> OwnedFd {
    descriptor
}

/// A descriptor of the sender's process, of linux/socket.h.
const SCM_PIDFD: c_int = 4;
