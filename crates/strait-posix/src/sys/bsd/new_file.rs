//! Files that others find when they are complete.
//!
//! These systems have no files without a name that get one later. So a new file has a name that nobody asks
//! for, the one that it is to have and a number behind it, until it is linked. It is locked from its first moment
//! on; one that isn't is what a killed creator left, and goes with the next creation under the name.

use super::lock::{self, Removal};
use crate::lease::Hold;
use rustix::{
    fs::{self, FileType, Mode, OFlags},
    io::{Errno, Result},
};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use strait_core::Deadline;

/// A file that nobody looks for yet. It goes with its creator if it never gets its name.
pub(crate) struct New {
    file: OwnedFd,
    temporary: Temporary,
}

impl New {
    /// One that is to be at `path`.
    pub(crate) fn make(_directory: &Path, path: &Path) -> Result<Self> {
        // Nobody else makes or removes one meanwhile, so that none is seen that isn't locked yet.
        let _turn = turn()?;
        for number in 0..NUMBERS {
            let temporary = beside(path, number);
            let mut made = make(&temporary);
            if matches!(made, Err(Errno::EXIST)) && remove_abandoned(&temporary) {
                made = make(&temporary);
            }
            match made {
                Ok(file) => {
                    let temporary = Temporary(temporary);
                    lock::try_take(&file, 0, Hold::Exclusive).map_err(|error| raw(&error))?;
                    return Ok(Self { file, temporary });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::AGAIN)
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Gives it its name, unless that is taken: then it fails with `EXIST`.
    pub(crate) fn link(&self, path: &Path) -> Result<()> {
        fs::link(&self.temporary.0, path)
    }

    pub(crate) fn into_file(self) -> OwnedFd {
        self.file
    }
}

/// The name from before. Dropping it removes it.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is removed by the next who makes one.
        let _ = fs::unlink(&self.0);
    }
}

/// As many may be made at the same time under one name.
const NUMBERS: u32 = 64;

/// No name of shared memory, of a listener or of a claim ends like that.
fn beside(path: &Path, number: u32) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(format!("~{number}"));
    path.into()
}

fn make(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::open(path, flags, Mode::RUSR | Mode::WUSR)
}

/// Removes what a creator of this user left that doesn't live any more; whether it did.
fn remove_abandoned(path: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = fs::open(path, flags, Mode::empty()) else { return false };
    let is_own = fs::fstat(&file).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_uid == rustix::process::geteuid().as_raw()
    });
    is_own && matches!(lock::holder(&file, 0), Ok(None)) && fs::unlink(path).is_ok()
}

/// Whoever has it has it for a few system calls. One that is stopped in between holds up others.
fn turn() -> Result<Removal<'static>> {
    let deadline = Deadline::after(Duration::from_secs(1));
    loop {
        match Removal::try_take_any().map_err(|error| raw(&error))? {
            Some(turn) => return Ok(turn),
            None if deadline.has_passed() => return Err(Errno::AGAIN),
            None => thread::yield_now(),
        }
    }
}

fn raw(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
