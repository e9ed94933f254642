//! Where handles are that another process may take, and taking them.
#![expect(unsafe_code, reason = "duplicates handles out of other processes")]

use crate::{
    handle::{HAND_OVER, WindowsHandle},
    handover::Sent,
    object::{self, owned},
    process::{self, Process},
};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
    ptr::{null_mut, without_provenance_mut},
};
use strait_core::{Error, ErrorKind, ProcessIdentity, Result};
use windows_sys::Win32::{
    Foundation::{
        DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY,
        ERROR_NOT_ENOUGH_QUOTA, ERROR_TOO_MANY_OPEN_FILES,
    },
    System::Threading::{EVENT_MODIFY_STATE, GetCurrentProcess, PROCESS_DUP_HANDLE},
};

/// As many handles pass at once: as on Linux.
pub(crate) const MAX_HANDLES: usize = 253;

/// How long a record is that names `count` handles.
pub(crate) const fn packed_len(count: usize) -> usize {
    Offer::FIXED + count * size_of::<u32>()
}

/// Where handles are that another process may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The process that they are in.
    pub(crate) process: ProcessIdentity,
    /// The event to be set by whoever has taken them.
    pub(crate) taken: Number,
    /// They themselves: 1 to [`MAX_HANDLES`].
    pub(crate) handles: Vec<Number>,
}

impl Offer {
    /// The bytes of a record before the handles: process, number of handles, start, event.
    const FIXED: usize = 4 + 4 + 8 + 4;

