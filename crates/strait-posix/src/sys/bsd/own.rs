//! The directory in which a user has what no other may touch, at the same place for all of its processes.

use crate::sys::shm;
use rustix::{
    fs::{self, Mode, OFlags},
    io::{Errno, Result},
};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Makes it if there is none, checks that it is this user's alone, and opens it.
pub(crate) fn directory() -> Result<OwnedFd> {
    let path = path();
    loop {
        match fs::mkdir(&path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::open(&path, flags, Mode::empty()) {
            // Somebody has removed it just now.
            Err(Errno::NOENT) => {}
            directory => return check(directory?),
        }
    }
}

pub(crate) fn path() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    Path::new(shm::DIRECTORY).join(format!(".strait-{user}"))
}

fn check(directory: OwnedFd) -> Result<OwnedFd> {
    let stat = fs::fstat(&directory)?;
    let of_others = Mode::RWXG | Mode::RWXO;
    match stat.st_uid == rustix::process::geteuid().as_raw()
        && !Mode::from_raw_mode(stat.st_mode).intersects(of_others)
    {
        true => Ok(directory),
        false => Err(Errno::ACCESS),
    }
}
