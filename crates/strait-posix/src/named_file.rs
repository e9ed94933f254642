//! Files that appear under their name complete, and whose locks say whether anybody needs them.
//!
//! # The rules
//!
//! 1. A file is made without a name, filled, and locked; then it is linked. So nobody ever opens a
//!    part of one, and a creator that is killed before leaves nothing.
//! 2. Its [`Lease`]s are locks that the kernel releases when their holder dies. A file of lifetime
//!    `Creator` is stale when nobody holds [`Lease::Creator`], one of `LastDetach` when nobody holds
//!    [`Lease::Attached`].
//! 3. Nobody unlinks a name without holding the [`Removal`] of the very file that the name leads
//!    to, and looking, while holding it, that it still does. So two never unlink each other's file.
//! 4. Once lost, [`Lease::Creator`] is never taken again, so a file that is stale by it stays so.
//!    [`Lease::Attached`] can be taken by anybody who opens the file, so who removes one that is stale
//!    by it first takes it exclusively: then nobody attaches any more, or somebody already has.

use crate::{
    fork,
    lease::{Hold, Lease},
    sys::{lock::Removal, shm},
};
use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use strait_core::{Access, Deadline, Error, ErrorKind, Lifetime, Mapping, Result};

/// An open file under a name, and this process' part in its life.
///
/// Dropping it removes the name, if its lifetime is over then.
#[derive(Debug)]
pub(crate) struct NamedFile {
    file: OwnedFd,
    path: PathBuf,
    lifetime: Lifetime,
    lifetime_of: LifetimeOf,
    /// The process that has to remove the name, by the number of forks before it: a forked child is
    /// not it.
    remover: Option<u32>,
}

/// Where a file is, and how its errors speak of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) path: &'a Path,
    /// What is being done: `create shared memory`.
    pub(crate) operation: &'static str,
    /// The name as its user knows it.
    pub(crate) name: &'a str,
}

impl NamedFile {
    /// Creates the file; `fill` fills it before anybody can open it. What is stale is replaced.
    pub(crate) fn create(
        address: Address<'_>,
        access: Access,
        lifetime: Lifetime,
        lifetime_of: LifetimeOf,
        fill: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
    ) -> Result<Self> {
        refuse_taken(address, lifetime_of)?;
        let new = shm::New::make(address.directory, address.path).map_err(|errno| {
            let hint = format!("{} must be a writable file system", address.directory.display());
            address.failed(errno).hint(hint)
        })?;
        // After the fact, because the umask doesn't apply here.
        fs::fchmod(new.file(), mode(access)).map_err(|errno| address.failed(errno))?;
        fill(new.file().as_fd())?;
        take_leases(new.file(), lifetime, true).map_err(|error| address.failed(error))?;
        loop {
            match new.link(address.path) {
                Ok(()) => break,
                Err(Errno::EXIST) => refuse_taken(address, lifetime_of)?,
                Err(errno) => return Err(address.failed(errno)),
            }
        }
        Ok(Self::new(new.into_file(), address.path, lifetime, lifetime_of, true))
    }

    /// Opens the file of the user `owner`. What is stale is removed, and isn't found.
    pub(crate) fn open(
        address: Address<'_>,
        owner: u32,
        mapping: Mapping,
        lifetime_of: LifetimeOf,
    ) -> Result<Self> {
        let file = open_plain(address, owner, mapping)?;
        let lifetime = lifetime_of(file.as_fd()).map_err(|error| error.on(address.name))?;
        if !is_live(&file, lifetime).map_err(|error| address.failed(error))? {
            // Best effort, with a descriptor that can write: who may not remove it still learns
            // that it is gone.
            let _ = remove_stale(address, lifetime_of);
            return Err(address.not_found());
        }
        let attached =
            take_leases(&file, lifetime, false).map_err(|error| address.failed(error))?;
        if !attached || !is_linked(&file) {
            return Err(address.not_found());
        }
        Ok(Self::new(file, address.path, lifetime, lifetime_of, false))
    }

