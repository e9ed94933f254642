//! Files mapped into memory.
#![expect(unsafe_code, reason = "maps and unmaps memory")]

use crate::{
    sys::map,
    truncation::{self, Guard},
};
use rustix::{
    io::{Errno, Result},
    mm::{MapFlags, ProtFlags, mmap, munmap},
};
use std::{os::fd::AsFd, ptr::NonNull, ptr::null_mut};
use strait_core::Mapping;

/// A whole file, mapped shared. Dropping it unmaps.
#[derive(Debug)]
pub(crate) struct Mapped {
    start: NonNull<u8>,
    len: usize,
    mapping: Mapping,
    guard: Option<Guard>,
}

/// What is behind a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backing {
    /// Memory of this process' own, of a size that is sealed: no access can fault.
    SealedMemory,
    /// Such memory of a peer's, which could give pages back: accesses are guarded. How long it is is
    /// the peer's choice, which nobody has looked at yet.
    PeerMemory,
    /// Memory that a peer may cut off: accesses are guarded.
    NamedMemory,
    /// A file, which a peer may cut off too, and of which only what is touched is to be read.
    File,
}

impl Mapped {
    /// Maps the first `len` bytes, more than none, of a file.
    pub(crate) fn new(
        file: impl AsFd,
        len: usize,
        mapping: Mapping,
        backing: Backing,
    ) -> Result<Self> {
        // What is longer a process of 32 bits could map, but no pointer may cross it.
        if isize::try_from(len).is_err() {
            return Err(Errno::NOMEM);
        }
        let protection = protection(mapping);
        let flags = match backing {
            Backing::File => MapFlags::SHARED,
            Backing::PeerMemory if len > MOST_TOUCHED => MapFlags::SHARED,
            // Touched now, so that no page fault lands on a message.
            _ => MapFlags::SHARED | map::TOUCHED,
        };
        // SAFETY: the kernel chooses a place where nothing is mapped.
        let start = unsafe { mmap(null_mut(), len, protection, flags, file, 0)? };
        let start = NonNull::new(start.cast::<u8>()).ok_or(Errno::NOMEM)?;
        // From here on it is unmapped again, whatever happens.
        let mut mapped = Self { start, len, mapping, guard: None };
        if backing != Backing::SealedMemory {
            mapped.guard = Some(truncation::guard(start, len, protection)?);
        }
        Ok(mapped)
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// Whether no access has found the file cut off.
    pub(crate) fn is_intact(&self) -> bool {
        self.guard.as_ref().is_none_or(Guard::is_intact)
    }
}

// SAFETY: the memory stays mapped at the same place whichever thread holds this, and `Mapped` itself
// never touches it.
unsafe impl Send for Mapped {}
// SAFETY: as above; a shared `Mapped` only tells where the memory is.
unsafe impl Sync for Mapped {}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Before the place can be reused by another mapping, which isn't guarded.
        self.guard = None;
        // SAFETY: the place was mapped by `new` with this length, and nothing that borrows it is
        // left, as `self` is being dropped. It can't fail for what was mapped.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// How much of a peer's memory is touched at once, in bytes. The kernel may have to clear it, which takes
/// a few milliseconds for as much, and ends for no deadline.
const MOST_TOUCHED: usize = 16 << 20;

fn protection(mapping: Mapping) -> ProtFlags {
    match mapping {
        Mapping::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        Mapping::ReadOnly => ProtFlags::READ,
    }
}
