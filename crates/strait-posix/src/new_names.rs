//! Noticing that somebody may have begun to listen, for event loops.

use crate::{
    rendezvous::{CONNECT, Directory},
    sys::watch::Watch,
};
use std::os::fd::{AsFd, BorrowedFd};
use strait_core::{Error, Result};

/// Notices names that appear among this user's: its descriptor is readable when one has.
#[derive(Debug)]
pub struct NewNames(Watch);

impl NewNames {
    /// Notices those from now on.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn new() -> Result<Self> {
        let directory = Directory::open(CONNECT)?;
        let watch = Watch::new(directory.path()).map_err(|errno| Error::os(CONNECT, errno))?;
        Ok(Self(watch))
    }

    /// Whether one has appeared since this was last asked; `None` where none has.
    pub fn take(&self) -> Option<()> {
        self.0.take().then_some(())
    }
}

impl AsFd for NewNames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
