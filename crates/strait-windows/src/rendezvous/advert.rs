//! What a listener shows to whoever connects, before it does anything for them: a section that it keeps open.
//!
//! It is written before the listener's pipe is there, and never again: its length, and as many bytes. It is found by
//! the random number of the listener.
#![expect(unsafe_code, reason = "maps what a listener shows")]

use crate::{
    object::{self, owned, wide},
    security::Security,
    user::User,
};
use std::{
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr::NonNull,
    sync::atomic::{AtomicU8, Ordering},
};
use strait_core::{Access, Error, ErrorKind, Result};
use windows_sys::Win32::{
    Foundation::{ERROR_FILE_NOT_FOUND, INVALID_HANDLE_VALUE},
    System::Memory::{
        CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS,
        MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
    },
};

/// An advert, shown as long as this is.
#[derive(Debug)]
pub(crate) struct Advert {
    _section: OwnedHandle,
}

impl Advert {
    /// Shows an advert of the listener with this number.
    pub(crate) fn show(id: u128, advert: &[u8], operation: &'static str) -> Result<Self> {
        if advert.len() > LEN - HEADER {
            let why = "the advert is too long";
            return Err(Error::new(ErrorKind::InvalidInput, operation, why));
        }
        let failed = |error| Error::os(operation, error);
        let (name, security) = (wide(&name(id)?), Security::of(Access::Private)?);
        let attributes = security.attributes();
        // SAFETY: the attributes are valid during the call, and the name ends with a zero.
        let section = owned(unsafe {
            let (memory, len, name) = (INVALID_HANDLE_VALUE, LEN as u32, name.as_ptr());
            CreateFileMappingW(memory, &raw const attributes, PAGE_READWRITE, 0, len, name)
        });
        let section = section.map_err(failed)?;
        let view = View::map(&section, FILE_MAP_WRITE).map_err(failed)?;
        let len = (advert.len() as u32).to_le_bytes();
        for (place, byte) in view.bytes().iter().zip(len.iter().chain(advert)) {
            place.store(*byte, Ordering::Relaxed);
        }
        Ok(Self { _section: section })
    }

    /// The advert of the listener with this number; `None` where it doesn't listen any more.
    pub(crate) fn read(id: u128, operation: &'static str) -> Result<Option<Vec<u8>>> {
        let name = wide(&name(id)?);
        // SAFETY: the name ends with a zero.
        let section = match owned(unsafe { OpenFileMappingW(FILE_MAP_READ, 0, name.as_ptr()) }) {
            Ok(section) => section,
            Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND as i32) => {
                return Ok(None);
            }
            Err(error) => return Err(Error::os(operation, error)),
        };
        let view = View::map(&section, FILE_MAP_READ);
        let view = view.map_err(|error| Error::os(operation, error))?;
        // Once, as others of this user may write it.
        let bytes: Vec<u8> = view.bytes().iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        let advert = bytes
            .split_first_chunk()
            .and_then(|(len, rest)| rest.get(..u32::from_le_bytes(*len) as usize));
        let why = "what it shows is not from strait";
        let foreign = || Error::new(ErrorKind::Foreign, operation, why);
        advert.map(|advert| Some(advert.to_vec())).ok_or_else(foreign)
    }
}

/// An advert and its length have as many bytes at most.
const LEN: usize = 4096;
const HEADER: usize = size_of::<u32>();

fn name(id: u128) -> Result<String> {
    Ok(object::name(User::own()?.number(), "advert", &format!("{id:032x}")))
}

struct View(NonNull<AtomicU8>);

impl View {
    fn map(section: &OwnedHandle, access: u32) -> io::Result<Self> {
        // SAFETY: the handle is open. It fails where the section is shorter.
        let view = unsafe { MapViewOfFile(section.as_raw_handle(), access, 0, 0, LEN) };
        NonNull::new(view.Value.cast()).map(Self).ok_or_else(io::Error::last_os_error)
    }

    fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: as many bytes are mapped until this is dropped, and whoever else has them mapped may at worst give
        // them other values meanwhile. They are stored to only where they are mapped to be written.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr(), LEN) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.0.as_ptr().cast() };
        // SAFETY: it is mapped there, and nothing refers to it any more.
        unsafe { UnmapViewOfFile(view) };
    }
}