    /// Frees the name, whoever needs the file.
    pub(crate) fn remove(address: Address<'_>) -> Result<()> {
        let user = rustix::process::geteuid().as_raw();
        let file = open_plain(address, user, Mapping::ReadWrite)?;
        let _removal = removal(&file, address)?;
        match unlink(&file, address)? {
            true => Ok(()),
            false => Err(address.not_found()),
        }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Whether the name still leads to this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        leads_to(path, &self.file)
    }

    /// Takes the right to remove the name, and what goes with it, for a few system calls.
    pub(crate) fn removal(&self, address: Address<'_>) -> Result<Removal<'_>> {
        removal(&self.file, address)
    }

    fn new(
        file: OwnedFd,
        path: &Path,
        lifetime: Lifetime,
        lifetime_of: LifetimeOf,
        creator: bool,
    ) -> Self {
        let removes = match lifetime {
            Lifetime::LastDetach => true,
            Lifetime::Persistent => false,
            _ => creator,
        };
        let remover = removes.then(fork::count);
        Self { file, path: path.to_owned(), lifetime, lifetime_of, remover }
    }
}

impl Drop for NamedFile {
    fn drop(&mut self) {
        if self.remover != Some(fork::count()) {
            return;
        }
        let name = self.path.to_string_lossy();
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let address =
            Address { directory, path: &self.path, operation: "remove a name", name: &name };
        // Given back first, so that of two that leave together the last finds it stale. A descriptor
        // that can't write can't lock, so then it is opened again. What can't be removed now stays
        // stale, and is reclaimed by the next user.
        if let Some(lease) = lease_of(self.lifetime) {
            let _ = lease
                .release(&self.file)
                .map_err(|error| address.failed(error))
                .and_then(|()| remove_if_stale(&self.file, self.lifetime, address))
                .or_else(|_| remove_stale(address, self.lifetime_of));
        }
    }
}

impl Address<'_> {
    pub(crate) fn failed(&self, source: impl Into<io::Error>) -> Error {
        Error::os(self.operation, source).on(self.name)
    }

    pub(crate) fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, self.operation, "it does not exist").on(self.name)
    }

    pub(crate) fn foreign(&self, why: &str) -> Error {
        Error::new(ErrorKind::Foreign, self.operation, why)
            .on(self.name)
            .hint(format!("something else put {} there", self.path.display()))
    }
}

/// Reads out of a file how long its name lives; or fails where it isn't strait's.
pub(crate) type LifetimeOf = fn(BorrowedFd<'_>) -> Result<Lifetime>;

/// Fails with `AlreadyExists` where a file under the name is needed by somebody, and removes it
/// where it is stale.
fn refuse_taken(address: Address<'_>, lifetime_of: LifetimeOf) -> Result<()> {
    let taken = |why: &str| {
        let error = Error::new(ErrorKind::AlreadyExists, address.operation, why);
        Err(error.on(address.name).hint("open it, remove it, or choose another name"))
    };
    match remove_stale(address, lifetime_of) {
        Ok(true) => Ok(()),
        Ok(false) => taken("it already exists"),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(()),
            ErrorKind::Foreign | ErrorKind::VersionMismatch | ErrorKind::PeerCorrupt => {
                taken("something that this version of strait did not make has that name")
            }
            ErrorKind::PermissionDenied => taken("another user has that name"),
            _ => Err(error),
        },
    }
}

/// Removes what is at the address if it is stale; `false` if it isn't.
fn remove_stale(address: Address<'_>, lifetime_of: LifetimeOf) -> Result<bool> {
    let user = rustix::process::geteuid().as_raw();
    let file = open_plain(address, user, Mapping::ReadWrite)?;
    let lifetime = lifetime_of(file.as_fd())?;
    remove_if_stale(&file, lifetime, address)
}

/// Removes the file from the address if it is stale, or sees that it is gone; `false` if it is
/// needed.
fn remove_if_stale(file: &OwnedFd, lifetime: Lifetime, address: Address<'_>) -> Result<bool> {
    let failed = |error| address.failed(error);
    if is_live(file, lifetime).map_err(failed)? {
        return Ok(false);
    }
    let _removal = removal(file, address)?;
    let stale = match lifetime {
        Lifetime::LastDetach => Lease::Attached.try_take(file, Hold::Exclusive),
        _ => is_live(file, lifetime).map(|live| !live),
    };
    if stale.map_err(failed)? {
        unlink(file, address)?;
        return Ok(true);
    }
    Ok(!leads_to(address.path, file))
}

