//! The place where named shared memory lives, and memory that no name leads to.
//!
//! Both are files. What `shm_open` makes has names of at most 31 bytes, no locks, lengths in whole pages only, and
//! can't be told from what another user has squatted: see `docs/decisions/0012-macos-and-freebsd.md`.

use super::super::lock;
use crate::mapping::Backing;
use rustix::{
    fs::{FileType, OFlags, fcntl_getfl, fstat, stat},
    io::{Errno, Result},
};
use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

pub(crate) use super::super::new_file::New;
pub(crate) use super::super::reserve::reserve;

/// Where named shared memory lives. Unlike in `/tmp` nobody cleans up here.
pub(crate) const DIRECTORY: &str = "/var/tmp";

/// How this process' own anonymous memory has to be taken: who gets it can cut it off.
pub(crate) const ANONYMOUS: Backing = Backing::NamedMemory;

/// A file that no name leads to.
pub(crate) fn memory_file() -> Result<OwnedFd> {
    let user = rustix::process::geteuid().as_raw();
    let directory = Path::new(DIRECTORY);
    let path = directory.join(format!("strait.{user}.anonymous~"));
    let file = New::make(directory, &path)?.into_file();
    // Nobody looks for it any more.
    lock::release(&file, 0).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
    Ok(file)
}

/// There are no seals: accesses are guarded instead.
pub(crate) fn seal_size(_file: impl AsFd) -> Result<()> {
    Ok(())
}

/// Whether it is what [`memory_file`] makes: a file without a name where shared memory lives. Nobody can seal
/// it, but it isn't one of a file system of the peer's own, an access to which could take as long as that likes.
pub(crate) fn is_sealed_memory(file: impl AsFd) -> bool {
    let (Ok(file), Ok(directory)) = (fstat(file), stat(DIRECTORY)) else { return false };
    FileType::from_raw_mode(file.st_mode) == FileType::RegularFile
        && file.st_nlink == 0
        && file.st_dev == directory.st_dev
}

/// Whether this descriptor permits it to be mapped for writing.
pub(crate) fn is_writable_memory(file: impl AsFd) -> bool {
    fcntl_getfl(file).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// Whether there are parts of the file for which no space was taken: that can't be told, as the file system
/// gives blocks to what is written when it likes.
pub(crate) fn has_holes(_file: impl AsFd) -> Result<bool> {
    Ok(false)
}
