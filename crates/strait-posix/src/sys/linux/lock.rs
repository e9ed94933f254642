//! Locks of open files: open file description locks (fcntl(2), `F_OFD_SETLK`), each on a byte of its own.
#![expect(unsafe_code, reason = "rustix has no open file description locks")]

use crate::lease::Hold;
use std::{
    io::{Error, ErrorKind, Result},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

pub(crate) fn try_take(file: impl AsFd, byte: u32, hold: Hold) -> Result<bool> {
    let kind = match hold {
        Hold::Shared => libc::F_RDLCK,
        Hold::Exclusive => libc::F_WRLCK,
    };
    match control(file, libc::F_OFD_SETLK, record(byte, kind)) {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn wait_and_take(file: impl AsFd, byte: u32) -> Result<()> {
    control(file, libc::F_OFD_SETLKW, record(byte, libc::F_WRLCK)).map(drop)
}

pub(crate) fn release(file: impl AsFd, byte: u32) -> Result<()> {
    control(file, libc::F_OFD_SETLK, record(byte, libc::F_UNLCK)).map(drop)
}

pub(crate) fn holder(file: impl AsFd, byte: u32) -> Result<Option<Hold>> {
    let found = control(file, libc::F_OFD_GETLK, record(byte, libc::F_WRLCK))?;
    Ok(match i32::from(found.l_type) {
        libc::F_UNLCK => None,
        libc::F_RDLCK => Some(Hold::Shared),
        _ => Some(Hold::Exclusive),
    })
}

/// The right to remove the name of a file: a lock on that very file. Dropping it gives it back.
pub(crate) struct Removal<'a>(&'a OwnedFd);

impl<'a> Removal<'a> {
    /// Takes it, if nobody else has it.
    pub(crate) fn try_take(file: &'a OwnedFd, _directory: &Path) -> Result<Option<Self>> {
        Ok(try_take(file, REMOVAL, Hold::Exclusive)?.then_some(Self(file)))
    }
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        // It can't fail for a lock that is held.
        let _ = release(self.0, REMOVAL);
    }
}

const REMOVAL: u32 = 2;

fn record(byte: u32, kind: i32) -> libc::flock {
    // SAFETY: a `flock` is integers, for which zeros are valid; systems differ in their number.
    let mut record: libc::flock = unsafe { std::mem::zeroed() };
    record.l_type = kind as _;
    record.l_whence = libc::SEEK_SET as _;
    record.l_start = byte as _;
    record.l_len = 1;
    record
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
