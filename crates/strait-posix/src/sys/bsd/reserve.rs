//! Taking space for files.

use rustix::{
    fs::{FallocateFlags, fallocate, fstat, ftruncate},
    io::{Errno, Result, pwrite},
    process::{Resource, getrlimit},
};
use std::os::fd::AsFd;

/// Makes the file `len` bytes long, which it isn't yet, and takes the space that they need.
///
/// What is beyond the process' limit is refused here, as the kernel would end the process for it.
pub(crate) fn reserve(file: impl AsFd, len: u64) -> Result<()> {
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| len > limit) {
        return Err(Errno::FBIG);
    }
    let file = file.as_fd();
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, len) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            // A file system that can't, as ZFS, or memory.
            Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::NODEV) => break,
            Err(errno) => return Err(errno),
        }
    }
    let before = u64::try_from(fstat(file)?.st_size).unwrap_or(0);
    let filled = fill(file, before, len);
    if filled.is_err() {
        // What was written of it isn't wanted.
        let _ = ftruncate(file, before);
    }
    filled
}

/// Writes zeros to a range: so the space is taken, wherever that can be done.
fn fill(file: impl AsFd, from: u64, to: u64) -> Result<()> {
    let zeros = [0; 64 << 10];
    let mut at = from;
    while at < to {
        let part = usize::try_from(to - at).unwrap_or(usize::MAX).min(zeros.len());
        match pwrite(&file, &zeros[..part], at) {
            Ok(0) => return Err(Errno::NOSPC),
            Ok(written) => at += written as u64,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
