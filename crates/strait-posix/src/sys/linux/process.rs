//! Processes: pidfd, start time, and the namespace in which both hold.

use crate::{fork, poll};
use rustix::{
    fs::{self, Mode, OFlags},
    io::Errno,
    process::{Pid, PidfdFlags, getppid, pidfd_open, pidfd_send_signal},
};
use std::{
    fs::{File, metadata, read_to_string},
    io,
    os::fd::{AsRawFd, OwnedFd},
    os::unix::fs::MetadataExt,
    sync::atomic::{AtomicU64, Ordering},
};
use strait_core::{Deadline, Error, ErrorKind, ProcessIdentity, Result};

pub(crate) fn current() -> Result<ProcessIdentity> {
    let start = stat("/proc/self")
        .map_err(|error| Error::os("identify this process", error).hint("mount /proc"))?;
    let unknown = || Error::new(ErrorKind::Unsupported, "identify this process", UNKNOWN);
    Ok(identity(std::process::id(), start_time(&start).ok_or_else(unknown)?))
}

pub(crate) fn identify(pid: u32) -> Result<ProcessIdentity> {
    const IDENTIFY: &str = "identify a process";
    let identified = match Handle::open(pid, IDENTIFY)? {
        Some(handle) => handle.identify(pid, IDENTIFY)?,
        None => None,
    };
    identified.ok_or_else(|| Error::new(ErrorKind::NotFound, IDENTIFY, "there is none").on(pid))
}

/// The parent. The first one is remembered: once it has ended, the system says whom it has given this process to,
/// and all of those lived at the same time as the parent, so none of them has its number.
pub(crate) fn parent() -> Result<ProcessIdentity> {
    /// Its number, and that of the forks before this process in the upper half.
    static FIRST: AtomicU64 = AtomicU64::new(0);
    const PARENT: &str = "identify the parent of this process";
    let number = || getppid().map_or(0, |pid| pid.as_raw_nonzero().get() as u32);
    let now = number();
    let forks = u64::from(fork::count()) << 32;
    let seen = FIRST.load(Ordering::Relaxed);
    // Its own number is never 0, so 0 is that nobody has asked.
    let first = if seen != 0 && seen >> 32 == forks >> 32 { seen as u32 } else { now };
    let gone = |why: &str| Err(Error::new(ErrorKind::NotFound, PARENT, why));
    if now == 0 {
        return gone("it can't be seen from here");
    }
    FIRST.store(forks | u64::from(first), Ordering::Relaxed);
    let Some(handle) = Handle::open(now, PARENT)?.filter(|_| now == first) else {
        return gone("it has ended");
    };
    match handle.identify(now, PARENT)? {
        // The same number still: then it hasn't ended before it was looked at.
        Some(parent) if number() == now => Ok(parent),
        _ => gone("it has ended"),
    }
}

/// Sends a signal to that very process.
pub(crate) fn send(process: &ProcessIdentity, signal: i32, operation: &'static str) -> Result<()> {
    let refused = |kind, why: &str| Err(Error::new(kind, operation, why).on(process.pid));
    if !is_visible(process) {
        return refused(ErrorKind::Unsupported, "it lives in another PID namespace");
    }
    let ended = || refused(ErrorKind::NotFound, "it has ended");
    let Some(signal) = rustix::process::Signal::from_named_raw(signal) else {
        return refused(ErrorKind::Unsupported, "this system doesn't have the signal");
    };
    let Some(handle) = Handle::open(process.pid, operation)? else { return ended() };
    match handle.is(process) {
        _ if handle.has_ended(process.pid, operation, Deadline::now())? => return ended(),
        Some(true) => {}
        Some(false) => return ended(),
        // It may be another that has got the number.
        None => return Err(handle.unknown(process.pid, operation)),
    }
    match pidfd_send_signal(&handle.0, signal) {
        Err(Errno::SRCH) => ended(),
        sent => sent.map_err(|errno| Error::os(operation, errno).on(process.pid)),
    }
}

pub(crate) fn is_alive(process: &ProcessIdentity) -> bool {
    if !is_visible(process) {
        return true;
    }
    const LOOK: &str = "look for a process";
    match Handle::open(process.pid, LOOK) {
        Ok(Some(handle)) => {
            let ended = || handle.has_ended(process.pid, LOOK, Deadline::now());
            handle.may_be(process) && !ended().unwrap_or(false)
        }
        Ok(None) => false,
        // Not permitted to look, or out of descriptors or memory: it can't be known.
        Err(_) => true,
    }
}

pub(crate) fn wait_for_end(process: &ProcessIdentity, deadline: Deadline<'_>) -> Result<bool> {
    match Handle::watching(process)? {
        Some(handle) => handle.has_ended(process.pid, WATCH, deadline),
        None => Ok(true),
    }
}

/// A descriptor that is readable as soon as it has ended; `None` where it has.
pub(crate) fn end(process: &ProcessIdentity) -> Result<Option<OwnedFd>> {
    Ok(Handle::watching(process)?.map(|handle| handle.0))
}

fn identity(pid: u32, start: u64) -> ProcessIdentity {
    ProcessIdentity { pid, reserved: 0, start, space: space() }
}

/// The PID namespace, and the time namespace too, because that shifts start times. Their numbers
/// are 32 bits long. 0 where the system doesn't tell.
fn space() -> u64 {
    let number = |file: &str| metadata(file).map_or(0, |namespace| namespace.ino());
    match number("/proc/self/ns/pid") {
        0 => 0,
        pid => pid | number("/proc/self/ns/time") << 32,
    }
}

/// Whether the number means the same here as where it was written.
fn is_visible(process: &ProcessIdentity) -> bool {
    process.space != 0 && process.space == space()
}

