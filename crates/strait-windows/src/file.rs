//! Files that are mapped.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{mapping::Mapped, object::owned, section, view::View};
use std::{
    fs::{File, OpenOptions},
    io,
    os::windows::{
        fs::OpenOptionsExt,
        io::{AsHandle, AsRawHandle, OwnedHandle},
    },
    path::Path,
    ptr::null,
};
use strait_core::{Access, Error, ErrorKind, Fingerprint, Mapping, Result};
use windows_sys::Win32::{
    Storage::FileSystem::{
        BY_HANDLE_FILE_INFORMATION, FILE_ID_INFO, FILE_TYPE_DISK, FileIdInfo,
        GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
        SECURITY_IDENTIFICATION,
    },
    System::Memory::{CreateFileMappingW, PAGE_READONLY, PAGE_READWRITE},
};

/// Opens a file; or makes it, where that is asked for and it isn't there, and says so.
pub(crate) fn open_or_make(path: &Path, make: bool, mapping: Mapping) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).write(mapping == Mapping::ReadWrite);
    // Where it is a pipe, who serves it can't act as this user.
    options.security_qos_flags(SECURITY_IDENTIFICATION);
    match options.open(path) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && make && options_can_make(mapping) =>
        {
            match options.clone().create_new(true).open(path) {
                // Somebody made it in between.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Ok((options.open(path)?, false))
                }
                file => Ok((file?, true)),
            }
        }
        // The system doesn't say that it is a directory.
        Err(_) if path.is_dir() => Err(no_plain_file()),
        file => Ok((file?, false)),
    }
}

fn options_can_make(mapping: Mapping) -> bool {
    mapping == Mapping::ReadWrite
}

/// Maps a whole plain file that isn't empty.
pub(crate) fn map(file: &File, mapping: Mapping, operation: &'static str) -> Result<Mapped> {
    let section = section_of(file, mapping).map_err(|error| failed(operation, error, 0))?;
    // This is the length that is mapped, whatever becomes of the file meanwhile.
    let facts = section::query(&section, operation)?;
    let too_large = || {
        let why = format!("its {} bytes are more than there are addresses", facts.len);
        Error::new(ErrorKind::OutOfMemory, operation, why)
    };
    let len = usize::try_from(facts.len).ok().filter(|&len| isize::try_from(len).is_ok());
    let len = len.ok_or_else(too_large)?;
    let id = id(file).map_err(|error| Error::os(operation, error))?;
    let view = View::new(&section, len, mapping).map_err(|error| failed(operation, error, len))?;
    Ok(Mapped::new(view, len, mapping, id, Access::Private))
}

/// How long a plain file is.
pub(crate) fn len(file: &File, operation: &'static str) -> Result<u64> {
    // SAFETY: the handle is open while it is borrowed.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        return Err(failed(operation, no_plain_file(), 0));
    }
    Ok(file.metadata().map_err(|error| Error::os(operation, error))?.len())
}

/// The error of a file that can't be opened, extended to `len` bytes, or mapped.
pub(crate) fn failed(operation: &'static str, error: io::Error, len: usize) -> Error {
    match error.raw_os_error() {
        Some(_) => section::failed(operation, error, len),
        None => Error::new(ErrorKind::InvalidInput, operation, error.to_string()),
    }
}

fn no_plain_file() -> io::Error {
    io::Error::other("it is no plain file")
}

/// The section of a whole file.
pub(crate) fn section_of(file: &File, mapping: Mapping) -> io::Result<OwnedHandle> {
    let protection = match mapping {
        Mapping::ReadWrite => PAGE_READWRITE,
        Mapping::ReadOnly => PAGE_READONLY,
    };
    let file = file.as_handle().as_raw_handle();
    // SAFETY: the handle is open while it is borrowed; there are neither attributes nor a name, which is permitted.
    // Lengths of 0 stand for that of the file.
    owned(unsafe { CreateFileMappingW(file, null(), protection, 0, 0, null()) })
}

/// By what a file is known: its volume, and its number there, which no other has as long as it is open.
fn id(file: &File) -> io::Result<u128> {
    let handle = file.as_raw_handle();
    let mut info = FILE_ID_INFO::default();
    let (place, len) = ((&raw mut info).cast(), size_of::<FILE_ID_INFO>() as u32);
    // SAFETY: the handle is open, and the place has the size that is said, which this class needs.
    let found = if unsafe { GetFileInformationByHandleEx(handle, FileIdInfo, place, len) } != 0 {
        (info.VolumeSerialNumber, u128::from_le_bytes(info.FileId.Identifier))
    } else {
        // File systems without such numbers.
        let mut info = BY_HANDLE_FILE_INFORMATION::default();
        // SAFETY: the handle is open, and the place is one for this.
        if unsafe { GetFileInformationByHandle(handle, &raw mut info) } == 0 {
            return Err(io::Error::last_os_error());
        }
        let number = u64::from(info.nFileIndexHigh) << 32 | u64::from(info.nFileIndexLow);
        (u64::from(info.dwVolumeSerialNumber), u128::from(number))
    };
    let bytes = [&found.0.to_le_bytes()[..], &found.1.to_le_bytes()[..]].concat();
    Ok(u128::from_le_bytes(Fingerprint::of_bytes(&bytes).to_bytes()).max(1))
}
