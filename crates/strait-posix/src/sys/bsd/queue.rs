//! Queues of events: kqueue(2).
#![expect(unsafe_code, reason = "rustix leaves it to the caller that descriptors stay open")]

use rustix::{
    buffer::spare_capacity,
    event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, VnodeEvents, kevent, kqueue},
    io::{Errno, FdFlags, Result, fcntl_setfd},
    process::Pid,
};
use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    ptr::null_mut,
    time::Duration,
};

/// A queue, which is readable when something has happened. A forked child doesn't have it.
#[derive(Debug)]
pub(crate) struct Queue(OwnedFd);

impl Queue {
    pub(crate) fn new() -> Result<Self> {
        let queue = kqueue()?;
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        Ok(Self(queue))
    }

    /// Tells of the end of a process, once, also where it has ended but nobody has waited for it; fails with
    /// `SRCH` where there is none.
    pub(crate) fn add_process(&self, pid: Pid) -> Result<()> {
        let filter = EventFilter::Proc { pid, flags: ProcessEvents::EXIT };
        self.add(filter, EventFlags::ADD)
    }

    /// Tells of what happens to a directory, as long as that descriptor is open.
    pub(crate) fn add_directory(&self, directory: &OwnedFd) -> Result<()> {
        let flags = VnodeEvents::WRITE
            | VnodeEvents::EXTEND
            | VnodeEvents::LINK
            | VnodeEvents::DELETE
            | VnodeEvents::RENAME;
        let filter = EventFilter::Vnode { vnode: directory.as_raw_fd(), flags };
        // Each event is told once.
        self.add(filter, EventFlags::ADD | EventFlags::CLEAR)
    }

    /// Takes out what has happened; whether anything has.
    pub(crate) fn take(&self) -> bool {
        let mut events = Vec::with_capacity(16);
        let mut any = false;
        loop {
            events.clear();
            // SAFETY: nothing is added.
            let found =
                unsafe { kevent(&self.0, &[], spare_capacity(&mut events), Some(Duration::ZERO)) };
            match found {
                Ok(0) => return any,
                Ok(_) => any = true,
                Err(Errno::INTR) => {}
                Err(_) => return any,
            }
        }
    }

    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.0
    }

    fn add(&self, filter: EventFilter, flags: EventFlags) -> Result<()> {
        let change = [Event::new(filter, flags, null_mut())];
        let mut none: [Event; 0] = [];
        loop {
            // SAFETY: a descriptor among them is open, and the kernel forgets it where it is closed.
            match unsafe { kevent(&self.0, &change, &mut none[..], Some(Duration::ZERO)) } {
                Err(Errno::INTR) => {}
                result => return result.map(drop),
            }
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
