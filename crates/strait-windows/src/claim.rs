//! The right to create what has a name, which one thread has at a time.
//!
//! It is a mutex of the kernel's, which gives it on when the thread ends that has it.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{named, register::Place, security::Security, wait};
use std::{
    cell::RefCell,
    marker::PhantomData,
    os::windows::io::{AsRawHandle, OwnedHandle},
};
use strait_core::{Access, Deadline, Error, ErrorKind, Result};
use windows_sys::Win32::System::Threading::ReleaseMutex;

/// The right to create what has a name. Only the thread that took it can give it back.
#[derive(Debug)]
pub struct WindowsClaim {
    mutex: OwnedHandle,
    name: String,
    not_send: PhantomData<*const ()>,
}

thread_local! {
    /// What this thread has claimed, as the kernel would give it to it again.
    static MINE: RefCell<Vec<String>> = RefCell::default();
}

impl WindowsClaim {
    /// Waits for the claim to what is to be at `place`.
    pub(crate) fn take(place: &Place<'_>, deadline: Deadline<'_>) -> Result<Self> {
        let name = place.object("claim");
        if MINE.try_with(|mine| mine.borrow().contains(&name)).unwrap_or(false) {
            let why = "this thread is just creating it";
            return Err(Error::new(ErrorKind::Deadlock, place.operation, why).on(place.name));
        }
        let failed = |error| named::failed(place.operation, error).on(place.name);
        let security = Security::of(Access::Private)?;
        let mutex = named::mutex(&name, &security).and_then(|made| made.of(place.user));
        let mutex = mutex.map_err(failed)?;
        if !wait::one(&mutex, deadline).map_err(failed)? {
            let why = "another process is about to create it and does not go on";
            return Err(deadline.error_because(place.operation, why).on(place.name));
        }
        let _ = MINE.try_with(|mine| mine.borrow_mut().push(name.clone()));
        Ok(Self { mutex, name, not_send: PhantomData })
    }
}

impl Drop for WindowsClaim {
    fn drop(&mut self) {
        let _ = MINE.try_with(|mine| {
            let mut mine = mine.borrow_mut();
            if let Some(index) = mine.iter().rposition(|name| *name == self.name) {
                mine.remove(index);
            }
        });
        // SAFETY: the handle is open. It can't fail in the thread that took it, which this is.
        unsafe { ReleaseMutex(self.mutex.as_raw_handle()) };
    }
}
