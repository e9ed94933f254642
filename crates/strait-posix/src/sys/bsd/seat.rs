//! Seats: locks on empty files in the directory of this user's own, whose names say which memory and which seat.
//!
//! So only processes of the user whose memory it is can take them: others are refused. A file goes when its seat
//! is freed; that of a killed process stays, empty, until somebody takes that seat.

use super::{lock, own};
use crate::lease::Hold;
use rustix::{
    fs::{self, Mode, OFlags},
    io::{Errno, Result},
};
use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
};

/// A seat that was taken: where its file is.
#[derive(Debug)]
pub(crate) struct Taken(PathBuf);

/// Takes the seat with this number, if nobody has it.
pub(crate) fn take(file: impl AsFd, number: u32) -> io::Result<Option<(OwnedFd, Taken)>> {
    // Made and checked by that.
    drop(own::directory()?);
    let path = path(file, number)?;
    loop {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let seat = fs::open(&path, flags, Mode::RUSR | Mode::WUSR)?;
        if !lock::try_take(&seat, 0, Hold::Exclusive)? {
            return Ok(None);
        }
        // Who had it may have removed its file in between: then there is another one, or none.
        if fs::fstat(&seat)?.st_nlink > 0 {
            return Ok(Some((seat, Taken(path))));
        }
    }
}

/// Whether somebody has it.
pub(crate) fn is_taken(file: impl AsFd, number: u32) -> io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::open(path(file, number)?, flags, Mode::empty()) {
        Ok(seat) => Ok(lock::holder(seat, 0)?.is_some()),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

impl Taken {
    /// Frees it. Its file goes first, while nobody else can have taken it.
    pub(crate) fn free(&self, file: &OwnedFd) {
        let _ = fs::unlink(&self.0);
        let _ = lock::release(file, 0);
    }
}

/// Where the file of a seat is. Memory that is gone may leave its number to another: a file that nobody has
/// locked means nothing.
fn path(file: impl AsFd, number: u32) -> Result<PathBuf> {
    let stat = fs::fstat(file)?;
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Errno::ACCESS);
    }
    Ok(own::path().join(format!("{:x}-{:x}-{number}~seat", stat.st_dev, stat.st_ino)))
}
