//! Locks on a file that the kernel releases when their holder dies.
//!
//! They belong to the open file, not to the process: closing another descriptor of the same file doesn't
//! release them. A forked child shares its parent's. What the system has of the kind is in `sys/*/lock.rs`.

use crate::sys::lock;
use std::{io::Result, os::fd::AsFd};

/// What a lock stands for. No file has more than one of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lease {
    /// The creator lives. Held exclusively.
    Creator,
    /// Somebody is attached. Held shared by each; exclusively by who removes the last trace.
    Attached,
    /// The name is about to be created. Held exclusively.
    Claim,
}

/// Whether others may hold the lock too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hold {
    /// Others may hold it shared too.
    Shared,
    /// Nobody else may hold it. Needs a descriptor that can write.
    Exclusive,
}

impl Lease {
    /// Takes the lock, or changes how it is held, if others permit it; doesn't wait.
    pub(crate) fn try_take(self, file: impl AsFd, hold: Hold) -> Result<bool> {
        lock::try_take(file, self.byte(), hold)
    }

    /// Takes the lock exclusively, as soon as nobody else holds it.
    pub(crate) fn wait_and_take(self, file: impl AsFd) -> Result<()> {
        lock::wait_and_take(file, self.byte())
    }

    /// Gives the lock back.
    pub(crate) fn release(self, file: impl AsFd) -> Result<()> {
        lock::release(file, self.byte())
    }

    /// How others hold the lock, if any does.
    pub(crate) fn holder(self, file: impl AsFd) -> Result<Option<Hold>> {
        lock::holder(file, self.byte())
    }

    /// The byte that it is on, where the system locks bytes.
    fn byte(self) -> u32 {
        match self {
            Self::Creator => 0,
            Self::Attached => 1,
            Self::Claim => 3,
        }
    }
}
