//! Files that have no name yet, the place where named shared memory lives, and memory files.

use crate::mapping::Backing;
use rustix::{
    fs::{
        AtFlags, CWD, FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags, fallocate,
        fcntl_add_seals, fcntl_get_seals, fcntl_getfl, fstat, fstatfs, linkat, memfd_create, open,
    },
    io::{Errno, Result},
    process::{Resource, getrlimit},
};
use std::{
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

/// Where named shared memory lives: the memory file system that `shm_open` uses too.
pub(crate) const DIRECTORY: &str = "/dev/shm";

/// How this process' own anonymous memory has to be taken.
pub(crate) const ANONYMOUS: Backing = Backing::SealedMemory;

/// A file that nobody can find yet. The kernel frees it if it never gets a name.
pub(crate) struct New(OwnedFd);

impl New {
    /// One that is to be at `path` in `directory`.
    pub(crate) fn make(directory: &Path, _path: &Path) -> Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        open(directory, flags, Mode::RUSR | Mode::WUSR).map(Self)
    }

    pub(crate) fn file(&self) -> &OwnedFd {
        &self.0
    }

    /// Gives it its name, unless that is taken: then it fails with `EXIST`.
    pub(crate) fn link(&self, path: &Path) -> Result<()> {
        let file = self.0.as_fd();
        let itself = format!("/proc/thread-self/fd/{}", file.as_raw_fd());
        match linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW) {
            // Without /proc there is another way, which needs a privilege.
            Err(Errno::NOENT) => linkat(file, "", CWD, path, AtFlags::EMPTY_PATH),
            result => result,
        }
    }

    pub(crate) fn into_file(self) -> OwnedFd {
        self.0
    }
}

/// Makes the file `len` bytes long and takes the space that they need.
///
/// What is beyond the process' limit is refused here, as the kernel would end the process for it.
pub(crate) fn reserve(file: impl AsFd, len: u64) -> Result<()> {
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| len > limit) {
        return Err(Errno::FBIG);
    }
    loop {
        match fallocate(file.as_fd(), FallocateFlags::empty(), 0, len) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// A file in memory that no name leads to.
pub(crate) fn memory_file() -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create("strait", flags | MemfdFlags::NOEXEC_SEAL) {
        // Before Linux 6.3.
        Err(Errno::INVAL) => memfd_create("strait", flags),
        result => result,
    }
}

/// Fixes the size of a memory file for ever and for everybody.
pub(crate) fn seal_size(file: impl AsFd) -> Result<()> {
    fcntl_add_seals(file, SIZE_SEALS)
}

/// Whether nobody can change the size of the file any more, and its pages come from memory alone:
/// touching it can't fault.
pub(crate) fn is_sealed_memory(file: impl AsFd) -> bool {
    // TMPFS_MAGIC of linux/magic.h. Files in huge pages can be sealed too, and can fault.
    const TMPFS: u64 = 0x0102_1994;
    let file = file.as_fd();
    let sealed = fcntl_get_seals(file).is_ok_and(|seals| seals.contains(SIZE_SEALS));
    // The type of the field differs between architectures.
    sealed && fstatfs(file).is_ok_and(|system| system.f_type as u64 == TMPFS)
}

/// Whether this descriptor of a memory file, and the file itself, permit it to be mapped for writing.
pub(crate) fn is_writable_memory(file: impl AsFd) -> bool {
    const FOR_READING: SealFlags = SealFlags::WRITE.union(SealFlags::FUTURE_WRITE);
    let file = file.as_fd();
    let sealed = fcntl_get_seals(file).is_ok_and(|seals| seals.intersects(FOR_READING));
    !sealed && fcntl_getfl(file).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// Whether there are parts of the file for which no space was taken, by [`reserve`] or by writing.
pub(crate) fn has_holes(file: impl AsFd) -> Result<bool> {
    // What `st_blocks` counts, whatever the file system's own blocks are.
    const BLOCK: u64 = 512;
    let stat = fstat(file)?;
    // The types of the fields differ between architectures.
    Ok((stat.st_blocks as u64).saturating_mul(BLOCK) < stat.st_size as u64)
}

const SIZE_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);
