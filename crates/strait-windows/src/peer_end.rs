//! Whether the other end of a named pipe is there: not yet, or not any more, also where something of it hasn't been
//! read yet.
#![expect(unsafe_code, reason = "calls the system")]

use std::{
    mem::MaybeUninit,
    os::windows::io::{AsHandle, AsRawHandle},
};
use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_PIPE_CONNECTED_STATE, FILE_PIPE_LISTENING_STATE, FILE_PIPE_LOCAL_INFORMATION,
        FilePipeLocalInformation, NtQueryInformationFile,
    },
    Win32::System::IO::IO_STATUS_BLOCK,
};

/// Whether nobody has the other end any more. Where the system doesn't tell, somebody may.
pub(crate) fn is_closed(pipe: impl AsHandle) -> bool {
    state(pipe).is_some_and(|state| {
        ![FILE_PIPE_CONNECTED_STATE, FILE_PIPE_LISTENING_STATE].contains(&state)
    })
}

/// Whether nobody has connected to it yet.
pub(crate) fn is_listening(pipe: impl AsHandle) -> bool {
    state(pipe).is_none_or(|state| state == FILE_PIPE_LISTENING_STATE)
}

fn state(pipe: impl AsHandle) -> Option<u32> {
    let mut found = MaybeUninit::<FILE_PIPE_LOCAL_INFORMATION>::zeroed();
    let mut status = IO_STATUS_BLOCK::default();
    let len = size_of::<FILE_PIPE_LOCAL_INFORMATION>() as u32;
    // SAFETY: the handle is open while it is borrowed, and the place has as many bytes as is said, which the system
    // fills in for this class, at once.
    let done = unsafe {
        let (pipe, place) = (pipe.as_handle().as_raw_handle(), found.as_mut_ptr().cast());
        NtQueryInformationFile(pipe, &raw mut status, place, len, FilePipeLocalInformation)
    };
    // SAFETY: any bytes, also zeros, are valid in its fields, which are numbers.
    let state = unsafe { found.assume_init() }.NamedPipeState;
    (done >= 0).then_some(state)
}
