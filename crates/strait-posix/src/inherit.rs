//! A descriptor that one child inherits, and where it finds it.
//!
//! All descriptors of strait are closed on exec. Of the one that is given to a child this is taken back in
//! that child, after the fork, so that no other child that another thread starts meanwhile has it too.
//!
//! An environment variable says which it is: its number, and the number of the file behind it. And the
//! file says whose it is: the child makes itself its owner, which means nothing else for such a socket. So
//! a child of the child, which has the variable too, and the descriptor if it was started before that was
//! taken, sees that it isn't meant.
#![expect(
    unsafe_code,
    reason = "changes a descriptor between fork and exec, and makes one of a number"
)]

use crate::{Posix, PosixHandle};
use rustix::{
    fs::fstat,
    io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd},
};
use std::{
    env, io,
    os::{
        fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
};
use strait_core::{Error, ErrorKind, Inherit, Result};

impl Inherit for Posix {
    type Bequest = ();

    fn bequeath(command: &mut Command, handle: PosixHandle) -> Result<()> {
        let failed = |errno| Error::os("give a handle to a child", errno);
        // Not one of the three that the child's input and output take the place of.
        let file = fcntl_dupfd_cloexec(&handle, 3).map_err(failed)?;
        command.env(VARIABLE, Bequest::of(&file).map_err(failed)?.to_string());
        let keep = move || {
            set_owner(&file)?;
            Ok(fcntl_setfd(&file, FdFlags::empty())?)
        };
        // SAFETY: it runs in a forked child that has only one of its parent's threads: it makes system
        // calls that are safe in signal handlers too, and allocates nothing.
        unsafe { command.pre_exec(keep) };
        Ok(())
    }

    /// It has it: the system has copied it for the child.
    fn settle((): (), _: &Child) {}

    fn disinherit(command: &mut Command) {
        command.env_remove(VARIABLE);
    }

    fn inherit() -> Result<Option<PosixHandle>> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let bequest = env::var(VARIABLE).ok().and_then(|text| Bequest::parse(&text));
        let Some(bequest) = bequest.filter(Bequest::is_there) else { return Ok(None) };
        bequest.check_heir()?;
        if TAKEN.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        // SAFETY: the descriptor is open. It is that of the file which the parent made for this process
        // and gave to it before it began, so nothing else here has it; and it is taken once only.
        let file = unsafe { OwnedFd::from_raw_fd(bequest.descriptor) };
        fcntl_setfd(&file, FdFlags::CLOEXEC).map_err(|errno| Error::os(TAKE, errno))?;
        Ok(Some(PosixHandle::from(file)))
    }
}

/// Makes this process the owner of an open file.
fn set_owner(file: &OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor is open; the call takes a number and touches no memory.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETOWN, libc::getpid()) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

const VARIABLE: &str = "STRAIT_INHERITED";
const TAKE: &str = "take over what the parent passed";

/// Which descriptor was given, and which file is behind it.
#[derive(Debug, PartialEq, Eq)]
struct Bequest {
    descriptor: RawFd,
    device: u64,
    inode: u64,
}

impl Bequest {
    fn of(file: &OwnedFd) -> rustix::io::Result<Self> {
        let stat = fstat(file)?;
        // Their types differ between systems.
        #[allow(clippy::unnecessary_cast)]
        let (device, inode) = (stat.st_dev as u64, stat.st_ino as u64);
        Ok(Self { descriptor: file.as_raw_fd(), device, inode })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let descriptor = parts.next()?.parse().ok().filter(|&descriptor| descriptor >= 3)?;
        let (device, inode) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Self { descriptor, device, inode })
    }

    /// Whether that descriptor is open here, with that file behind it.
    fn is_there(&self) -> bool {
        // SAFETY: it isn't -1. If it isn't open the call that is made with it says so.
        let file = unsafe { BorrowedFd::borrow_raw(self.descriptor) };
        fstat(file).is_ok_and(|stat| {
            #[allow(clippy::unnecessary_cast)]
            let found = (stat.st_dev as u64, stat.st_ino as u64);
            found == (self.device, self.inode)
        })
    }

    /// Refuses where the file was given to another process.
    fn check_heir(&self) -> Result<()> {
        // SAFETY: they take numbers and touch no memory.
        let (heir, me) = unsafe { (libc::fcntl(self.descriptor, libc::F_GETOWN), libc::getpid()) };
        if heir == me {
            return Ok(());
        }
        let why = format!("process {heir} was passed it, and this one is {me}");
        let error = Error::new(ErrorKind::NotFound, TAKE, why);
        Err(error.hint("a program in between has to exec this one, and not to start it"))
    }
}

impl std::fmt::Display for Bequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.descriptor, self.device, self.inode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::File, os::unix::net::UnixStream};

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let file = OwnedFd::from(File::open(env::current_exe().unwrap()).unwrap());
        let bequest = Bequest::of(&file).unwrap();
        assert_eq!(Bequest::parse(&bequest.to_string()), Some(bequest));
        for wrong in ["", "3", "3:1", "3:1:2:3", "-1:1:1", "2:1:1", "x:1:1", "4294967299:1:1"] {
            assert_eq!(Bequest::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn another_file_behind_the_number_is_not_it_nor_one_of_another_process() {
        let file = OwnedFd::from(UnixStream::pair().unwrap().0);
        let bequest = Bequest::of(&file).unwrap();
        assert!(bequest.is_there() && bequest.check_heir().is_err());
        set_owner(&file).unwrap();
        assert!(bequest.check_heir().is_ok());
        assert!(!Bequest { inode: bequest.inode + 1, ..bequest }.is_there());
        assert!(!Bequest { descriptor: 1_000_000, device: 1, inode: 1 }.is_there());
    }
}
