//! Waiting for many pipes at once: more than the system can wait for by itself.
//!
//! An operation is started at each of them that ends when something happens there, and takes nothing. All set the same
//! event. Whoever starts one resets it, so it is looked at each of them after the last was started.
#![expect(unsafe_code, reason = "calls the system")]

use crate::wait;
use std::{
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr::null_mut,
    sync::Arc,
};
use strait_core::Deadline;
use windows_sys::Win32::{
    Foundation::{ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, GetLastError},
    Storage::FileSystem::ReadFile,
    System::{
        IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED},
        Pipes::ConnectNamedPipe,
        Threading::ResetEvent,
    },
};

/// Waits until there is something to read from one of `open`, or its end; until somebody opens one of `awaited`; or
/// until `told` is set. `false` where the deadline passed first.
pub(crate) fn wait(
    open: &[Arc<OwnedHandle>],
    awaited: &[Arc<OwnedHandle>],
    told: &OwnedHandle,
    deadline: Deadline<'_>,
) -> io::Result<bool> {
    let event = crate::object::event()?;
    let mut looks = Looks { started: Vec::with_capacity(open.len() + awaited.len()), event };
    let all = open.iter().map(|pipe| (pipe, true)).chain(awaited.iter().map(|pipe| (pipe, false)));
    for (pipe, is_open) in all {
        if !looks.start(pipe, is_open) {
            return Ok(true);
        }
    }
    if looks.started.iter().any(Look::has_ended) {
        return Ok(true);
    }
    use std::os::windows::io::AsHandle;
    Ok(wait::any(&[looks.event.as_handle(), told.as_handle()], deadline)?.is_some())
}

/// Operations that are under way. Dropping this ends them all.
struct Looks {
    started: Vec<Look>,
    event: OwnedHandle,
}

struct Look {
    pipe: Arc<OwnedHandle>,
    overlapped: Box<OVERLAPPED>,
}

impl Looks {
    /// `false` where it has ended at once.
    fn start(&mut self, pipe: &Arc<OwnedHandle>, is_open: bool) -> bool {
        let event = self.event.as_raw_handle();
        let overlapped = OVERLAPPED { hEvent: event, ..OVERLAPPED::default() };
        let mut look = Look { pipe: Arc::clone(pipe), overlapped: Box::new(overlapped) };
        let (pipe, place) = (look.pipe.as_raw_handle(), &raw mut *look.overlapped);
        // SAFETY: the handle is open, and `overlapped` stays where it is until the operation has ended. No byte is
        // read, so no place for it is needed.
        let started = unsafe {
            match is_open {
                true => ReadFile(pipe, null_mut(), 0, null_mut(), place),
                false => ConnectNamedPipe(pipe, place),
            }
        };
        // SAFETY: it has no preconditions.
        if started != 0 || unsafe { GetLastError() } != ERROR_IO_PENDING {
            return false;
        }
        self.started.push(look);
        true
    }
}

impl Look {
    fn has_ended(&self) -> bool {
        let mut bytes = 0;
        // SAFETY: the operation was started on this open handle with this structure, which is still there.
        unsafe {
            let pipe = self.pipe.as_raw_handle();
            GetOverlappedResult(pipe, &raw const *self.overlapped, &raw mut bytes, 0) != 0
                || GetLastError() != ERROR_IO_INCOMPLETE
        }
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        for look in &self.started {
            // SAFETY: the handle is open; it cancels this operation, or does nothing where that has ended.
            unsafe { CancelIoEx(look.pipe.as_raw_handle(), &raw const *look.overlapped) };
        }
        while let Some(look) = self.started.pop() {
            loop {
                // Before looking, so that its end sets it again.
                // SAFETY: the handle is open.
                unsafe { ResetEvent(self.event.as_raw_handle()) };
                if look.has_ended() {
                    break;
                }
                if wait::one(&self.event, Deadline::NEVER).is_err() {
                    // The system still has it.
                    std::mem::forget(look);
                    break;
                }
            }
        }
    }
}