    /// Offers copies of `handles`, which are this process' to keep.
    pub(crate) fn of(handles: &[impl AsHandle]) -> Result<(Self, Sent)> {
        if handles.is_empty() || handles.len() > MAX_HANDLES {
            let why = format!("{} are not between 1 and {MAX_HANDLES}", handles.len());
            return Err(Error::new(ErrorKind::TooLarge, HAND_OVER, why));
        }
        let failed = |error| Error::os(HAND_OVER, error);
        let copy = |handle: &_| AsHandle::as_handle(handle).try_clone_to_owned();
        let copies = handles.iter().map(copy).collect::<io::Result<Vec<_>>>().map_err(failed)?;
        let sent = Sent::new(object::event().map_err(failed)?, copies);
        let number = |handle: &OwnedHandle| {
            let other = || Error::new(ErrorKind::Os, HAND_OVER, "its number isn't as usual");
            Number::of(handle).ok_or_else(other)
        };
        let handles = sent.copies().iter().map(number).collect::<Result<_>>()?;
        Ok((Self { process: process::current()?, taken: number(&sent.taken())?, handles }, sent))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(packed_len(self.handles.len()));
        bytes.extend(self.process.pid.to_le_bytes());
        bytes.extend((self.handles.len() as u32).to_le_bytes());
        bytes.extend(self.process.start.to_le_bytes());
        bytes.extend(self.taken.0.to_le_bytes());
        for handle in &self.handles {
            bytes.extend(handle.0.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let word = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
        let (fixed, rest) = bytes.split_at_checked(Self::FIXED)?;
        let (pid, count) = (word(&fixed[..4])?, word(&fixed[4..8])? as usize);
        let start = u64::from_le_bytes(fixed[8..16].try_into().ok()?);
        let taken = Number::new(word(&fixed[16..])?)?;
        if start == 0 || !(1..=MAX_HANDLES).contains(&count) || bytes.len() != packed_len(count) {
            return None;
        }
        let number = |bytes| word(bytes).and_then(Number::new);
        let handles = rest.chunks_exact(size_of::<u32>()).map(number).collect::<Option<_>>()?;
        Some(Self {
            process: ProcessIdentity { pid, reserved: 0, start, space: 0 },
            taken,
            handles,
        })
    }

    /// The process that they are in, as one to take handles out of.
    pub(crate) fn open(&self, operation: &'static str) -> Result<Process> {
        let pid = self.process.pid;
        match Process::open_very(&self.process, PROCESS_DUP_HANDLE, operation) {
            Ok(Some(process)) => Ok(process),
            Ok(None) => Err(has_ended(operation, pid)),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(error
                    .hint("handles pass between processes of one user, both elevated or neither"))
            }
            Err(error) => Err(error),
        }
    }

    /// Duplicates all of them out of that process, or none. It is told either way, as they won't be asked for again.
    pub(crate) fn pull(
        &self,
        process: &Process,
        operation: &'static str,
    ) -> Result<Vec<WindowsHandle>> {
        let pull = |number: &Number| Ok(WindowsHandle::from(number.pull(process, None)?));
        let handles: io::Result<Vec<_>> = self.handles.iter().map(pull).collect();
        let told = self.tell(process, operation);
        let handles = handles.map_err(|error| self.failure(process, operation, error))?;
        told.map(|()| handles)
    }

    /// Tells that process that it may close them.
    pub(crate) fn tell(&self, process: &Process, operation: &'static str) -> Result<()> {
        let taken = self.taken.pull(process, Some(EVENT_MODIFY_STATE));
        let taken = taken.map_err(|error| self.failure(process, operation, error))?;
        object::try_set(&taken).map_err(|error| {
            let why = "it names no event to be told by";
            let error = Error::new(ErrorKind::PeerCorrupt, operation, why).with_source(error);
            error.on(format!("process {}", self.process.pid))
        })
    }

    /// Why a handle couldn't be had.
    fn failure(&self, process: &Process, operation: &'static str, error: io::Error) -> Error {
        const NO_ROOM: [u32; 4] = [
            ERROR_NO_SYSTEM_RESOURCES,
            ERROR_NOT_ENOUGH_MEMORY,
            ERROR_NOT_ENOUGH_QUOTA,
            ERROR_TOO_MANY_OPEN_FILES,
        ];
        let code = error.raw_os_error().unwrap_or_default() as u32;
        let (kind, why) = match () {
            () if NO_ROOM.contains(&code) => {
                (ErrorKind::LimitReached, "this process has no room for them")
            }
            // Its handles are closed a moment before it is said to have ended.
            () if process.is_ending() => return has_ended(operation, self.process.pid),
            () => (ErrorKind::PeerCorrupt, "the handles that it names are not there"),
        };
        let error = Error::new(kind, operation, why).with_source(error);
        error.on(format!("process {}", self.process.pid))
    }
}

fn has_ended(operation: &'static str, pid: u32) -> Error {
    let why = "the process that sent them has ended, and they with it";
    Error::new(ErrorKind::Disconnected, operation, why).on(format!("process {pid}"))
}

/// A handle's number in another process: one that an open thing can have there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(u32);

impl Number {
    /// The system's numbers are multiples of 4, and have no more bits than this even on 64-bit systems. Negative
    /// ones stand for the process or the thread itself that uses them, or are the kernel's own.
    pub(crate) fn new(number: u32) -> Option<Self> {
        let is_usual = number != 0 && number % 4 == 0 && i32::try_from(number).is_ok();
        is_usual.then_some(Self(number))
    }

    pub(crate) fn get(self) -> u32 {
        self.0
    }

    fn of(handle: &OwnedHandle) -> Option<Self> {
        u32::try_from(handle.as_raw_handle().addr()).ok().and_then(Self::new)
    }

    /// A handle here of the same thing that it is there: for the same uses, or for `access`.
    fn pull(self, from: &Process, access: Option<u32>) -> io::Result<OwnedHandle> {
        let options = if access.is_none() { DUPLICATE_SAME_ACCESS } else { 0 };
        let mut handle = null_mut();
        // SAFETY: the process' handle is open and may be used for this; the number may be that of anything there, as
        // it is looked up by the system, and isn't one that means the caller's own process or thread; the place is
        // valid for a handle, which no child inherits.
        let done = unsafe {
            let (process, here) = (from.as_handle().as_raw_handle(), GetCurrentProcess());
            let (number, access) = (without_provenance_mut(self.0 as usize), access.unwrap_or(0));
            DuplicateHandle(process, number, here, &raw mut handle, access, 0, options)
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { owned(handle) }
    }
}
