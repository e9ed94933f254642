//! Processes: a handle, and when they were created, as numbers are used again soon.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object::owned, wait};
use std::{
    io,
    mem::MaybeUninit,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::null_mut,
};
use strait_core::{Deadline, Error, ErrorKind, ProcessIdentity, Result};
use windows_sys::{
    Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation},
    Win32::{
        Foundation::{ERROR_INVALID_PARAMETER, FILETIME, STILL_ACTIVE},
        System::Threading::{
            GetCurrentProcess, GetExitCodeProcess, GetProcessId, GetProcessTimes, OpenProcess,
            PROCESS_ACCESS_RIGHTS, PROCESS_BASIC_INFORMATION, PROCESS_QUERY_LIMITED_INFORMATION,
            PROCESS_SYNCHRONIZE,
        },
    },
};

/// A process, which keeps its number as long as this is open.
#[derive(Debug)]
pub(crate) struct Process(OwnedHandle);

impl Process {
    /// The process that has the number now, alive or not any more; `None` where there is none. It may be waited for
    /// and asked who it is, and what `more` says.
    pub(crate) fn open(
        pid: u32,
        more: PROCESS_ACCESS_RIGHTS,
        operation: &'static str,
    ) -> Result<Option<Self>> {
        let rights = PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE | more;
        // SAFETY: it takes numbers only.
        let process = match owned(unsafe { OpenProcess(rights, 0, pid) }) {
            Ok(handle) => Self(handle),
            Err(error) if has_code(&error, ERROR_INVALID_PARAMETER) => return Ok(None),
            Err(error) => return Err(Error::os(operation, error).on(pid)),
        };
        // The system ignores the two lowest bits of a number.
        // SAFETY: the handle is open, and may be used to query.
        let number = unsafe { GetProcessId(process.0.as_raw_handle()) };
        Ok(Some(process).filter(|_| number == pid))
    }

    /// That very process; `None` where it has ended, or its number is another's.
    pub(crate) fn open_very(
        process: &ProcessIdentity,
        more: PROCESS_ACCESS_RIGHTS,
        operation: &'static str,
    ) -> Result<Option<Self>> {
        let Some(open) = Self::open(process.pid, more, operation)? else { return Ok(None) };
        let is_it = process.start == 0 || open.start()? == process.start;
        Ok(Some(open).filter(|open| is_it && !open.has_ended()))
    }

    /// When it was created, in units of 100 ns since the year 1601.
    pub(crate) fn start(&self) -> Result<u64> {
        start_of(self.0.as_handle())
    }

    /// Whether it has ended. One that can't be asked hasn't.
    pub(crate) fn has_ended(&self) -> bool {
        wait::one(&self.0, Deadline::now()).unwrap_or(false)
    }

    /// Whether it has ended, or is about to: it runs no more code, and its handles are being closed.
    pub(crate) fn is_ending(&self) -> bool {
        let mut code = 0;
        // SAFETY: the handle is open and may be used to query; the place is valid for a number.
        let done = unsafe { GetExitCodeProcess(self.0.as_raw_handle(), &raw mut code) };
        done != 0 && code != STILL_ACTIVE as u32 || self.has_ended()
    }
}

