//! A read that goes on while nobody waits for it.
//!
//! What the system writes to meanwhile is on the heap, belongs to the operation alone, and is freed when that has
//! ended, which it is made to where this is dropped before.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object, overlapped::Ended};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::{NonNull, null_mut},
};
use windows_sys::Win32::{
    Foundation::{ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, GetLastError},
    Storage::FileSystem::ReadFile,
    System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED},
};

/// A read of an overlapped handle, or none that is under way. With room for no byte at all it ends as soon as there
/// is something to read, and takes nothing of it.
///
/// The system ends it where the thread ends that has started it (`ERROR_OPERATION_ABORTED`).
#[derive(Debug)]
pub(crate) struct PendingRead<F: AsHandle> {
    file: F,
    /// Set when it has ended.
    event: OwnedHandle,
    overlapped: NonNull<OVERLAPPED>,
    bytes: NonNull<[u8]>,
    state: State,
}

#[derive(Debug)]
enum State {
    UnderWay,
    Ended(Ended),
}

// SAFETY: the memory belongs to this value alone, which touches it only while it is borrowed for that; the
// system doesn't care which thread asks.
unsafe impl<F: AsHandle + Send> Send for PendingRead<F> {}
// SAFETY: as above; what is shared shows the event only.
unsafe impl<F: AsHandle + Sync> Sync for PendingRead<F> {}

impl<F: AsHandle> PendingRead<F> {
    /// Starts one, with room for so many bytes.
    pub(crate) fn start(file: F, room: usize) -> io::Result<Self> {
        let event = object::event()?;
        let overlapped = NonNull::from(Box::leak(Box::new(OVERLAPPED::default())));
        let bytes = NonNull::from(Box::leak(vec![0; room].into_boxed_slice()));
        let state = State::Ended(Ended { bytes: 0, code: 0 });
        let mut read = Self { file, event, overlapped, bytes, state };
        read.start_again();
        Ok(read)
    }

    /// Starts it again where it has ended.
    pub(crate) fn start_again(&mut self) {
        if self.ended().is_none() {
            return;
        }
        let (file, overlapped) = (self.file.as_handle().as_raw_handle(), self.overlapped.as_ptr());
        let (place, room) = (self.bytes.as_ptr().cast(), self.bytes.len() as u32);
        let event = self.event.as_raw_handle();
        // SAFETY: both are this value's, and nothing is under way that would touch them; they stay until the
        // operation that begins here has ended.
        let started = unsafe {
            overlapped.write(OVERLAPPED { hEvent: event, ..OVERLAPPED::default() });
            ReadFile(file, place, room, null_mut(), overlapped)
        };
        // SAFETY: it has no preconditions.
        let code = unsafe { GetLastError() };
        self.state = State::UnderWay;
        if started == 0 && code != ERROR_IO_PENDING {
            // The system hasn't begun it, and tells nobody of its end.
            object::set(&self.event);
            self.state = State::Ended(Ended { bytes: 0, code });
        }
    }

    /// How it has ended; `None` where it is under way.
    pub(crate) fn ended(&mut self) -> Option<Ended> {
        if let State::UnderWay = self.state {
            match self.result(false) {
                Ended { code: ERROR_IO_INCOMPLETE, .. } => return None,
                ended => self.state = State::Ended(ended),
            }
        }
        match self.state {
            State::Ended(ended) => Some(ended),
            State::UnderWay => None,
        }
    }

    fn result(&self, waits: bool) -> Ended {
        let mut bytes = 0;
        let file = self.file.as_handle().as_raw_handle();
        // SAFETY: the operation was started on this open handle with this structure, which is still there.
        let done = unsafe {
            let overlapped = self.overlapped.as_ptr();
            GetOverlappedResult(file, overlapped, &raw mut bytes, i32::from(waits))
        };
        // SAFETY: it has no preconditions.
        let code = if done == 0 { unsafe { GetLastError() } } else { 0 };
        Ended { bytes: bytes as usize, code }
    }
}

/// Signalled when it has ended.
impl<F: AsHandle> AsHandle for PendingRead<F> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}

impl<F: AsHandle> Drop for PendingRead<F> {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let file = self.file.as_handle().as_raw_handle();
            // SAFETY: the handle is open; it cancels this operation, or does nothing where that has ended.
            unsafe { CancelIoEx(file, self.overlapped.as_ptr()) };
            self.result(true);
        }
        // SAFETY: they were leaked out of boxes, for this value alone; the operation has ended.
        drop(unsafe {
            (Box::from_raw(self.overlapped.as_ptr()), Box::from_raw(self.bytes.as_ptr()))
        });
    }
}
