//! Operations of files and pipes that can end early: the system works on them while this process waits.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object, wait};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
};
use strait_core::Deadline;
use windows_sys::Win32::{
    Foundation::{ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, GetLastError, HANDLE},
    Storage::FileSystem::{ReadFile, WriteFile},
    System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED},
};

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// How many bytes were moved.
    pub(crate) bytes: usize,
    /// The system's code: 0 where all went well; `ERROR_MORE_DATA` where a message is longer than the buffer.
    pub(crate) code: u32,
}

impl Ended {
    /// The number of bytes, where all went well.
    pub(crate) fn bytes(self) -> io::Result<usize> {
        match self.code {
            0 => Ok(self.bytes),
            code => Err(io::Error::from_raw_os_error(code as i32)),
        }
    }
}

/// Reads from an overlapped handle. `None` where the deadline passed before anything was read; then nothing was.
///
/// An empty buffer waits until there is something to read, and takes nothing of it.
pub(crate) fn read(
    file: impl AsHandle,
    buffer: &mut [u8],
    deadline: Deadline<'_>,
) -> io::Result<Option<Ended>> {
    let len = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
    let place = buffer.as_mut_ptr();
    run(file, deadline, |file, overlapped| {
        // SAFETY: the buffer has `len` bytes, and it and `overlapped` stay until the operation has ended.
        unsafe { ReadFile(file, place, len, std::ptr::null_mut(), overlapped) }
    })
}

/// Writes to an overlapped handle. `None` where the deadline passed before it was done; then nothing was written,
/// unless another has read a part of it meanwhile.
pub(crate) fn write(
    file: impl AsHandle,
    bytes: &[u8],
    deadline: Deadline<'_>,
) -> io::Result<Option<Ended>> {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    run(file, deadline, |file, overlapped| {
        // SAFETY: there are `len` bytes, and they and `overlapped` stay until the operation has ended.
        unsafe { WriteFile(file, bytes.as_ptr(), len, std::ptr::null_mut(), overlapped) }
    })
}

/// Starts an operation and waits for its end; where the deadline passes first it is cancelled. Either way it has
/// ended when this returns, so it may work on what the caller has borrowed.
fn run(
    file: impl AsHandle,
    deadline: Deadline<'_>,
    start: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32,
) -> io::Result<Option<Ended>> {
    thread_local! {
        /// One for each thread, which has one operation under way at a time.
        static EVENT: io::Result<OwnedHandle> = object::event();
    }
    EVENT.with(|event| {
        let event = event.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        let file = file.as_handle();
        let mut overlapped = OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() };
        let place = &raw mut overlapped;
        // SAFETY: it has no preconditions.
        if start(file.as_raw_handle(), place) == 0 && unsafe { GetLastError() } != ERROR_IO_PENDING
        {
            // SAFETY: as above.
            return Ok(Some(Ended { bytes: 0, code: unsafe { GetLastError() } }));
        }
        let ended = wait::one(event, deadline);
        if !matches!(ended, Ok(true)) {
            // SAFETY: the handle is open; it cancels the operation at `place`, or does nothing where that has ended.
            unsafe { CancelIoEx(file.as_raw_handle(), place) };
        }
        let ended = result(file.as_raw_handle(), place);
        Ok(Some(ended).filter(|ended| ended.code != ERROR_OPERATION_ABORTED))
    })
}

/// Waits for the end of an operation that is about to end.
fn result(file: HANDLE, overlapped: *mut OVERLAPPED) -> Ended {
    let mut bytes = 0;
    // SAFETY: the operation was started on this open handle with this structure, which is still there.
    let done = unsafe { GetOverlappedResult(file, overlapped, &raw mut bytes, 1) };
    // SAFETY: it has no preconditions.
    let code = if done == 0 { unsafe { GetLastError() } } else { 0 };
    Ended { bytes: bytes as usize, code }
}
