//! The right to create what has a name, which one process has at a time.
//!
//! It is a lock on a file beside the one that is to be created, so that the kernel gives it on when its
//! holder dies. The file is there only while somebody holds it, or was killed doing so: then it is empty,
//! and goes with the next claim.

use crate::{
    fork::Own,
    lease::{Hold, Lease},
    named_file::{Address, leads_to, open_plain},
    poll,
    sys::shm,
};
use rustix::{fs, io::Errno};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};
use strait_core::{Deadline, ErrorKind, Mapping, Result};

/// The right to create what has a name.
#[derive(Debug)]
pub struct PosixClaim {
    file: Own,
    path: PathBuf,
}

impl PosixClaim {
    /// Waits for the claim to what is to be at `address`.
    pub(crate) fn take(address: Address<'_>, deadline: Deadline<'_>) -> Result<Self> {
        let path = beside(address.path);
        let address = Address { path: &path, ..address };
        loop {
            if let Some(file) = existing_or_new(address, deadline)? {
                return Ok(Self { file: Own::new(file), path });
            }
        }
    }
}

impl Drop for PosixClaim {
    fn drop(&mut self) {
        if let Some(file) = self.file.get() {
            // Its name goes first, so that those who wait for the lock see that it is gone. Who can't
            // remove it leaves an empty file, which is taken over by the next.
            let _ = fs::unlink(&self.path);
            let _ = Lease::Claim.release(file);
        }
    }
}

/// No name of shared memory has this character.
fn beside(path: &Path) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push("~");
    path.into()
}

/// The file at the address, locked; `None` where it went or came in between.
fn existing_or_new(address: Address<'_>, deadline: Deadline<'_>) -> Result<Option<OwnedFd>> {
    let user = rustix::process::geteuid().as_raw();
    match open_plain(address, user, Mapping::ReadWrite) {
        Ok(file) => {
            lock(&file, address, deadline)?;
            Ok(leads_to(address.path, &file).then_some(file))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => new(address),
        Err(error) => Err(error),
    }
}

/// Made without a name and locked before others can find it.
fn new(address: Address<'_>) -> Result<Option<OwnedFd>> {
    let new = shm::New::make(address.directory, address.path).map_err(|e| address.failed(e))?;
    Lease::Claim.try_take(new.file(), Hold::Exclusive).map_err(|error| address.failed(error))?;
    match new.link(address.path) {
        Ok(()) => Ok(Some(new.into_file())),
        Err(Errno::EXIST) => Ok(None),
        Err(errno) => Err(address.failed(errno)),
    }
}

fn lock(file: &OwnedFd, address: Address<'_>, deadline: Deadline<'_>) -> Result<()> {
    if deadline.is_never() {
        return Lease::Claim.wait_and_take(file).map_err(|error| address.failed(error));
    }
    // The kernel has no deadline for these locks.
    const LOOK_EVERY: Duration = Duration::from_millis(2);
    while !Lease::Claim.try_take(file, Hold::Exclusive).map_err(|error| address.failed(error))? {
        if deadline.has_passed() {
            let why = "another process is about to create it and does not go on";
            return Err(deadline.error_because(address.operation, why).on(address.name));
        }
        poll::any(&mut [], Deadline::after(LOOK_EVERY)).map_err(|errno| address.failed(errno))?;
    }
    Ok(())
}
