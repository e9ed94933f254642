//! Events: what is set when there is something to look at.
#![expect(unsafe_code, reason = "makes, opens and resets events")]

use crate::{
    object::{owned, wide},
    security::Security,
};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
};
use windows_sys::Win32::{
    Foundation::ERROR_ALREADY_EXISTS,
    System::Threading::{CreateEventW, EVENT_MODIFY_STATE, OpenEventW, ResetEvent},
};

/// Has an event be set no more.
pub(super) fn reset(event: impl AsHandle) {
    // SAFETY: the handle is open while it is borrowed. It can't fail for one of an event that was made here.
    unsafe { ResetEvent(event.as_handle().as_raw_handle()) };
}

/// Makes an event under a name that isn't taken. One who waits for it takes what was set.
pub(super) fn create(name: &str, security: &Security) -> io::Result<OwnedHandle> {
    let (name, attributes) = (wide(name), security.attributes());
    // SAFETY: the attributes are valid as long as `security`, and the name ends with a zero.
    let event = owned(unsafe { CreateEventW(&raw const attributes, 0, 0, name.as_ptr()) });
    // The system says so also where it succeeds, and nothing was called in between.
    match io::Error::last_os_error().raw_os_error() {
        Some(code) if event.is_ok() && code == ERROR_ALREADY_EXISTS as i32 => {
            Err(io::ErrorKind::AlreadyExists.into())
        }
        _ => event,
    }
}

/// One of another process, to be set.
pub(super) fn open(name: &str) -> io::Result<OwnedHandle> {
    let name = wide(name);
    // SAFETY: the name ends with a zero.
    owned(unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) })
}
