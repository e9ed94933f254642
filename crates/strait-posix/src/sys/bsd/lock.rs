//! Locks of open files: flock(2), which is on the whole file.
//!
//! FreeBSD has no locks of open files on bytes. So a file has one lock only, and what needs another has a file
//! of its own: the right to remove a name is a lock on this user's own directory, and seats are files there.
//!
//! Who holds a lock is looked up as record locks see it (fcntl(2), `F_GETLK`), which takes nothing: to these
//! the lock of an open file is that of somebody else, this process' own too. No record lock is ever taken.
#![expect(unsafe_code, reason = "rustix can't look up who holds a lock")]

use super::own;
use crate::lease::Hold;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use std::{
    io::{Error, ErrorKind, Result},
    marker::PhantomData,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

pub(crate) fn try_take(file: impl AsFd, _byte: u32, hold: Hold) -> Result<bool> {
    let operation = match hold {
        Hold::Shared => FlockOperation::NonBlockingLockShared,
        Hold::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    match repeated(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

pub(crate) fn wait_and_take(file: impl AsFd, _byte: u32) -> Result<()> {
    Ok(repeated(file, FlockOperation::LockExclusive)?)
}

pub(crate) fn release(file: impl AsFd, _byte: u32) -> Result<()> {
    Ok(repeated(file, FlockOperation::Unlock)?)
}

pub(crate) fn holder(file: impl AsFd, _byte: u32) -> Result<Option<Hold>> {
    // SAFETY: a `flock` is integers, for which zeros are valid: all of the file, from its beginning.
    let mut record: libc::flock = unsafe { std::mem::zeroed() };
    record.l_type = libc::F_WRLCK as _;
    record.l_whence = libc::SEEK_SET as _;
    loop {
        // SAFETY: the descriptor is open while it is borrowed; the command takes a pointer to a `flock`,
        // reads it and writes to it, and keeps nothing.
        let code = unsafe { libc::fcntl(file.as_fd().as_raw_fd(), libc::F_GETLK, &raw mut record) };
        match Error::last_os_error() {
            _ if code != -1 => break,
            error if error.kind() == ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
    Ok(match i32::from(record.l_type) {
        kind if kind == i32::from(libc::F_UNLCK) => None,
        kind if kind == i32::from(libc::F_RDLCK) => Some(Hold::Shared),
        _ => Some(Hold::Exclusive),
    })
}

/// The right to remove names of this user: a lock on this user's own directory. Dropping it gives it back.
pub(crate) struct Removal<'a> {
    directory: OwnedFd,
    /// It is taken for one file, though it is for all.
    file: PhantomData<&'a OwnedFd>,
}

impl<'a> Removal<'a> {
    /// Takes it, if nobody else has it.
    pub(crate) fn try_take(_file: &'a OwnedFd, _directory: &Path) -> Result<Option<Self>> {
        Self::try_take_any()
    }

    /// The same, for a file that isn't open.
    pub(crate) fn try_take_any() -> Result<Option<Self>> {
        let directory = own::directory()?;
        let taken = try_take(&directory, 0, Hold::Exclusive)?;
        Ok(taken.then_some(Self { directory, file: PhantomData }))
    }
}

impl Drop for Removal<'_> {
    fn drop(&mut self) {
        // Closing alone would leave it taken where a child that was just forked has the description.
        let _ = release(&self.directory, 0);
    }
}

fn repeated(file: impl AsFd, operation: FlockOperation) -> rustix::io::Result<()> {
    loop {
        match flock(&file, operation) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
