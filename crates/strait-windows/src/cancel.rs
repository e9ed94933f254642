//! Ending waits before their time, by an event that stays signalled.

use crate::{object, wait};
use std::{
    any::Any,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::atomic::{AtomicBool, Ordering},
};
use strait_core::{Cancel, Deadline, Error, Result};

/// What ends waits before their time. Its handle is signalled from then on.
#[derive(Debug)]
pub struct WindowsCancel {
    /// So that nobody has to ask the system.
    cancelled: AtomicBool,
    event: OwnedHandle,
}

impl WindowsCancel {
    /// The one that a deadline carries, if it is of this kind.
    pub(crate) fn of<'a>(deadline: Deadline<'a>) -> Option<&'a Self> {
        deadline.cancel()?.as_any().downcast_ref()
    }
}

impl Cancel for WindowsCancel {
    fn new() -> Result<Self> {
        let event =
            object::event().map_err(|error| Error::os("make a cancellation token", error))?;
        Ok(Self { cancelled: AtomicBool::new(false), event })
    }

    fn cancel(&self) {
        if !self.cancelled.swap(true, Ordering::AcqRel) {
            object::set(&self.event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        let failed = |error| Error::os("wait for a cancellation", error);
        Ok(self.is_cancelled() || wait::one(&self.event, deadline).map_err(failed)?)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl AsHandle for WindowsCancel {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}
