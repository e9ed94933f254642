//! Handles.

use super::Native;
use crate::{cancel::CancelToken, endpoint::Handle, signals::Signals};
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};

impl AsHandle for Handle<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

/// Any handle can be handed over.
impl From<OwnedHandle> for Handle<Native> {
    fn from(handle: OwnedHandle) -> Self {
        Self::from_backend(handle.into())
    }
}

impl From<Handle<Native>> for OwnedHandle {
    fn from(handle: Handle<Native>) -> Self {
        handle.into_backend().into()
    }
}

/// Signalled from the moment of its cancellation on.
impl AsHandle for CancelToken<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

/// Signalled when a signal has come, until `try_recv` says `WouldBlock`.
impl AsHandle for Signals<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}
