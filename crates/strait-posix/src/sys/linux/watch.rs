//! Noticing that something in a directory, or who has a named pipe open, has changed.

use crate::poll;
use rustix::{
    fs::inotify::{CreateFlags, WatchFlags, add_watch, init},
    io::Result,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};
use strait_core::Deadline;

/// Notices what happens to a file or a directory.
#[derive(Debug)]
pub(crate) struct Watch(OwnedFd);

impl Watch {
    /// Notices files that appear in a directory.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        Self::of(directory, WatchFlags::CREATE | WatchFlags::MOVED_TO)
    }

    /// Notices that somebody opens a named pipe, or that its name is removed.
    ///
    /// An `open` that waits for the other side isn't noticed before it has come.
    pub(crate) fn of_pipe(path: &Path) -> Result<Self> {
        Self::of(path, WatchFlags::OPEN | WatchFlags::ATTRIB)
    }

    fn of(path: &Path, what: WatchFlags) -> Result<Self> {
        let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        add_watch(&queue, path, what)?;
        Ok(Self(queue))
    }

    /// Waits until something has happened since the last call, or the deadline: `false`.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        let appeared = poll::readable(&self.0, deadline)?;
        self.take();
        Ok(appeared)
    }

    /// Whether something has happened since the last call.
    pub(crate) fn take(&self) -> bool {
        let mut events = [0_u8; 4096];
        let mut any = false;
        while rustix::io::read(&self.0, &mut events[..]).is_ok() {
            any = true;
        }
        any
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
