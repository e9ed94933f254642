//! What the kernel says of a signal by its code: little, on this system.

use libc::c_int;

/// Whether a process sent it: of a SIGBUS, about which this is asked, the kernel says the same either way. It
/// is taken for a fault, which it nearly always is.
pub(crate) fn was_sent(_code: c_int) -> bool {
    false
}

/// Whether the kernel tells of a signal with this code which process sent it. It writes 0 where it doesn't know.
pub(crate) fn has_sender(_code: c_int) -> bool {
    true
}

/// Whether a SIGBUS with this code is that of a page which its file hasn't got. All have the same; the address
/// tells.
pub(crate) fn is_missing_page(_code: c_int) -> bool {
    true
}
