//! Refusing descriptors that peers would send along.
#![expect(unsafe_code, reason = "neither rustix nor libc has this option yet")]

use std::os::fd::{AsFd, AsRawFd};

/// Has the kernel refuse, from here on, to send descriptors to this socket, where it can: since Linux 6.16.
/// Others still are closed as they come.
pub(crate) fn refuse_descriptors(socket: impl AsFd) {
    let none: libc::c_int = 0;
    // SAFETY: the descriptor is open while it is borrowed; the option is an integer of this size. A kernel
    // that doesn't know it says so and does nothing.
    let _unsupported = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            SO_PASSRIGHTS,
            (&raw const none).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
}

/// Of asm/socket.h.
const SO_PASSRIGHTS: libc::c_int =
    if cfg!(any(target_arch = "sparc", target_arch = "sparc64")) { 0x5c } else { 83 };
