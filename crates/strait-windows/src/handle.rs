//! Handles.

use crate::Windows;
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};
use strait_core::{Error, Handles, Result, Transfer};

impl Handles for Windows {
    type Handle = WindowsHandle;
}

/// A handle of anything, which no child inherits.
#[derive(Debug)]
pub struct WindowsHandle(OwnedHandle);

impl WindowsHandle {
    /// Another handle of the same open thing.
    pub(crate) fn duplicate(thing: impl AsHandle) -> Result<Self> {
        let copy = thing.as_handle().try_clone_to_owned();
        copy.map(Self).map_err(|error| Error::os(HAND_OVER, error))
    }
}

impl Transfer<Self> for WindowsHandle {
    fn to_handle(&self) -> Result<Self> {
        Self::duplicate(&self.0)
    }

    fn into_handle(self) -> Result<Self> {
        Ok(self)
    }

    fn from_handle(handle: Self) -> Result<Self> {
        Ok(handle)
    }
}

impl AsHandle for WindowsHandle {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

impl From<OwnedHandle> for WindowsHandle {
    fn from(handle: OwnedHandle) -> Self {
        Self(handle)
    }
}

impl From<WindowsHandle> for OwnedHandle {
    fn from(handle: WindowsHandle) -> Self {
        handle.0
    }
}

pub(crate) const HAND_OVER: &str = "hand over a handle";
