//! Kernel objects with a name, which are made or opened: and used only where they are of the user that they should
//! be of, whoever else has made one of that name first.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{
    object::{owned, wide},
    security::{self, Security},
};
use std::{
    io,
    os::windows::io::{AsHandle, OwnedHandle},
    ptr::null,
};
use strait_core::{Error, ErrorKind};
use windows_sys::Win32::{
    Foundation::{
        ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE,
        GetLastError, HANDLE, INVALID_HANDLE_VALUE,
    },
    Storage::FileSystem::READ_CONTROL,
    System::{
        Memory::{
            CreateFileMappingW, OpenFileMappingW, PAGE_READWRITE, SECTION_MAP_READ,
            SECTION_MAP_WRITE, SECTION_QUERY,
        },
        Threading::{
            CreateEventW, CreateMutexW, EVENT_MODIFY_STATE, OpenEventW, OpenMutexW,
            SYNCHRONIZATION_SYNCHRONIZE,
        },
    },
};

/// An object that was made, or was there.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) handle: OwnedHandle,
    /// Whether it wasn't there before.
    pub(crate) new: bool,
}

impl Made {
    /// The object, where it was there before and is of this user, or is new.
    pub(crate) fn of(self, user: u32) -> io::Result<OwnedHandle> {
        if self.new { Ok(self.handle) } else { checked(self.handle, user) }
    }
}

/// A mutex that nobody owns.
pub(crate) fn mutex(name: &str, security: &Security) -> io::Result<Made> {
    let (name, attributes) = (wide(name), security.attributes());
    // SAFETY: the attributes and the name, which a zero ends, are there for the call.
    made(|| unsafe { CreateMutexW(&raw const attributes, 0, name.as_ptr()) })
}

/// An event that isn't set, and of those who wait for it lets one go each time that it is.
pub(crate) fn event(name: &str, security: &Security) -> io::Result<Made> {
    let (name, attributes) = (wide(name), security.attributes());
    // SAFETY: as in `mutex`.
    made(|| unsafe { CreateEventW(&raw const attributes, 0, 0, name.as_ptr()) })
}

/// A section in memory of `len` bytes, for which there is space: without a name where none is given.
pub(crate) fn section(name: Option<&str>, security: &Security, len: usize) -> io::Result<Made> {
    let (name, attributes) = (name.map(wide), security.attributes());
    let name = name.as_ref().map_or(null(), |name| name.as_ptr());
    let len = len as u64;
    let (high, low) = ((len >> 32) as u32, len as u32);
    let (memory, protection) = (INVALID_HANDLE_VALUE, PAGE_READWRITE);
    // SAFETY: as in `mutex`.
    made(|| unsafe {
        CreateFileMappingW(memory, &raw const attributes, protection, high, low, name)
    })
}

/// The mutex of this name, to be waited for; `None` where there is none.
pub(crate) fn open_mutex(name: &str, user: u32) -> io::Result<Option<OwnedHandle>> {
    let (name, rights) = (wide(name), SYNCHRONIZATION_SYNCHRONIZE | READ_CONTROL);
    // SAFETY: a zero ends the name, which is there for the call.
    there(user, owned(unsafe { OpenMutexW(rights, 0, name.as_ptr()) }))
}

/// The event of this name; `None` where there is none.
pub(crate) fn open_event(name: &str) -> io::Result<Option<OwnedHandle>> {
    let (name, rights) = (wide(name), SYNCHRONIZATION_SYNCHRONIZE | EVENT_MODIFY_STATE);
    // SAFETY: as in `open_mutex`.
    if_there(owned(unsafe { OpenEventW(rights, 0, name.as_ptr()) }))
}

/// The section of this name, to be mapped for reading, and for writing where that is said; `None` where there is none.
pub(crate) fn open_section(name: &str, user: u32, write: bool) -> io::Result<Option<OwnedHandle>> {
    let rights = SECTION_QUERY | SECTION_MAP_READ | READ_CONTROL;
    let rights = if write { rights | SECTION_MAP_WRITE } else { rights };
    let name = wide(name);
    // SAFETY: as in `open_mutex`.
    there(user, owned(unsafe { OpenFileMappingW(rights, 0, name.as_ptr()) }))
}

