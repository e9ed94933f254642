//! Sections: what the system knows of one, and what is said where there is no room for one.
#![expect(unsafe_code, reason = "calls the system")]

use std::{
    ffi::c_void,
    io,
    os::windows::io::{AsHandle, AsRawHandle},
    ptr::null_mut,
};
use strait_core::{Error, ErrorKind, Result};
use windows_sys::Win32::{
    Foundation::{
        ERROR_COMMITMENT_LIMIT, ERROR_DISK_FULL, ERROR_FILE_TOO_LARGE, ERROR_HANDLE_DISK_FULL,
        ERROR_INVALID_PARAMETER, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY,
        ERROR_PAGEFILE_QUOTA, HANDLE, NTSTATUS, RtlNtStatusToDosError, STATUS_OBJECT_TYPE_MISMATCH,
    },
    System::{
        Memory::{SEC_COMMIT, SEC_FILE, SEC_IMAGE, SEC_LARGE_PAGES, SEC_RESERVE},
        SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX},
    },
};

/// What the system says of a section.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// In bytes: of memory whole pages, of a file as long as that was when the section was made.
    pub(crate) len: u64,
    attributes: u32,
}

impl Facts {
    /// Whether it is memory for all of which there is space: no file, in which accesses can fail, no program, and
    /// nothing that is only spoken of.
    pub(crate) fn is_memory(&self) -> bool {
        const OTHERS: u32 = SEC_FILE | SEC_IMAGE | SEC_RESERVE | SEC_LARGE_PAGES;
        self.attributes & SEC_COMMIT != 0 && self.attributes & OTHERS == 0
    }
}

/// What the system says of a section. `TypeMismatch` where it is none.
pub(crate) fn query(section: impl AsHandle, operation: &'static str) -> Result<Facts> {
    let mut facts = BasicInformation::default();
    let len = size_of::<BasicInformation>();
    let handle = section.as_handle().as_raw_handle();
    // SAFETY: the handle is open while it is borrowed, and the place has as many bytes as is said, which is what the
    // system fills in for class 0.
    let status = unsafe { NtQuerySection(handle, 0, (&raw mut facts).cast(), len, null_mut()) };
    match status {
        STATUS_OBJECT_TYPE_MISMATCH => {
            Err(Error::new(ErrorKind::TypeMismatch, operation, "it is no shared memory"))
        }
        failed if failed < 0 => {
            // SAFETY: it takes a number.
            let code = unsafe { RtlNtStatusToDosError(failed) };
            Err(Error::os(operation, io::Error::from_raw_os_error(code as i32)))
        }
        _ => {
            let len = u64::try_from(facts.maximum_size).unwrap_or(0);
            Ok(Facts { len, attributes: facts.attributes })
        }
    }
}

/// Refuses what memory can't hold, before pages of other programs are written away for it.
pub(crate) fn check_available(operation: &'static str, len: usize) -> Result<()> {
    // Asking takes longer than making a small one.
    const WORTH_ASKING: usize = 1 << 20;
    if len < WORTH_ASKING {
        return Ok(());
    }
    match available() {
        Some(available) if len as u64 > available => {
            let why = format!("it needs {len} bytes and {available} are available");
            Err(Error::new(ErrorKind::OutOfMemory, operation, why).hint(MORE))
        }
        _ => Ok(()),
    }
}

/// How many bytes the system still promises: memory and paging files. `None` where it doesn't tell.
pub(crate) fn available() -> Option<u64> {
    let len = size_of::<MEMORYSTATUSEX>() as u32;
    let mut status = MEMORYSTATUSEX { dwLength: len, ..MEMORYSTATUSEX::default() };
    // SAFETY: the place has the size that it says.
    let done = unsafe { GlobalMemoryStatusEx(&raw mut status) };
    (done != 0).then_some(status.ullAvailPageFile)
}

/// The error of a section or a view that can't be had.
pub(crate) fn failed(operation: &'static str, error: io::Error, len: usize) -> Error {
    let code = error.raw_os_error().unwrap_or(0) as u32;
    let why = format!("there is no room for {len} bytes");
    let full = Error::new(ErrorKind::OutOfMemory, operation, why);
    match code {
        ERROR_COMMITMENT_LIMIT | ERROR_PAGEFILE_QUOTA => full.hint(MORE).with_source(error),
        ERROR_DISK_FULL | ERROR_HANDLE_DISK_FULL => {
            full.hint("free some space on the disk").with_source(error)
        }
        // A length is the only argument that can be wrong.
        ERROR_NOT_ENOUGH_MEMORY
        | ERROR_NO_SYSTEM_RESOURCES
        | ERROR_FILE_TOO_LARGE
        | ERROR_INVALID_PARAMETER => full.with_source(error),
        // Nobody has asked the system.
        _ if error.kind() == io::ErrorKind::OutOfMemory => full,
        _ => Error::os(operation, error),
    }
}

const MORE: &str = "end other programs, or have a larger paging file";

/// `SECTION_BASIC_INFORMATION` of the Windows Driver Kit.
#[derive(Default)]
#[repr(C)]
struct BasicInformation {
    base_address: usize,
    attributes: u32,
    maximum_size: i64,
}

#[link(name = "ntdll", kind = "raw-dylib")]
unsafe extern "system" {
    fn NtQuerySection(
        section: HANDLE,
        class: i32,
        place: *mut c_void,
        len: usize,
        written: *mut usize,
    ) -> NTSTATUS;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{named, object, security::Security, view::PAGE};
    use strait_core::Access;

    #[test]
    fn memory_says_how_long_it_is() {
        let security = Security::of(Access::Private).unwrap();
        let section = named::section(None, &security, 3 * PAGE).unwrap().handle;
        let facts = query(&section, "test").unwrap();
        assert!(facts.is_memory(), "{facts:x?}");
        assert_eq!(facts.len, 3 * PAGE as u64);
    }

    #[test]
    fn what_is_no_section_is_told_from_one() {
        let event = object::event().unwrap();
        assert_eq!(query(&event, "test").unwrap_err().kind(), ErrorKind::TypeMismatch);
    }

    #[test]
    fn what_the_system_has_left_is_known() {
        assert!(available().unwrap() > 0);
    }
}
