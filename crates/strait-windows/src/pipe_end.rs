//! The ends of pipes, as the system makes and knows them.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object::wide, security::Security};
use std::{
    io,
    mem::MaybeUninit,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::{null, null_mut},
};
use strait_core::{Error, ErrorKind, Result};
use windows_sys::{
    Wdk::{
        Foundation::{NtQueryObject, ObjectBasicInformation},
        Storage::FileSystem::{
            FILE_MODE_INFORMATION, FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT,
            FileModeInformation, NtQueryInformationFile,
        },
    },
    Win32::{
        Foundation::{GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE},
        Storage::FileSystem::{
            CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_READ_ATTRIBUTES,
            FILE_READ_DATA, FILE_TYPE_PIPE, FILE_WRITE_DATA, GetFileType, OPEN_EXISTING,
            PIPE_ACCESS_INBOUND, SECURITY_IDENTIFICATION, SECURITY_SQOS_PRESENT,
        },
        System::{
            IO::IO_STATUS_BLOCK,
            Pipes::{
                CreateNamedPipeW, GetNamedPipeInfo, PIPE_READMODE_BYTE, PIPE_READMODE_MESSAGE,
                PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_TYPE_MESSAGE,
                PIPE_UNLIMITED_INSTANCES, PIPE_WAIT,
            },
        },
    },
};

/// How many bytes are in a pipe before writing waits.
pub(crate) const ROOM: usize = 64 << 10;

/// Which way bytes go through an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Out of the pipe.
    Read,
    /// Into it.
    Write,
}

/// Makes the reading end of a pipe for one writer, under a path that nobody else has.
pub(crate) fn only_reader(path: &str, security: &Security) -> io::Result<OwnedHandle> {
    let first = FILE_FLAG_FIRST_PIPE_INSTANCE;
    reader(path, security, first, PIPE_TYPE_BYTE | PIPE_READMODE_BYTE, 1)
}

/// Makes the reading end for one of several writers. What is written at once is read as one piece.
pub(crate) fn reader_of_one(path: &str, security: &Security) -> io::Result<OwnedHandle> {
    let mode = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE;
    reader(path, security, 0, mode, PIPE_UNLIMITED_INSTANCES)
}

fn reader(
    path: &str,
    security: &Security,
    first: u32,
    mode: u32,
    count: u32,
) -> io::Result<OwnedHandle> {
    let (path, attributes) = (wide(path), security.attributes());
    // SAFETY: the path ends with a zero, and the attributes are valid during the call.
    end(unsafe {
        let access = PIPE_ACCESS_INBOUND | FILE_FLAG_OVERLAPPED | first;
        let mode = mode | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
        let (path, room) = (path.as_ptr(), ROOM as u32);
        CreateNamedPipeW(path, access, mode, count, room, room, 0, &raw const attributes)
    })
}

/// Opens the writing end of the pipe with that path. The reading side may ask who this is, and no more.
pub(crate) fn writer(path: &str) -> io::Result<OwnedHandle> {
    let path = wide(path);
    // SAFETY: the path ends with a zero; neither attributes nor a template are given, which is permitted.
    end(unsafe {
        let access = GENERIC_WRITE | FILE_READ_ATTRIBUTES;
        let how = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
        CreateFileW(path.as_ptr(), access, 0, null(), OPEN_EXISTING, how, null_mut())
    })
}

fn end(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has made it for the caller, so nothing else here has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Refuses what is no pipe, the other end, or an end that can't keep deadlines.
pub(crate) fn check(
    end: &OwnedHandle,
    direction: Direction,
    operation: &'static str,
) -> Result<()> {
    let refused = |why: &str| Err(Error::new(ErrorKind::TypeMismatch, operation, why));
    let raw = end.as_raw_handle();
    // Before all others, as they may wait for what goes on at a synchronous one.
    match rights(end) {
        None => return refused("the system does not tell what it may be used for"),
        Some(rights) => {
            let (needed, other) = match direction {
                Direction::Read => (FILE_READ_DATA, "it is not an end to read from"),
                Direction::Write => (FILE_WRITE_DATA, "it is not an end to write to"),
            };
            if rights & needed == 0 {
                return refused(other);
            }
        }
    }
    // SAFETY: the handle is open; nothing is asked but whether it is one of a pipe, which sockets aren't.
    let is_pipe = unsafe {
        let info = || GetNamedPipeInfo(raw, null_mut(), null_mut(), null_mut(), null_mut());
        GetFileType(raw) == FILE_TYPE_PIPE && info() != 0
    };
    match is_pipe {
        false => refused("it is no pipe"),
        true if is_synchronous(end) => {
            let why = "its operations can't be ended at a deadline: it was opened as synchronous";
            Err(Error::new(ErrorKind::TypeMismatch, operation, why)
                .hint("open it as overlapped, as std's piped standard streams of a child are"))
        }
        true => Ok(()),
    }
}

/// Whether the end of a pipe gives messages one by one.
pub(crate) fn is_of_messages(end: &OwnedHandle) -> bool {
    let mut flags = 0;
    // SAFETY: the handle is open, and the place valid for a number.
    let done = unsafe {
        let handle = end.as_raw_handle();
        GetNamedPipeInfo(handle, &raw mut flags, null_mut(), null_mut(), null_mut())
    };
    done != 0 && flags & PIPE_TYPE_MESSAGE != 0
}

/// What the handle may be used for.
fn rights(end: &OwnedHandle) -> Option<u32> {
    /// `PUBLIC_OBJECT_BASIC_INFORMATION`, which the bindings lack.
    #[repr(C)]
    #[derive(Default)]
    struct Basic {
        attributes: u32,
        granted_access: u32,
        handle_count: u32,
        pointer_count: u32,
        reserved: [u32; 10],
    }
    let mut basic = Basic::default();
    // SAFETY: the handle is open, and the place has as many bytes as is said.
    let status = unsafe {
        let (place, len) = (&raw mut basic, size_of::<Basic>() as u32);
        NtQueryObject(end.as_raw_handle(), ObjectBasicInformation, place.cast(), len, null_mut())
    };
    (status >= 0).then_some(basic.granted_access)
}

/// Whether every operation waits until it has ended. Where the system doesn't tell, it isn't known to be.
fn is_synchronous(end: &OwnedHandle) -> bool {
    let mut mode = MaybeUninit::<FILE_MODE_INFORMATION>::zeroed();
    let mut status = IO_STATUS_BLOCK::default();
    // SAFETY: the handle is open, and the place has as many bytes as is said.
    let done = unsafe {
        let (end, place) = (end.as_raw_handle(), mode.as_mut_ptr().cast());
        let len = size_of::<FILE_MODE_INFORMATION>() as u32;
        NtQueryInformationFile(end, &raw mut status, place, len, FileModeInformation)
    };
    // SAFETY: any bytes, also zeros, are valid in a number.
    let mode = unsafe { mode.assume_init() }.Mode;
    done >= 0 && mode & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT) != 0
}