/// The section of this name, to be mapped for writing, whosever it is; `None` where there is none.
pub(crate) fn open_writable(name: &str) -> io::Result<Option<OwnedHandle>> {
    let (name, rights) = (wide(name), SECTION_MAP_READ | SECTION_MAP_WRITE);
    // SAFETY: as in `open_mutex`.
    if_there(owned(unsafe { OpenFileMappingW(rights, 0, name.as_ptr()) }))
}

/// Whether there is an object of this name, whoever may open it.
pub(crate) fn exists(name: &str) -> io::Result<bool> {
    match open_event(name) {
        Ok(event) => Ok(event.is_some()),
        Err(error) if is(&error, ERROR_ACCESS_DENIED) || is_of_other_sort(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The error of an object that can't be had.
pub(crate) fn failed(operation: &'static str, error: io::Error) -> Error {
    if is_of_other_sort(&error) {
        return Error::new(
            ErrorKind::Foreign,
            operation,
            "something of another sort has that name",
        )
        .with_source(error)
        .hint("another program has that name: choose another one");
    }
    if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() {
        return Error::new(ErrorKind::Foreign, operation, "it belongs to another user")
            .with_source(error);
    }
    Error::os(operation, error)
}

/// Whether it failed because something of another sort has that name.
pub(crate) fn is_of_other_sort(error: &io::Error) -> bool {
    is(error, ERROR_INVALID_HANDLE)
}

/// Whether the system has said this.
pub(crate) fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code as i32)
}

fn made(create: impl FnOnce() -> HANDLE) -> io::Result<Made> {
    let handle = create();
    // SAFETY: it has no preconditions. Nothing lies between the call and this question.
    let said = unsafe { GetLastError() };
    Ok(Made { handle: owned(handle)?, new: said != ERROR_ALREADY_EXISTS })
}

fn there(user: u32, opened: io::Result<OwnedHandle>) -> io::Result<Option<OwnedHandle>> {
    if_there(opened)?.map(|handle| checked(handle, user)).transpose()
}

fn if_there(opened: io::Result<OwnedHandle>) -> io::Result<Option<OwnedHandle>> {
    match opened {
        Err(error) if is(&error, ERROR_FILE_NOT_FOUND) => Ok(None),
        opened => opened.map(Some),
    }
}

fn checked(handle: OwnedHandle, user: u32) -> io::Result<OwnedHandle> {
    match security::owner(handle.as_handle())? == user {
        true => Ok(handle),
        false => {
            let why = "it belongs to another user";
            Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{object, random, user::User};
    use strait_core::Access;

    fn unique() -> String {
        object::name(User::own().unwrap().number(), "test", &format!("{:x}", random::number()))
    }

    #[test]
    fn an_object_is_new_once_and_of_this_user() {
        let (name, security) = (unique(), Security::of(Access::Everyone).unwrap());
        let user = User::own().unwrap().number();
        let first = mutex(&name, &security).unwrap();
        assert!(first.new);
        let second = mutex(&name, &security).unwrap();
        assert!(!second.new);
        assert!(second.of(user).is_ok());
        assert!(open_mutex(&name, user).unwrap().is_some());
        assert!(open_mutex(&name, user + 1).is_err());
    }

    #[test]
    fn an_object_of_another_sort_is_told_from_none() {
        let (name, security) = (unique(), Security::of(Access::Private).unwrap());
        assert!(open_section(&name, 0, true).unwrap().is_none());
        let _event = event(&name, &security).unwrap();
        assert!(is_of_other_sort(&open_section(&name, 0, true).unwrap_err()));
        assert!(is_of_other_sort(&section(Some(&name), &security, 4096).unwrap_err()));
        assert!(is_of_other_sort(&open_mutex(&name, 0).unwrap_err()));
        assert!(exists(&name).unwrap());
    }
}
