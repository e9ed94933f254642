//! Noticing that something in a directory has changed.

use crate::poll;
use rustix::{
    fs::inotify::{CreateFlags, WatchFlags, add_watch, init},
    io::Result,
};
use std::{os::fd::OwnedFd, path::Path};
use strait_core::Deadline;

/// Notices files that appear in a directory.
pub(crate) struct Watch(OwnedFd);

impl Watch {
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let queue = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        add_watch(&queue, directory, WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
        Ok(Self(queue))
    }

    /// Waits until something has appeared since the last call, or the deadline: `false`.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        let appeared = poll::readable(&self.0, deadline)?;
        let mut events = [0_u8; 4096];
        while rustix::io::read(&self.0, &mut events[..]).is_ok() {}
        Ok(appeared)
    }
}
