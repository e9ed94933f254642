//! Seats at shared memory: a lock for each, which the kernel releases when its holder ends.
//!
//! The locks are on bytes of the file that is mapped, past anything it contains, so that they mean the
//! same in every PID namespace. Each is held by an open file description of its own, which no other
//! program gets, as it is closed on exec: then the kernel frees the seat too, although the process lives
//! on. Nor does a forked child.

use crate::{
    fork::Own,
    lease::{Hold, Lease},
};
use rustix::fs::{self, Mode, OFlags};
use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

/// A seat that this process has taken.
#[derive(Debug)]
pub struct PosixSeat {
    file: Own,
    number: u32,
}

impl PosixSeat {
    /// Takes the seat with this number, if nobody has it.
    pub(crate) fn take(file: impl AsFd, number: u32) -> io::Result<Option<Self>> {
        let file = opened_again(file)?;
        let taken = Lease::Seat(number).try_take(&file, Hold::Exclusive)?;
        Ok(taken.then(|| Self { file: Own::new(file), number }))
    }

    /// Whether somebody has the seat with this number. `file` holds no seat itself.
    pub(crate) fn is_taken(file: impl AsFd, number: u32) -> io::Result<bool> {
        Ok(Lease::Seat(number).holder(file)?.is_some())
    }
}

impl Drop for PosixSeat {
    fn drop(&mut self) {
        // Closing alone would leave it taken as long as somebody else has the description.
        if let Some(file) = self.file.get() {
            let _ = Lease::Seat(self.number).release(file);
        }
    }
}

/// A new open file description of the same file, whatever has become of its name.
fn opened_again(file: impl AsFd) -> io::Result<OwnedFd> {
    let itself = format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd());
    Ok(fs::open(itself, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}
