//! Operations of files and pipes that can end early: the system works on them while this process waits.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object, wait};
use std::{
    cell::UnsafeCell,
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::null_mut,
};
use strait_core::Deadline;
use windows_sys::Win32::{
    Foundation::{
        ERROR_IO_PENDING, ERROR_MORE_DATA, ERROR_OPERATION_ABORTED, GetLastError, HANDLE, NTSTATUS,
        STATUS_CANCELLED, STATUS_PENDING,
    },
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

/// Waits until one of `files` has something to read, or is at its end, or one of `events` is set; `false` where the
/// deadline passed first. It takes nothing. There are fewer events than [`wait::MOST`], and any number of files.
pub(crate) fn readable(
    files: &[BorrowedHandle<'_>],
    events: &[BorrowedHandle<'_>],
    deadline: Deadline<'_>,
) -> io::Result<bool> {
    EVENT.with(|event| {
        let event = event.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        let mut reads = Reads::start(files, event);
        if reads.any_has_ended() {
            return Ok(true);
        }
        let all: Vec<_> = [event.as_handle()].into_iter().chain(events.iter().copied()).collect();
        let ended = wait::any(&all, deadline);
        // What came in just now is there, too.
        reads.end();
        Ok(ended?.is_some() || reads.any)
    })
}

/// Reads of nothing that are under way, each at a file of its own, with one event.
struct Reads<'a> {
    files: &'a [BorrowedHandle<'a>],
    event: &'a OwnedHandle,
    // Touched through pointers alone while the system may write to them.
    overlapped: Box<[UnsafeCell<OVERLAPPED>]>,
    /// Which of them the system works on, or has.
    started: Vec<usize>,
    /// Whether one has ended otherwise than by being cancelled.
    any: bool,
}

impl<'a> Reads<'a> {
    /// Starts one at each file, until one of them ends at once.
    fn start(files: &'a [BorrowedHandle<'a>], event: &'a OwnedHandle) -> Self {
        let event_of_all = event.as_raw_handle();
        let new =
            |_: &_| UnsafeCell::new(OVERLAPPED { hEvent: event_of_all, ..OVERLAPPED::default() });
        let overlapped = files.iter().map(new).collect();
        let mut reads = Self { files, event, overlapped, started: Vec::new(), any: false };
        for (index, file) in files.iter().enumerate() {
            let place = reads.overlapped[index].get();
            // SAFETY: nothing is to be read, and the structure stays until the operation has ended, which dropping
            // `reads` waits for.
            let done = unsafe { ReadFile(file.as_raw_handle(), null_mut(), 0, null_mut(), place) };
            // SAFETY: it has no preconditions.
            match done == 0 && unsafe { GetLastError() } == ERROR_IO_PENDING {
                true => reads.started.push(index),
                false => {
                    reads.any = true;
                    break;
                }
            }
        }
        reads
    }

    /// Whether one has ended by now. Starting another has cleared the event, so it doesn't tell of those before.
    fn any_has_ended(&mut self) -> bool {
        self.any |= self.started.iter().any(|&index| self.status(index) != STATUS_PENDING);
        self.any
    }

    fn status(&self, index: usize) -> NTSTATUS {
        // SAFETY: it is valid; the system may write to it meanwhile, and it is a word.
        unsafe { (&raw const (*self.overlapped[index].get()).Internal).read_volatile() as NTSTATUS }
    }

    /// Cancels all, and waits until they have ended.
    fn end(&mut self) {
        for &index in &self.started {
            let file = self.files[index].as_raw_handle();
            // SAFETY: the handle is open; it cancels the operation with this structure, or does nothing where that
            // has ended.
            unsafe { CancelIoEx(file, self.overlapped[index].get()) };
        }
        for index in std::mem::take(&mut self.started) {
            loop {
                // Before the look, as each end sets it.
                object::reset(self.event);
                match self.status(index) {
                    STATUS_PENDING => {
                        // It ends at once, and there is nothing to be done where that can't be waited for.
                        let _ = wait::one(self.event, Deadline::NEVER);
                    }
                    STATUS_CANCELLED => break,
                    _ => {
                        self.any = true;
                        break;
                    }
                }
            }
        }
    }
}

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

thread_local! {
    /// One for each thread, which waits for one thing at a time.
    static EVENT: io::Result<OwnedHandle> = object::event();
}

/// Starts an operation and waits for its end; where the deadline passes first it is cancelled. Either way it has
/// ended when this returns, so it may work on what the caller has borrowed.
fn run(
    file: impl AsHandle,
    deadline: Deadline<'_>,
    start: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32,
) -> io::Result<Option<Ended>> {
    EVENT.with(|event| {
        let event = event.as_ref().map_err(|error| io::Error::from(error.kind()))?;
        let file = file.as_handle();
        let mut overlapped = OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() };
        let place = &raw mut overlapped;
        // SAFETY: it has no preconditions.
        match if start(file.as_raw_handle(), place) == 0 { unsafe { GetLastError() } } else { 0 } {
            ERROR_IO_PENDING => {}
            // Of a message that is longer than the buffer, the beginning was read.
            0 | ERROR_MORE_DATA => return Ok(Some(result(file.as_raw_handle(), place))),
            code => return Ok(Some(Ended { bytes: 0, code })),
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
