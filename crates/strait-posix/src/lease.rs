//! Locks on a file that the kernel releases when their holder dies.
//!
//! They are open file description locks (fcntl(2), `F_OFD_SETLK`), each on a byte of its own. Unlike
//! the older record locks they belong to the open file, not to the process: closing another
//! descriptor of the same file doesn't release them. A forked child shares its parent's.
#![expect(unsafe_code, reason = "rustix has no open file description locks")]

use std::{
    io::{Error, ErrorKind, Result},
    os::fd::{AsFd, AsRawFd},
};

/// What a lock stands for: the byte that it is on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lease {
    /// The creator lives. Held exclusively.
    Creator,
    /// Somebody is attached. Held shared by each; exclusively by who removes the last trace.
    Attached,
    /// The name is being removed. Held exclusively.
    Removal,
    /// The process in this seat lives. Held exclusively, by a descriptor that is for it alone.
    Seat(u32),
    /// The name is about to be created. Held exclusively.
    Claim,
}

/// Whether others may hold the lock too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hold {
    /// Others may hold it shared too.
    Shared,
    /// Nobody else may hold it. Needs a descriptor that can write.
    Exclusive,
}

impl Lease {
    /// Takes the lock, or changes how it is held, if others permit it; doesn't wait.
    pub(crate) fn try_take(self, file: impl AsFd, hold: Hold) -> Result<bool> {
        let kind = match hold {
            Hold::Shared => libc::F_RDLCK,
            Hold::Exclusive => libc::F_WRLCK,
        };
        match control(file, libc::F_OFD_SETLK, self.record(kind)) {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the lock exclusively, as soon as nobody else holds it.
    pub(crate) fn wait_and_take(self, file: impl AsFd) -> Result<()> {
        control(file, libc::F_OFD_SETLKW, self.record(libc::F_WRLCK)).map(drop)
    }

    /// Gives the lock back.
    pub(crate) fn release(self, file: impl AsFd) -> Result<()> {
        control(file, libc::F_OFD_SETLK, self.record(libc::F_UNLCK)).map(drop)
    }

    /// How others hold the lock, if any does.
    pub(crate) fn holder(self, file: impl AsFd) -> Result<Option<Hold>> {
        let found = control(file, libc::F_OFD_GETLK, self.record(libc::F_WRLCK))?;
        Ok(match i32::from(found.l_type) {
            libc::F_UNLCK => None,
            libc::F_RDLCK => Some(Hold::Shared),
            _ => Some(Hold::Exclusive),
        })
    }

    fn byte(self) -> u32 {
        // Seats last, as there are many. Bytes needn't exist to be locked.
        const FIRST_SEAT: u32 = 1024;
        match self {
            Self::Creator => 0,
            Self::Attached => 1,
            Self::Removal => 2,
            Self::Claim => 3,
            Self::Seat(number) => FIRST_SEAT + number,
        }
    }

    fn record(self, kind: i32) -> libc::flock {
        // SAFETY: a `flock` is integers, for which zeros are valid; systems differ in their number.
        let mut record: libc::flock = unsafe { std::mem::zeroed() };
        record.l_type = kind as _;
        record.l_whence = libc::SEEK_SET as _;
        record.l_start = self.byte() as _;
        record.l_len = 1;
        record
    }
}

fn control(file: impl AsFd, command: i32, mut record: libc::flock) -> Result<libc::flock> {
    loop {
        // SAFETY: the descriptor is open while it is borrowed; the commands take a pointer to a
        // `flock`, read it and write to it, and keep nothing.
        let code = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), command, &raw mut record) };
        match Error::last_os_error() {
            _ if code != -1 => return Ok(record),
            error if error.kind() == ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

fn is_conflict(error: &Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES))
}