impl AsHandle for Process {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

pub(crate) fn current() -> Result<ProcessIdentity> {
    // SAFETY: it returns a number that stands for this process, always.
    let this = unsafe { BorrowedHandle::borrow_raw(GetCurrentProcess()) };
    Ok(identity(std::process::id(), start_of(this)?))
}

pub(crate) fn identify(pid: u32) -> Result<ProcessIdentity> {
    const IDENTIFY: &str = "identify a process";
    let there = Process::open(pid, 0, IDENTIFY)?.filter(|process| !process.has_ended());
    match there {
        Some(process) => Ok(identity(pid, process.start()?)),
        None => Err(Error::new(ErrorKind::NotFound, IDENTIFY, "there is none").on(pid)),
    }
}

/// The parent. The system goes on telling its number when it has ended; whoever has that then began later.
pub(crate) fn parent() -> Result<ProcessIdentity> {
    const PARENT: &str = "identify the parent of this process";
    let pid = parent_number().map_err(|error| Error::os(PARENT, error))?;
    let gone = || Error::new(ErrorKind::NotFound, PARENT, "it has ended");
    let parent = Process::open(pid, 0, PARENT)?.ok_or_else(gone)?;
    let start = parent.start()?;
    match parent.has_ended() || start > current()?.start {
        true => Err(gone()),
        false => Ok(identity(pid, start)),
    }
}

pub(crate) fn is_alive(process: &ProcessIdentity) -> bool {
    // Where it isn't permitted to look, it can't be known.
    !matches!(Process::open_very(process, 0, "look for a process"), Ok(None))
}

pub(crate) fn wait_for_end(process: &ProcessIdentity, deadline: Deadline<'_>) -> Result<bool> {
    match watch(process)? {
        Some(open) => {
            wait::one(&open, deadline).map_err(|error| Error::os(WATCH, error).on(process.pid))
        }
        None => Ok(true),
    }
}

/// A handle that is signalled as soon as it has ended; `None` where it has.
pub(crate) fn end(process: &ProcessIdentity) -> Result<Option<OwnedHandle>> {
    Ok(watch(process)?.map(|open| open.0))
}

const WATCH: &str = "wait for the end of a process";

fn watch(process: &ProcessIdentity) -> Result<Option<Process>> {
    Process::open_very(process, 0, WATCH).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => {
            let why = "this user may not watch it";
            Error::new(ErrorKind::Unsupported, WATCH, why).on(process.pid)
        }
        _ => error,
    })
}

fn identity(pid: u32, start: u64) -> ProcessIdentity {
    ProcessIdentity { pid, reserved: 0, start, space: 0 }
}

fn start_of(process: BorrowedHandle<'_>) -> Result<u64> {
    let mut times = [FILETIME::default(); 4];
    let [created, ended, kernel, user] = &mut times;
    // SAFETY: the handle is open and may be used to query, and there is a place for each of the four times.
    let done = unsafe { GetProcessTimes(process.as_raw_handle(), created, ended, kernel, user) };
    match done {
        0 => Err(Error::os("ask when a process began", io::Error::last_os_error())),
        _ => Ok(u64::from(created.dwHighDateTime) << 32 | u64::from(created.dwLowDateTime)),
    }
}

pub(crate) fn parent_number() -> io::Result<u32> {
    let mut found = MaybeUninit::<PROCESS_BASIC_INFORMATION>::zeroed();
    let len = size_of::<PROCESS_BASIC_INFORMATION>() as u32;
    // SAFETY: the place has as many bytes as is said, which is what the system fills in for this class.
    let status = unsafe {
        let (this, place) = (GetCurrentProcess(), found.as_mut_ptr().cast());
        NtQueryInformationProcess(this, ProcessBasicInformation, place, len, null_mut())
    };
    if status < 0 {
        return Err(io::Error::other(format!("the system said: status {status:#x}")));
    }
    // SAFETY: any bytes, also zeros, are valid in its fields: numbers and a pointer.
    let found = unsafe { found.assume_init() };
    Ok(found.InheritedFromUniqueProcessId as u32)
}

fn has_code(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_start_time_is_another_process() {
        let this = current().unwrap();
        assert!(is_alive(&this));
        assert_eq!(identify(this.pid).unwrap(), this);
        assert!(!is_alive(&ProcessIdentity { start: this.start - 1, ..this }));
    }

    #[test]
    fn a_number_that_no_process_can_have_is_dead() {
        let this = current().unwrap();
        for pid in [this.pid + 1, 0x7fff_fff0, u32::MAX] {
            assert!(!is_alive(&ProcessIdentity { pid, ..this }), "{pid}");
        }
    }
}
