//! Writes that go on when their deadline has passed, and when their thread ends.
//!
//! A write that is under way can't be taken back exactly: the other end may have read a part of it. So it goes on,
//! with bytes of its own, and counts as written. The system cancels what a thread has begun when that ends; so one
//! thread begins them all, which never does.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object, overlapped::Ended, wait};
use std::{
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr::null_mut,
    sync::{
        Arc, OnceLock,
        mpsc::{Sender, channel},
    },
    thread,
};
use strait_core::Deadline;
use windows_sys::Win32::{
    Foundation::{ERROR_IO_INCOMPLETE, ERROR_IO_PENDING, GetLastError},
    Storage::FileSystem::WriteFile,
    System::IO::{GetOverlappedResult, OVERLAPPED},
};

/// A write that was begun. Dropped before it has ended, it goes on, and keeps the handle open meanwhile.
#[derive(Debug)]
pub(crate) struct Delivery(Option<Box<Parcel>>);

struct Parcel {
    file: Arc<OwnedHandle>,
    bytes: Vec<u8>,
    overlapped: OVERLAPPED,
    /// Set when it has ended.
    event: OwnedHandle,
    /// The code of what couldn't even begin.
    refused: Option<u32>,
}

// SAFETY: the pointers in it are the system's, which doesn't care which thread asks; the memory that it reads and
// writes meanwhile is on the heap, and is freed when it has ended.
unsafe impl Send for Parcel {}
// SAFETY: what is shared shows nothing but whether it has ended, which the system says.
unsafe impl Sync for Parcel {}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parcel").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Delivery {
    /// Begins to write all of `bytes` to an overlapped handle.
    pub(crate) fn begin(file: &Arc<OwnedHandle>, bytes: &[u8]) -> io::Result<Self> {
        static COURIER: OnceLock<Option<Sender<Order>>> = OnceLock::new();
        let gone = || io::Error::new(io::ErrorKind::OutOfMemory, "there are no more threads");
        let courier = COURIER.get_or_init(|| start().ok()).as_ref().ok_or_else(gone)?;
        let event = object::event()?;
        let overlapped = OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() };
        let (file, bytes) = (Arc::clone(file), bytes.to_vec());
        let parcel = Parcel { file, bytes, overlapped, event, refused: None };
        let (begun, is_begun) = channel();
        courier.send((Box::new(parcel), begun)).map_err(|_| gone())?;
        Ok(Self(Some(is_begun.recv().map_err(|_| gone())?)))
    }

    /// Waits until it has ended; `None` where the deadline passed first.
    pub(crate) fn wait(&mut self, deadline: Deadline<'_>) -> io::Result<Option<Ended>> {
        let Some(parcel) = &self.0 else { return Ok(None) };
        // Cancelled or not: what has ended has.
        if !parcel.has_ended() && !wait::one(&parcel.event, deadline)? && !parcel.has_ended() {
            return Ok(None);
        }
        let ended = parcel.ended();
        self.0 = None;
        Ok(Some(ended))
    }
}

#[cfg(feature = "tokio")]
impl Delivery {
    /// Signalled when it has ended; `None` where it had when it was last looked at.
    pub(crate) fn end(&self) -> Option<io::Result<OwnedHandle>> {
        self.0.as_ref().map(|parcel| parcel.event.try_clone())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(parcel) = self.0.take() else { return };
        if parcel.has_ended() {
            return;
        }
        let kept = Arc::new(Kept(Some(parcel)));
        let waits = Arc::clone(&kept);
        let waiting = thread::Builder::new().name("strait-delivery".to_owned()).spawn(move || {
            if let Some(parcel) = &waits.0 {
                let _ = wait::one(&parcel.event, Deadline::NEVER);
            }
        });
        if waiting.is_err() {
            // It goes on until this process ends.
            std::mem::forget(kept);
        }
    }
}

/// A parcel that nobody looks at any more.
struct Kept(Option<Box<Parcel>>);

impl Drop for Kept {
    fn drop(&mut self) {
        // Where waiting failed, the system still has the memory.
        if let Some(parcel) = self.0.take_if(|parcel| !parcel.has_ended()) {
            std::mem::forget(parcel);
        }
    }
}

impl Parcel {
    /// Runs in the thread that doesn't end.
    fn begin(&mut self) {
        let len = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        // SAFETY: the bytes and `overlapped` are on the heap, and stay there until the operation has ended.
        let started = unsafe {
            let (file, bytes) = (self.file.as_raw_handle(), self.bytes.as_ptr());
            WriteFile(file, bytes, len, null_mut(), &raw mut self.overlapped)
        };
        // SAFETY: it has no preconditions.
        let code = unsafe { GetLastError() };
        if started == 0 && code != ERROR_IO_PENDING {
            self.refused = Some(code);
        }
    }

    fn has_ended(&self) -> bool {
        self.ended().code != ERROR_IO_INCOMPLETE
    }

    fn ended(&self) -> Ended {
        if let Some(code) = self.refused {
            return Ended { bytes: 0, code };
        }
        let mut bytes = 0;
        // SAFETY: the operation was begun on this open handle with this structure.
        let done = unsafe {
            let file = self.file.as_raw_handle();
            GetOverlappedResult(file, &raw const self.overlapped, &raw mut bytes, 0)
        };
        // SAFETY: it has no preconditions.
        let code = if done == 0 { unsafe { GetLastError() } } else { 0 };
        Ended { bytes: bytes as usize, code }
    }
}

/// What is to be begun, and whom to give it to then.
type Order = (Box<Parcel>, Sender<Box<Parcel>>);

fn start() -> io::Result<Sender<Order>> {
    let (orders, to_begin) = channel::<Order>();
    thread::Builder::new().name("strait-courier".to_owned()).spawn(move || {
        for (mut parcel, begun) in to_begin {
            parcel.begin();
            if let Err(unwanted) = begun.send(parcel) {
                drop(Delivery(Some(unwanted.0)));
            }
        }
    })?;
    Ok(orders)
}
