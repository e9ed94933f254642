//! Rings on their way to a peer that doesn't hear them.
//!
//! Where the pipe has no room for another ring, the last one goes on being sent while nobody waits for it. As long as
//! it does, enough rings are there to be heard, and more needn't be sent.
#![expect(unsafe_code, reason = "starts and cancels operations")]

use crate::{object, record::RING};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
    ptr::{NonNull, null_mut},
    sync::{Mutex, PoisonError},
};
use windows_sys::Win32::{
    Foundation::{
        ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, ERROR_OPERATION_ABORTED, GetLastError, HANDLE,
    },
    Storage::FileSystem::WriteFile,
    System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED},
};

/// The bell at the other end of a pipe, which is open as long as this is used.
#[derive(Debug)]
pub(crate) struct Rings<P: AsHandle> {
    pipe: P,
    last: Mutex<Ring>,
}

#[derive(Debug)]
struct Ring {
    overlapped: NonNull<OVERLAPPED>,
    event: OwnedHandle,
    is_under_way: bool,
}

// SAFETY: the memory belongs to this value alone; the system doesn't care which thread asks.
unsafe impl Send for Ring {}

impl<P: AsHandle> Rings<P> {
    pub(crate) fn new(pipe: P) -> io::Result<Self> {
        let event = object::event()?;
        let overlapped = NonNull::from(Box::leak(Box::default()));
        Ok(Self { pipe, last: Mutex::new(Ring { overlapped, event, is_under_way: false }) })
    }

    /// What the bell is at.
    pub(crate) fn pipe(&self) -> &P {
        &self.pipe
    }

    /// Rings.
    pub(crate) fn ring(&self) -> io::Result<()> {
        let pipe = self.pipe.as_handle().as_raw_handle();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_under_way {
            match last.result(pipe, false) {
                ERROR_IO_INCOMPLETE => return Ok(()),
                // It has been heard, or the thread has ended that sent it.
                0 | ERROR_OPERATION_ABORTED => last.is_under_way = false,
                code => return Err(io::Error::from_raw_os_error(code as i32)),
            }
        }
        match last.start(pipe) {
            0 => Ok(()),
            ERROR_IO_PENDING => {
                last.is_under_way = true;
                Ok(())
            }
            code => Err(io::Error::from_raw_os_error(code as i32)),
        }
    }
}

impl<P: AsHandle> Drop for Rings<P> {
    fn drop(&mut self) {
        let pipe = self.pipe.as_handle().as_raw_handle();
        let last = self.last.get_mut().unwrap_or_else(PoisonError::into_inner);
        if last.is_under_way {
            // SAFETY: the handle is open; it cancels this operation, or does nothing where that has ended.
            unsafe { CancelIoEx(pipe, last.overlapped.as_ptr()) };
            last.result(pipe, true);
        }
        // SAFETY: it was leaked out of a box, for this value alone; the operation has ended.
        drop(unsafe { Box::from_raw(last.overlapped.as_ptr()) });
    }
}

impl Ring {
    /// Starts to send one; none is under way.
    fn start(&mut self, pipe: HANDLE) -> u32 {
        let (place, event) = (self.overlapped.as_ptr(), self.event.as_raw_handle());
        // SAFETY: the handle is open; the memory is this value's, nothing is under way that would touch it, and it
        // and the bytes, which are constant, stay until the operation has ended.
        let done = unsafe {
            place.write(OVERLAPPED { hEvent: event, ..OVERLAPPED::default() });
            WriteFile(pipe, RING.as_ptr(), RING.len() as u32, null_mut(), place)
        };
        // SAFETY: it has no preconditions.
        if done == 0 { unsafe { GetLastError() } } else { 0 }
    }

    /// How the one that is under way has ended.
    fn result(&self, pipe: HANDLE, waits: bool) -> u32 {
        let mut bytes = 0;
        // SAFETY: the operation was started on this open handle with this structure, which is still there.
        let done = unsafe {
            GetOverlappedResult(pipe, self.overlapped.as_ptr(), &raw mut bytes, i32::from(waits))
        };
        // SAFETY: it has no preconditions.
        if done == 0 { unsafe { GetLastError() } } else { 0 }
    }
}