/// Unlinks the name if it still leads to this file, whose removal is locked (rule 3); `false` if it
/// doesn't.
fn unlink(file: &OwnedFd, address: Address<'_>) -> Result<bool> {
    if !leads_to(address.path, file) {
        return Ok(false);
    }
    match fs::unlink(address.path) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(address.failed(errno)),
    }
}

/// Takes the right to remove the name, which whoever has it has for a few system calls. One that is stopped in
/// between holds up others, and gets them an error in the end.
fn removal<'a>(file: &'a OwnedFd, address: Address<'_>) -> Result<Removal<'a>> {
    let deadline = Deadline::after(Duration::from_secs(1));
    loop {
        match Removal::try_take(file, address.directory).map_err(|e| address.failed(e))? {
            Some(removal) => return Ok(removal),
            None if !deadline.has_passed() => thread::yield_now(),
            None => {
                let why = "another process has begun to change it and does not go on";
                return Err(Error::new(ErrorKind::Busy, address.operation, why)
                    .on(address.name)
                    .hint("continue or end that process"));
            }
        }
    }
}

/// Takes what this process holds for the file's lifetime; `false` where it is being removed.
fn take_leases(file: &OwnedFd, lifetime: Lifetime, creator: bool) -> io::Result<bool> {
    match lifetime {
        Lifetime::LastDetach => Lease::Attached.try_take(file, Hold::Shared),
        Lifetime::Creator if creator => Lease::Creator.try_take(file, Hold::Exclusive),
        _ => Ok(true),
    }
}

/// The lease without which a file of this lifetime is stale.
fn lease_of(lifetime: Lifetime) -> Option<Lease> {
    match lifetime {
        Lifetime::Creator => Some(Lease::Creator),
        Lifetime::LastDetach => Some(Lease::Attached),
        _ => None,
    }
}

/// Whether somebody needs the file. One that is being removed isn't needed any more: it is only for
/// its removal that somebody holds `Attached` exclusively.
fn is_live(file: &OwnedFd, lifetime: Lifetime) -> io::Result<bool> {
    let Some(lease) = lease_of(lifetime) else { return Ok(true) };
    Ok(match lease.holder(file)? {
        Some(Hold::Exclusive) => lifetime != Lifetime::LastDetach,
        Some(Hold::Shared) => true,
        None => false,
    })
}

/// Opens a plain file of this user, and nothing that a name of another kind or user leads to.
pub(crate) fn open_plain(address: Address<'_>, owner: u32, mapping: Mapping) -> Result<OwnedFd> {
    let access = match mapping {
        Mapping::ReadWrite => OFlags::RDWR,
        Mapping::ReadOnly => OFlags::RDONLY,
    };
    // Not blocking, for the case that it is a pipe.
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match fs::open(address.path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Err(address.not_found()),
        // For a link and for a socket FreeBSD has other numbers than the rest.
        Err(Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::OPNOTSUPP | Errno::ISDIR) => {
            return Err(address.foreign("it is no plain file"));
        }
        Err(errno) => return Err(address.failed(errno)),
    };
    let stat = fs::fstat(&file).map_err(|errno| address.failed(errno))?;
    if !is_plain(&stat) {
        return Err(address.foreign("it is no plain file"));
    }
    if stat.st_uid != owner {
        return Err(address.foreign("it belongs to another user"));
    }
    Ok(file)
}

fn is_plain(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

fn is_linked(file: &OwnedFd) -> bool {
    fs::fstat(file).is_ok_and(|stat| stat.st_nlink > 0)
}

/// Whether the name leads to this very file.
pub(crate) fn leads_to(path: &Path, file: &OwnedFd) -> bool {
    let there = fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    matches!((there, fs::fstat(file)), (Ok(a), Ok(b)) if a.st_dev == b.st_dev && a.st_ino == b.st_ino)
}

fn mode(access: Access) -> Mode {
    Mode::from_raw_mode(match access {
        Access::Group => 0o660,
        Access::Everyone => 0o666,
        _ => 0o600,
    })
}
