//! Pipes with a name.

use super::watch::Watch;
use crate::sys::raw;
use rustix::{
    fs::{self, Mode, OFlags, Stat},
    io::{Errno, Result},
};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// Makes one, which only this user can open.
pub(crate) fn make(path: &Path) -> Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    raw::make_fifo(path, mode)
        // After the fact, because of the umask.
        .and_then(|()| fs::chmod(path, mode))
}

/// What was found under a name: where, and which one it was. A descriptor that only stands for it there is
/// not on every system.
pub(crate) struct Found {
    path: PathBuf,
    stat: Stat,
}

impl Found {
    pub(crate) fn at(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), stat: fs::lstat(path)? })
    }

    pub(crate) fn stat(&self) -> Result<Stat> {
        Ok(self.stat)
    }

    /// Opens that very one; the end doesn't block. Where another one has got the name, it is as if nobody read
    /// this one. (Who had waited in `open` for a reader of that other one has been let in by then.)
    pub(crate) fn open(&self, how: OFlags) -> Result<OwnedFd> {
        let flags = how | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let end = fs::open(&self.path, flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => Errno::NXIO,
            errno => errno,
        })?;
        match self.is(&fs::fstat(&end)?) {
            true => Ok(end),
            false => Err(Errno::NXIO),
        }
    }

    /// Whether it still has its name.
    pub(crate) fn is_linked(&self) -> Result<bool> {
        match fs::lstat(&self.path) {
            Ok(stat) => Ok(self.is(&stat)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Nothing notices that somebody opens it, on both systems.
    pub(crate) fn watch(&self) -> Result<Option<Watch>> {
        Ok(None)
    }

    fn is(&self, stat: &Stat) -> bool {
        (stat.st_dev, stat.st_ino) == (self.stat.st_dev, self.stat.st_ino)
    }
}
