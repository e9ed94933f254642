//! The place where named shared memory lives, and memory files.

use crate::mapping::Backing;
use rustix::{
    fs::{
        MemfdFlags, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fcntl_getfl, memfd_create,
    },
    io::Result,
};
use std::os::fd::{AsFd, OwnedFd};

pub(crate) use super::super::new_file::New;
pub(crate) use super::super::reserve::reserve;

/// Where named shared memory lives: often it is in memory, and nobody cleans it up unless told to.
pub(crate) const DIRECTORY: &str = "/tmp";

/// How this process' own anonymous memory has to be taken.
pub(crate) const ANONYMOUS: Backing = Backing::SealedMemory;

/// A file in memory that no name leads to.
pub(crate) fn memory_file() -> Result<OwnedFd> {
    memfd_create("strait", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
}

/// Fixes the size of a memory file for ever and for everybody.
pub(crate) fn seal_size(file: impl AsFd) -> Result<()> {
    fcntl_add_seals(file, SIZE_SEALS)
}

/// Whether nobody can change the size of the file any more, and its pages come from memory alone: nothing else
/// can be sealed here.
pub(crate) fn is_sealed_memory(file: impl AsFd) -> bool {
    fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SIZE_SEALS))
}

/// Whether this descriptor of a memory file, and the file itself, permit it to be mapped for writing.
pub(crate) fn is_writable_memory(file: impl AsFd) -> bool {
    let file = file.as_fd();
    let sealed = fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SealFlags::WRITE));
    !sealed && fcntl_getfl(file).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// Whether there are parts of the file for which no space was taken: that can't be told, as memory that is paged
/// out looks the same.
pub(crate) fn has_holes(_file: impl AsFd) -> Result<bool> {
    Ok(false)
}

const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);
