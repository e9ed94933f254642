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
    /// Notices nothing yet.
    pub(crate) fn new() -> Result<Self> {
        init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map(Self)
    }

    /// Notices files that appear in a directory from now on, and that it is removed: then what comes in its
    /// place is another one to notice. It can be said again of the same.
    pub(crate) fn add_directory(&self, directory: &Path) -> Result<()> {
        let appears = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        let vanishes = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        add_watch(&self.0, directory, appears | vanishes).map(drop)
    }

    /// Notices that somebody opens a named pipe, or that its name is removed.
    ///
    /// An `open` that waits for the other side isn't noticed before it has come.
    pub(crate) fn of_pipe(path: &Path) -> Result<Self> {
        let watch = Self::new()?;
        add_watch(&watch.0, path, WatchFlags::OPEN | WatchFlags::ATTRIB)?;
        Ok(watch)
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
