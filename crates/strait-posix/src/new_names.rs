//! Noticing that somebody may have begun to listen, for event loops.

use crate::{
    rendezvous::{CONNECT, Directory},
    sys::watch::Watch,
};
use std::os::fd::{AsFd, BorrowedFd};
use strait_core::{Error, Result};

/// Notices names that appear among this user's: its descriptor is readable when one has.
#[derive(Debug)]
pub struct NewNames {
    directory: Directory,
    watch: Watch,
}

impl NewNames {
    /// Notices those from now on.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn new() -> Result<Self> {
        let directory = Directory::open(CONNECT)?;
        let watch = Watch::new().map_err(|errno| Error::os(CONNECT, errno))?;
        directory.watched_by(&watch, CONNECT)?;
        Ok(Self { directory, watch })
    }

    /// Whether one may have appeared since this was last asked; `None` where none has.
    ///
    /// # Errors
    ///
    /// `Os` and `PermissionDenied`, where their directory was removed and can't be made anew.
    pub fn take(&self) -> Result<Option<()>> {
        if !self.watch.take() {
            return Ok(None);
        }
        self.directory.watched_by(&self.watch, CONNECT).map(Some)
    }
}

impl AsFd for NewNames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}
