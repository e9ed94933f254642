//! Seats at shared memory: a lock for each, which the kernel releases when its holder ends.
//!
//! Each is held by an open file description of its own, which no other program gets, as it is closed on exec:
//! then the kernel frees the seat too, although the process lives on. Nor does a forked child. Where the lock
//! is, is in `sys/*/seat.rs`.

use crate::{fork::Own, sys::seat};
use std::{io, os::fd::AsFd};

/// A seat that this process has taken.
#[derive(Debug)]
pub struct PosixSeat {
    file: Own,
    taken: seat::Taken,
}

impl PosixSeat {
    /// Takes the seat with this number, if nobody has it.
    pub(crate) fn take(file: impl AsFd, number: u32) -> io::Result<Option<Self>> {
        Ok(seat::take(file, number)?.map(|(file, taken)| Self { file: Own::new(file), taken }))
    }

    /// Whether somebody has the seat with this number. `file` holds no seat itself.
    pub(crate) fn is_taken(file: impl AsFd, number: u32) -> io::Result<bool> {
        seat::is_taken(file, number)
    }
}

impl Drop for PosixSeat {
    fn drop(&mut self) {
        if let Some(file) = self.file.get() {
            self.taken.free(file);
        }
    }
}
