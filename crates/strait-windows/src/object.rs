//! Kernel objects, and what they are called.
//!
//! Their names are those of the session (`Local\`), and begin with the number of the user, so that each user has
//! names of their own. They go away with the last handle, whoever dies: nothing is left behind.
#![expect(unsafe_code, reason = "calls the system")]

use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::null,
};
use strait_core::Name;
use windows_sys::Win32::{
    Foundation::HANDLE,
    System::Threading::{CreateEventW, ResetEvent, SetEvent},
};

/// The name of an object of the user with this number: what sort it is, and which one.
pub(crate) fn name(user: u32, sort: &str, which: &str) -> String {
    format!("Local\\strait.{user:08x}.{sort}.{which}")
}

/// What stands for `name` in the names of objects, pipes and files, which may not distinguish capital from small
/// letters, and are shorter than a name may be. What can't be there is hashed.
pub(crate) fn file_name(name: &Name) -> String {
    const LONGEST: usize = 100;
    let text = name.as_str();
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-/".contains(&c);
    match text.len() <= LONGEST && text.bytes().all(plain) {
        true => name.to_file_name(),
        false => name.to_short_file_name(),
    }
}

/// Text as the system takes it, with the zero that ends it.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// An event without a name. Once it is set it stays so.
pub(crate) fn event() -> io::Result<OwnedHandle> {
    // SAFETY: neither attributes nor a name are given, which is permitted.
    owned(unsafe { CreateEventW(null(), 1, 0, null()) })
}

/// An event without a name that wakes one waiter each time it is set.
pub(crate) fn bell() -> io::Result<OwnedHandle> {
    // SAFETY: as above.
    owned(unsafe { CreateEventW(null(), 0, 0, null()) })
}

/// Sets an event.
pub(crate) fn set(event: impl AsHandle) {
    // SAFETY: the handle is open while it is borrowed. It can't fail for one of an event that was made here.
    unsafe { SetEvent(event.as_handle().as_raw_handle()) };
}

/// Sets what may be an event; anything else refuses.
pub(crate) fn try_set(event: impl AsHandle) -> io::Result<()> {
    // SAFETY: the handle is open while it is borrowed; one of anything but an event isn't touched.
    match unsafe { SetEvent(event.as_handle().as_raw_handle()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes an event be not set.
pub(crate) fn reset(event: impl AsHandle) {
    // SAFETY: as above.
    unsafe { ResetEvent(event.as_handle().as_raw_handle()) };
}

/// The handle that the system has just made, or why it hasn't.
pub(crate) fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has made it for the caller, so nothing else here has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands_for(text: &str) -> String {
        file_name(&Name::new(text).unwrap())
    }

    #[test]
    fn a_plain_name_stands_for_itself() {
        assert_eq!(stands_for("camera/front.left-2_b"), "camera+front.left-2_b");
    }

    #[test]
    fn names_that_differ_in_capitals_only_are_two() {
        let names = ["jobs", "Jobs", "JOBS", "größe", "GRÖSSE", "GröSSE"].map(stands_for);
        let small: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        for (index, name) in small.iter().enumerate() {
            assert!(!small[..index].contains(name), "{names:?}");
        }
    }

    #[test]
    fn the_longest_name_fits() {
        assert!(stands_for(&"x".repeat(Name::MAX_LEN)).len() < 101);
    }
}
