//! Noticing that something in a directory has changed.

use super::queue::Queue;
use crate::poll;
use rustix::{
    fs::{self, Mode, OFlags},
    io::Result,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use strait_core::Deadline;

/// Notices what happens to a directory.
#[derive(Debug)]
pub(crate) struct Watch {
    queue: Queue,
    /// The one that is watched, by a descriptor.
    directory: Mutex<Option<OwnedFd>>,
}

impl Watch {
    /// Notices nothing yet.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { queue: Queue::new()?, directory: Mutex::new(None) })
    }

    /// Notices files that appear in a directory from now on, and that it is removed: then what comes in its
    /// place is another one to notice. It can be said again of the same.
    pub(crate) fn add_directory(&self, directory: &Path) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = fs::open(directory, flags, Mode::empty())?;
        let stat = fs::fstat(&opened)?;
        let mut watched = self.directory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = &*watched {
            let earlier = fs::fstat(directory)?;
            if (earlier.st_dev, earlier.st_ino) == (stat.st_dev, stat.st_ino) {
                return Ok(());
            }
        }
        self.queue.add_directory(&opened)?;
        *watched = Some(opened);
        Ok(())
    }

    /// Waits until something may have happened since the last call, or the deadline: `false`.
    ///
    /// Of what nobody tells, as that a listener's queue has room again, the caller learns by looking now and
    /// then: so this doesn't take long.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        let appeared = poll::readable(&self.queue, deadline.within(LOOK_EVERY))?;
        self.take();
        Ok(appeared || !deadline.has_passed())
    }

    /// Whether something has happened since the last call.
    pub(crate) fn take(&self) -> bool {
        self.queue.take()
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}
