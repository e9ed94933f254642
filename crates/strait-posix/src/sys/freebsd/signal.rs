//! What the kernel says of a signal by its code.

use libc::c_int;

/// Whether a process sent it, so that what its kind of signal says by an address isn't said.
pub(crate) fn was_sent(code: c_int) -> bool {
    has_sender(code)
}

/// Whether the kernel tells of a signal with this code which process sent it.
pub(crate) fn has_sender(code: c_int) -> bool {
    /// The codes of `kill`, `sigqueue` and `thr_kill`, of sys/signal.h.
    const SENT: [c_int; 3] = [0x10001, 0x10002, 0x10007];
    SENT.contains(&code)
}

/// Whether a SIGBUS with this code is that of a page which its file hasn't got.
pub(crate) fn is_missing_page(code: c_int) -> bool {
    matches!(code, libc::BUS_ADRERR | libc::BUS_OBJERR)
}
