//! Seats: locks on bytes of the file that is mapped, past anything it contains, so that they mean the same in
//! every PID namespace, and for every user who has the memory.

use super::lock;
use crate::lease::Hold;
use rustix::fs::{self, Mode, OFlags};
use std::{
    io,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

/// A seat that was taken.
#[derive(Debug)]
pub(crate) struct Taken(u32);

/// Takes the seat with this number, if nobody has it: by a descriptor that is for it alone.
pub(crate) fn take(file: impl AsFd, number: u32) -> io::Result<Option<(OwnedFd, Taken)>> {
    let file = opened_again(file)?;
    let taken = lock::try_take(&file, byte(number), Hold::Exclusive)?;
    Ok(taken.then_some((file, Taken(number))))
}

/// Whether somebody has it. `file` holds no seat itself.
pub(crate) fn is_taken(file: impl AsFd, number: u32) -> io::Result<bool> {
    Ok(lock::holder(file, byte(number))?.is_some())
}

impl Taken {
    /// Frees it: closing alone would leave it taken as long as somebody else has the description.
    pub(crate) fn free(&self, file: &OwnedFd) {
        let _ = lock::release(file, byte(self.0));
    }
}

/// Behind those of leases. Bytes needn't exist to be locked.
fn byte(number: u32) -> u32 {
    const FIRST_SEAT: u32 = 1024;
    FIRST_SEAT + number
}

/// A new open file description of the same file, whatever has become of its name.
fn opened_again(file: impl AsFd) -> io::Result<OwnedFd> {
    let itself = format!("/proc/thread-self/fd/{}", file.as_fd().as_raw_fd());
    Ok(fs::open(itself, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}
