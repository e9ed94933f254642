//! What a signal does where nobody receives it.
//!
//! The system knows of no signals, so it is done by the hand of who sends it: that ends the process, with an exit
//! code which says what has ended it.
//!
//! | signal | exit code |
//! |---|---|
//! | `Interrupt` | 0xC000013A, `STATUS_CONTROL_C_EXIT`, as after a Ctrl-C |
//! | the others that end a process | 128 and the number of the signal, as shells have it: 143 of `Terminate` |
#![expect(unsafe_code, reason = "ends processes")]

use super::number;
use crate::{process::Process, wait};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle},
};
use strait_core::{Deadline, Error, ErrorKind, Result, Signal};
use windows_sys::Win32::{
    Foundation::{ERROR_ACCESS_DENIED, STATUS_CONTROL_C_EXIT},
    System::Threading::{GetCurrentProcess, TerminateProcess},
};

/// The signals that a process ignores when it begins: as every program in Rust does elsewhere.
pub(super) const IGNORED_AT_FIRST: u32 = number::bit(Signal::Pipe);

/// What a process ends with that is ended by a signal; `None` of those that end none.
pub(super) fn exit_code(signal: Signal) -> Option<u32> {
    match signal {
        Signal::WindowChange => None,
        Signal::Interrupt => Some(STATUS_CONTROL_C_EXIT as u32),
        _ => number::number(signal).map(|number| 128 + number),
    }
}

/// Ends a process, of which a handle is open that permits it.
pub(super) fn end(process: &Process, code: u32, operation: &'static str) -> Result<()> {
    terminate(process.as_handle(), code).map_err(|error| match error.raw_os_error() {
        // Who has the right is refused only where it is ending already.
        Some(number) if number == ERROR_ACCESS_DENIED as i32 => {
            Error::new(ErrorKind::NotFound, operation, "it has ended")
        }
        _ => Error::os(operation, error),
    })
}

/// Ends this process, if that is what the signal does by default; returns else, and where the system fails.
pub(super) fn end_this(signal: Signal) {
    let Some(code) = exit_code(signal) else { return };
    // SAFETY: the number that it returns stands for this process, always.
    let this = unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) };
    if terminate(this, code).is_ok() {
        // The system need not have ended this thread yet, and nothing is to be done any more.
        let _ = wait::one(this, Deadline::NEVER);
    }
}

fn terminate(process: BorrowedHandle<'_>, code: u32) -> io::Result<()> {
    // SAFETY: the handle is open while it is borrowed.
    match unsafe { TerminateProcess(process.as_raw_handle(), code) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_that_ends_a_process_has_an_exit_code_of_its_own() {
        let codes: Vec<u32> = Signal::ALL.into_iter().filter_map(exit_code).collect();
        assert_eq!(codes.len(), 10);
        for (index, code) in codes.iter().enumerate() {
            assert!(!codes[..index].contains(code), "{codes:?}");
        }
        assert_eq!(exit_code(Signal::Terminate), Some(143));
        assert_eq!(exit_code(Signal::WindowChange), None);
    }
}
