//! Pipes with a name.

use super::watch::Watch;
use rustix::{
    fs::{self, CWD, FileType, Mode, OFlags, Stat},
    io::{Errno, Result},
};
use std::{
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
};

/// Makes one, which only this user can open.
pub(crate) fn make(path: &Path) -> Result<()> {
    let mode = Mode::RUSR | Mode::WUSR;
    fs::mknodat(CWD, path, FileType::Fifo, mode, 0)
        // After the fact, because of the umask.
        .and_then(|()| fs::chmod(path, mode))
}

/// What was found under a name: a descriptor that only stands for it.
#[derive(Debug)]
pub(crate) struct Found {
    itself: OwnedFd,
}

impl Found {
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self { itself: fs::open(path, flags, Mode::empty())? })
    }

    pub(crate) fn stat(&self) -> Result<Stat> {
        fs::fstat(&self.itself)
    }

    /// Opens that very one, wherever its name leads to by now; the end doesn't block.
    pub(crate) fn open(&self, how: OFlags) -> Result<OwnedFd> {
        fs::open(self.path(), how | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
    }

    /// Whether it still has a name.
    pub(crate) fn is_linked(&self) -> Result<bool> {
        Ok(self.stat()?.st_nlink > 0)
    }

    /// What notices that somebody opens it; `None` where there is no room for one.
    pub(crate) fn watch(&self) -> Result<Option<Watch>> {
        match Watch::of_pipe(Path::new(&self.path())) {
            Ok(watch) => Ok(Some(watch)),
            // This user has no more of them, who may have plenty of descriptors.
            Err(Errno::MFILE | Errno::NFILE | Errno::NOSPC) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.itself.as_raw_fd())
    }
}
