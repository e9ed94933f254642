//! Handles.

use super::Native;
use crate::{
    Error, Result,
    cancel::CancelToken,
    endpoint::Handle,
    pipe::{PipeReader, PipeWriter},
    process::Process,
    signals::Signals,
};
use std::{
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    process::Stdio,
};

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

impl Process<Native> {
    /// Sends Ctrl-Break to a group of processes that share the console of this one, whether they use strait or not:
    /// to this process and what it has started, where it was started with `CREATE_NEW_PROCESS_GROUP`
    /// (`creation_flags` of std's `CommandExt`). With strait it arrives as [`Signal::Quit`](crate::Signal::Quit),
    /// from nobody. It ends those that don't handle it.
    ///
    /// That this process leads a group is the caller's to know: where it doesn't, the system sends to everybody who
    /// shares the console, and so to the calling process. No other event reaches a group only: the system
    /// doesn't limit Ctrl-C to one.
    ///
    /// # Errors
    ///
    /// `NotFound`, where it has ended; `InvalidInput`, where it doesn't share the console of the calling process, or
    /// that has none.
    pub fn send_break_to_group(&self) -> Result<()> {
        Native::send_break_to_group(&self.identity())
    }
}

macro_rules! pipe_end {
    ($end:ident) => {
        /// An overlapped one, with which other programs can do one thing at a time: the input or output of a child,
        /// say. Of the reader of a named pipe, `InvalidInput` where several writers have it open.
        impl TryFrom<$end<Native>> for OwnedHandle {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                end.into_backend().try_into()
            }
        }

        /// Where it is the right end of a pipe, with a name or without, and overlapped: operations of others can't
        /// end at a deadline.
        impl TryFrom<OwnedHandle> for $end<Native> {
            type Error = Error;

            fn try_from(end: OwnedHandle) -> Result<Self> {
                Ok(Self::from_backend(end.try_into()?))
            }
        }

        /// For a child's input or output.
        impl TryFrom<$end<Native>> for Stdio {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                Ok(OwnedHandle::try_from(end)?.into())
            }
        }
    };
}

pipe_end!(PipeReader);
pipe_end!(PipeWriter);
