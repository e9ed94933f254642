//! Taking turns at a name, for a few system calls each.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{
    named,
    register::{Place, refused},
    security::Security,
    wait,
};
use std::{
    io,
    marker::PhantomData,
    os::windows::io::{AsRawHandle, OwnedHandle},
    time::Duration,
};
use strait_core::{Deadline, Error, ErrorKind, Result};
use windows_sys::Win32::System::Threading::ReleaseMutex;

/// This thread's turn: it owns the mutex of a name. Dropping it lets the next one.
#[derive(Debug)]
pub(crate) struct Turn {
    /// There until the turn ends.
    mutex: Option<OwnedHandle>,
    /// Only the thread that owns a mutex can give it back.
    not_send: PhantomData<*const ()>,
}

impl Turn {
    /// Takes the turn; the mutex is made where it isn't there.
    pub(crate) fn make(place: &Place<'_>, security: &Security) -> Result<Self> {
        let made = named::mutex(&place.object("segment-turn"), security);
        match made.and_then(|made| made.of(place.user)) {
            Ok(mutex) => Self::take(mutex, place),
            Err(error) => Err(refused(place, error)),
        }
    }

    /// Takes the turn; `None` where there is no mutex, and so nothing of that name.
    pub(crate) fn join(place: &Place<'_>) -> Result<Option<Self>> {
        let there = named::open_mutex(&place.object("segment-turn"), place.user);
        let there = there.map_err(|error| place.failed(error))?;
        there.map(|mutex| Self::take(mutex, place)).transpose()
    }

    fn take(mutex: OwnedHandle, place: &Place<'_>) -> Result<Self> {
        // Who owns it owns it for a few system calls. One that is stopped in between holds up others, and gets them
        // an error in the end.
        let deadline = Deadline::after(Duration::from_secs(1));
        match wait::one(&mutex, deadline).map_err(|error| place.failed(error))? {
            true => Ok(Self { mutex: Some(mutex), not_send: PhantomData }),
            false => {
                let why = "another process has begun to change it and does not go on";
                Err(Error::new(ErrorKind::Busy, place.operation, why)
                    .on(place.name)
                    .hint("continue or end that process"))
            }
        }
    }

    /// Lets those take turns from now on that this says.
    pub(crate) fn open_to(&self, security: &Security) -> io::Result<()> {
        self.mutex.as_ref().map_or(Ok(()), |mutex| security.set_on(mutex))
    }

    /// Ends the turn, and keeps the mutex for others to find.
    pub(crate) fn end(mut self) -> Option<OwnedHandle> {
        self.release();
        self.mutex.take()
    }

    fn release(&self) {
        if let Some(mutex) = &self.mutex {
            // SAFETY: the handle is open. It can't fail in the thread that owns it, which this is.
            unsafe { ReleaseMutex(mutex.as_raw_handle()) };
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.release();
    }
}