/// A process that can't be confused with another while this is open, even if its number is reused.
struct Handle(OwnedFd);

impl Handle {
    /// The process that has this number now, if there is one.
    fn open(pid: u32, operation: &'static str) -> Result<Option<Self>> {
        let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(fd) => Ok(Some(Self(fd))),
            // The last two: the number is now that of a mere thread of another process.
            Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::os(operation, errno).on(pid)),
        }
    }

    /// That very process, to wait for its end; `None` where it has ended long since.
    fn watching(process: &ProcessIdentity) -> Result<Option<Self>> {
        if !is_visible(process) {
            let why = "it lives in another PID namespace";
            return Err(Error::new(ErrorKind::Unsupported, WATCH, why).on(process.pid));
        }
        Ok(Self::open(process.pid, WATCH)?.filter(|handle| handle.may_be(process)))
    }

    /// Who it is; `None` where it has ended so long ago that nobody can tell. Never one of which the start
    /// isn't known: a later one with its number would be taken for it.
    fn identify(&self, pid: u32, operation: &'static str) -> Result<Option<ProcessIdentity>> {
        match self.start_time() {
            Some(start) => Ok(Some(identity(pid, start))),
            None if self.has_ended(pid, operation, Deadline::now())? => Ok(None),
            None => Err(self.unknown(pid, operation)),
        }
    }

    fn unknown(&self, pid: u32, operation: &'static str) -> Error {
        Error::new(ErrorKind::Unsupported, operation, UNKNOWN)
            .on(pid)
            .hint("mount /proc of this PID namespace or an outer one, without the option hidepid")
    }

    /// Whether this is the process, as far as can be known.
    fn may_be(&self, process: &ProcessIdentity) -> bool {
        self.is(process) != Some(false)
    }

    /// Whether this is the process; `None` where it can't be known.
    fn is(&self, process: &ProcessIdentity) -> Option<bool> {
        let known = process.start != 0;
        self.start_time().filter(|_| known).map(|start| start == process.start)
    }

    /// When it started, in clock ticks since the computer did.
    ///
    /// `/proc` may have been mounted in another PID namespace, where the process has another
    /// number; the kernel tells that number of the handle.
    fn start_time(&self) -> Option<u64> {
        let pid = self.number_in_proc()?;
        let start = start_time(&stat(&format!("/proc/{pid}")).ok()?)?;
        // Its number still: so what was read isn't of another that has got it meanwhile.
        (self.number_in_proc() == Some(pid)).then_some(start)
    }

    /// Its number in `/proc`; `None` where it isn't there, or not any more.
    fn number_in_proc(&self) -> Option<u32> {
        let info =
            read_to_string(format!("/proc/thread-self/fdinfo/{}", self.0.as_raw_fd())).ok()?;
        let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim();
        // -1 of one that has ended and been waited for.
        pid.parse().ok().filter(|&pid| pid != 0)
    }

    /// Whether all its threads have ended by the deadline. A zombie has ended; a process of which
    /// only the first thread has ended has not.
    fn has_ended(&self, pid: u32, operation: &'static str, deadline: Deadline<'_>) -> Result<bool> {
        poll::readable(&self.0, deadline).map_err(|errno| Error::os(operation, errno).on(pid))
    }
}

const WATCH: &str = "wait for the end of a process";

const UNKNOWN: &str =
    "/proc doesn't tell when it started, and so it could be taken for a later one";

/// The file `stat` of a process, which has this directory.
///
/// Not by one path: qemu, where it runs the programs of another processor, knows a process' own by that, and
/// makes up another start than all others read.
fn stat(directory: &str) -> io::Result<String> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = fs::open(directory, flags, Mode::empty())?;
    let file = fs::openat(directory, "stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    io::read_to_string(File::from(file))
}

/// The field `starttime` of `/proc/[pid]/stat`: the 22nd, and the 20th after the command's name,
/// which may hold blanks and parentheses itself. See proc_pid_stat(5).
fn start_time(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_blanks_and_parentheses_does_not_shift_the_start_time() {
        let rest = (3..=30).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(start_time(&format!("7 (a) b (c)) {rest}")), Some(22));
        assert_eq!(start_time("7 (a"), None);
        assert_eq!(start_time("7 (a) S 1"), None);
    }

    #[test]
    fn another_start_time_is_another_process() {
        let this = current().unwrap();
        assert!(is_alive(&this));
        let earlier = ProcessIdentity { start: this.start - 1, ..this };
        assert!(!is_alive(&earlier));
    }

    #[test]
    fn one_that_ends_before_its_start_is_read_has_no_identity() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let handle = Handle::open(child.id(), "look").unwrap().unwrap();
        assert!(handle.identify(child.id(), "look").unwrap().is_some());
        child.wait().unwrap();
        assert_eq!(handle.identify(child.id(), "look").unwrap(), None);
    }

    #[test]
    fn no_signal_goes_to_one_that_may_be_another() {
        let this = current().unwrap();
        let unknown = ProcessIdentity { start: 0, ..this };
        let error = send(&unknown, libc::SIGCONT, "send").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(is_alive(&unknown));
    }

    #[test]
    fn what_lives_in_another_namespace_is_alive() {
        let this = current().unwrap();
        let elsewhere = ProcessIdentity { space: this.space + 1, start: 1, ..this };
        assert!(is_alive(&elsewhere));
        let error = wait_for_end(&elsewhere, Deadline::now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_number_that_no_process_can_have_is_dead() {
        let this = current().unwrap();
        for pid in [0, i32::MAX as u32, u32::MAX] {
            assert!(!is_alive(&ProcessIdentity { pid, ..this }));
        }
    }
}
