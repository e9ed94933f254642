//! Processes: their numbers and start times, and kqueue(2), which tells of their end.

use super::queue::Queue;
use crate::{fork, poll, sys::seen};
use rustix::{
    io::Errno,
    process::{Pid, getppid, kill_process},
};
use std::{
    io,
    os::fd::OwnedFd,
    sync::atomic::{AtomicU64, Ordering},
};
use strait_core::{Deadline, Error, ErrorKind, ProcessIdentity, Result};

/// What the system tells of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// When it started, in microseconds since some moment; never 0.
    pub(crate) start: u64,
    /// Whether it has ended, and nobody has waited for it.
    pub(crate) has_ended: bool,
}

pub(crate) fn current() -> Result<ProcessIdentity> {
    identify_for(std::process::id(), "identify this process")
}

pub(crate) fn identify(pid: u32) -> Result<ProcessIdentity> {
    identify_for(pid, "identify a process")
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
    let known = FIRST.load(Ordering::Relaxed);
    // Its own number is never 0, so 0 is that nobody has asked.
    let first = if known != 0 && known >> 32 == forks >> 32 { known as u32 } else { now };
    let gone = |why: &str| Err(Error::new(ErrorKind::NotFound, PARENT, why));
    if now == 0 {
        return gone("it can't be seen from here");
    }
    FIRST.store(forks | u64::from(first), Ordering::Relaxed);
    if now != first {
        return gone("it has ended");
    }
    match identify_for(now, PARENT) {
        // The same number still: then it hasn't ended before it was looked at.
        Ok(parent) if number() == now => Ok(parent),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => gone("it has ended"),
    }
}

/// Sends a signal to that process. In the moment between the look at it and the signal it may end, and its
/// number be given to another one: these systems can't exclude that.
pub(crate) fn send(process: &ProcessIdentity, signal: i32, operation: &'static str) -> Result<()> {
    let refused = |kind, why: &str| Err(Error::new(kind, operation, why).on(process.pid));
    if !is_visible(process) {
        return refused(ErrorKind::Unsupported, ELSEWHERE);
    }
    let ended = || refused(ErrorKind::NotFound, "it has ended");
    let Some(signal) = rustix::process::Signal::from_named_raw(signal) else {
        return refused(ErrorKind::Unsupported, "this system doesn't have the signal");
    };
    let Some(pid) = to_pid(process.pid) else { return ended() };
    let failed = |error: io::Error| Error::os(operation, error).on(process.pid);
    match seen::look(pid).map_err(failed)? {
        Some(seen) if seen.has_ended => return ended(),
        Some(_) if process.start == 0 => {
            return refused(ErrorKind::Unsupported, "it isn't known when it started");
        }
        Some(seen) if seen.start == process.start => {}
        _ => return ended(),
    }
    match kill_process(pid, signal) {
        Err(Errno::SRCH) => ended(),
        sent => sent.map_err(|errno| Error::os(operation, errno).on(process.pid)),
    }
}

pub(crate) fn is_alive(process: &ProcessIdentity) -> bool {
    if !is_visible(process) {
        return true;
    }
    match to_pid(process.pid).map(seen::look) {
        Some(Ok(Some(seen))) => !seen.has_ended && may_be(process, seen),
        Some(Ok(None)) | None => false,
        // Not permitted to look: it can't be known.
        Some(Err(_)) => true,
    }
}

pub(crate) fn wait_for_end(process: &ProcessIdentity, deadline: Deadline<'_>) -> Result<bool> {
    match watched(process)? {
        Some(queue) => poll::readable(&queue, deadline)
            .map_err(|errno| Error::os(WATCH, errno).on(process.pid)),
        None => Ok(true),
    }
}

/// A descriptor that is readable as soon as it has ended; `None` where it has.
pub(crate) fn end(process: &ProcessIdentity) -> Result<Option<OwnedFd>> {
    Ok(watched(process)?.map(Queue::into_descriptor))
}

/// A queue that tells of the end of that very process; `None` where it has ended.
fn watched(process: &ProcessIdentity) -> Result<Option<Queue>> {
    if !is_visible(process) {
        return Err(Error::new(ErrorKind::Unsupported, WATCH, ELSEWHERE).on(process.pid));
    }
    let failed = |error: io::Error| Error::os(WATCH, error).on(process.pid);
    let Some(pid) = to_pid(process.pid) else { return Ok(None) };
    let queue = Queue::new().map_err(|errno| failed(errno.into()))?;
    match queue.add_process(pid) {
        Err(Errno::SRCH) => return Ok(None),
        added => added.map_err(|errno| failed(errno.into()))?,
    }
    // Looked at while it is watched: so what is watched isn't one that got the number meanwhile, or its end
    // has been told.
    match seen::look(pid).map_err(failed)? {
        Some(seen) if !seen.has_ended && may_be(process, seen) => Ok(Some(queue)),
        _ => Ok(None),
    }
}

fn identify_for(number: u32, operation: &'static str) -> Result<ProcessIdentity> {
    let none = || Error::new(ErrorKind::NotFound, operation, "there is none").on(number);
    let pid = to_pid(number).ok_or_else(none)?;
    let seen = seen::look(pid).map_err(|error| Error::os(operation, error).on(number))?;
    let start = seen.ok_or_else(none)?.start;
    Ok(ProcessIdentity { pid: number, reserved: 0, start, space: seen::space() })
}

fn to_pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}

fn may_be(process: &ProcessIdentity, seen: Seen) -> bool {
    process.start == 0 || process.start == seen.start
}

/// Whether the number means the same here as where it was written, and what has it can be seen.
fn is_visible(process: &ProcessIdentity) -> bool {
    process.space != 0 && seen::is_visible(process.space)
}

const WATCH: &str = "wait for the end of a process";
const ELSEWHERE: &str = "it lives where this process can't see it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_start_time_is_another_process() {
        let this = current().unwrap();
        assert!(is_alive(&this));
        let earlier = ProcessIdentity { start: this.start - 1, ..this };
        assert!(!is_alive(&earlier));
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let identity = identify(child.id()).unwrap();
        assert!(wait_for_end(&identity, Deadline::NEVER).unwrap());
        assert!(!is_alive(&identity));
        child.wait().unwrap();
        assert!(!is_alive(&identity));
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
    fn a_number_that_no_process_can_have_is_dead() {
        let this = current().unwrap();
        for pid in [0, i32::MAX as u32, u32::MAX] {
            assert!(!is_alive(&ProcessIdentity { pid, ..this }));
        }
    }
}
