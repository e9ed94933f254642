//! Queues of events: kqueue(2).
#![expect(unsafe_code, reason = "rustix leaves it to the caller that descriptors stay open")]

use crate::fork;
use rustix::{
    buffer::spare_capacity,
    event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, VnodeEvents, kevent, kqueue},
    io::{Errno, FdFlags, Result, fcntl_setfd},
    process::Pid,
};
use std::{
    mem::ManuallyDrop,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    ptr::null_mut,
    time::Duration,
};

/// A queue, which is readable when something has happened.
#[derive(Debug)]
pub(crate) struct Queue {
    descriptor: ManuallyDrop<OwnedFd>,
    /// The process that has it, by the number of forks before it: a forked child doesn't have it, and its number
    /// there may be another file's.
    forks: u32,
}

impl Queue {
    pub(crate) fn new() -> Result<Self> {
        let queue = kqueue()?;
        fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
        Ok(Self { descriptor: ManuallyDrop::new(queue), forks: fork::count() })
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
            let found = unsafe {
                kevent(&*self.descriptor, &[], spare_capacity(&mut events), Some(Duration::ZERO))
            };
            match found {
                Ok(0) => return any,
                Ok(_) => any = true,
                Err(Errno::INTR) => {}
                Err(_) => return any,
            }
        }
    }

    pub(crate) fn into_descriptor(self) -> OwnedFd {
        let mut queue = ManuallyDrop::new(self);
        // SAFETY: it is taken out once, as what it was in is never dropped.
        unsafe { ManuallyDrop::take(&mut queue.descriptor) }
    }

    fn add(&self, filter: EventFilter, flags: EventFlags) -> Result<()> {
        let change = [Event::new(filter, flags, null_mut())];
        let mut none: [Event; 0] = [];
        loop {
            // SAFETY: a descriptor among them is open, and the kernel forgets it where it is closed.
            match unsafe { kevent(&*self.descriptor, &change, &mut none[..], Some(Duration::ZERO)) }
            {
                Err(Errno::INTR) => {}
                result => return result.map(drop),
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.forks == fork::count() {
            // SAFETY: nobody uses it any more.
            unsafe { ManuallyDrop::drop(&mut self.descriptor) };
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
