//! What the system knows of a pipe: who has its other end, and what it is called.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{process::Process, user::User};
use std::{
    mem::MaybeUninit,
    os::windows::io::{AsHandle, AsRawHandle},
};
use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_INFORMATION_CLASS, FILE_PIPE_CONNECTED_STATE, FILE_PIPE_LISTENING_STATE,
        FILE_PIPE_LOCAL_INFORMATION, FileNameInformation, FilePipeLocalInformation,
        NtQueryInformationFile,
    },
    Win32::System::{IO::IO_STATUS_BLOCK, Pipes::GetNamedPipeServerProcessId},
};

/// Who has the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Nobody yet.
    Awaited,
    /// Somebody, or the system doesn't tell.
    There,
    /// Nobody any more.
    Gone,
}

/// Whether nobody has the other end any more, also where something of it hasn't been read yet. Where the system
/// doesn't tell, somebody may.
pub(crate) fn is_closed(pipe: impl AsHandle) -> bool {
    of(pipe) == Peer::Gone
}

/// Who has the other end, also where something of it hasn't been read yet.
pub(crate) fn of(pipe: impl AsHandle) -> Peer {
    let mut found = MaybeUninit::<FILE_PIPE_LOCAL_INFORMATION>::zeroed();
    let len = size_of::<FILE_PIPE_LOCAL_INFORMATION>() as u32;
    // SAFETY: the place has as many bytes as is said.
    let done = unsafe { query(pipe, FilePipeLocalInformation, found.as_mut_ptr().cast(), len) };
    // SAFETY: any bytes, also zeros, are valid in its fields, which are numbers.
    match unsafe { found.assume_init() }.NamedPipeState {
        _ if !done => Peer::There,
        FILE_PIPE_LISTENING_STATE => Peer::Awaited,
        FILE_PIPE_CONNECTED_STATE => Peer::There,
        _ => Peer::Gone,
    }
}

/// Whether nobody has connected to it yet.
pub(crate) fn is_listening(pipe: impl AsHandle) -> bool {
    of(pipe) == Peer::Awaited
}

/// Its path below that of all pipes; `None` where the system doesn't tell.
pub(crate) fn path_of(pipe: impl AsHandle) -> Option<String> {
    // The number of bytes, as two units, and the longest path that a pipe may have.
    let mut found = [0_u32; 2 + 256];
    let len = size_of_val(&found) as u32;
    // SAFETY: the place has as many bytes as is said, and begins where a number may.
    let done = unsafe { query(pipe, FileNameInformation, found.as_mut_ptr().cast(), len) };
    let units: Vec<u16> =
        found[1..].iter().flat_map(|unit| [*unit as u16, (*unit >> 16) as u16]).collect();
    let path = units.get(..found[0] as usize / 2)?;
    done.then(|| String::from_utf16(path).ok()).flatten()
}

/// Whether the process that made the pipe is this user's. Where that can't be known, it isn't.
pub(crate) fn is_of_user(pipe: impl AsHandle, user: &User) -> bool {
    let mut pid = 0;
    // SAFETY: the handle is open while it is borrowed, and the place valid for a number.
    let done =
        unsafe { GetNamedPipeServerProcessId(pipe.as_handle().as_raw_handle(), &raw mut pid) != 0 };
    let process = Process::open(pid, 0, "ask whose a pipe is").ok().flatten().filter(|_| done);
    process.and_then(|process| User::of_process(&process).ok()).is_some_and(|of| of.sid == user.sid)
}

/// # Safety
///
/// The place is valid for so many bytes, and aligned for what the class is of.
unsafe fn query(
    pipe: impl AsHandle,
    class: FILE_INFORMATION_CLASS,
    place: *mut core::ffi::c_void,
    len: u32,
) -> bool {
    let mut status = IO_STATUS_BLOCK::default();
    // SAFETY: the handle is open while it is borrowed; the caller sees to the place, which the system fills in at once.
    unsafe {
        let pipe = pipe.as_handle().as_raw_handle();
        NtQueryInformationFile(pipe, &raw mut status, place, len, class) >= 0
    }
}
