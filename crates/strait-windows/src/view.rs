//! Sections, mapped into this process.
#![expect(unsafe_code, reason = "maps and unmaps memory")]

use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle},
    ptr::{NonNull, null_mut},
    sync::atomic::AtomicU32,
};
use strait_core::Mapping;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, UnmapViewOfFile,
};

/// What a page has on every processor that Windows runs on.
pub(crate) const PAGE: usize = 4096;

/// The beginning of a section, mapped. Dropping it unmaps.
#[derive(Debug)]
pub(crate) struct View {
    start: NonNull<u8>,
    len: usize,
}

impl View {
    /// Maps the first `len` bytes, more than none. It fails where the section is shorter, or the handle doesn't
    /// permit it.
    pub(crate) fn new(section: impl AsHandle, len: usize, mapping: Mapping) -> io::Result<Self> {
        let access = match mapping {
            Mapping::ReadWrite => FILE_MAP_READ | FILE_MAP_WRITE,
            Mapping::ReadOnly => FILE_MAP_READ,
        };
        let section = section.as_handle().as_raw_handle();
        // SAFETY: the handle is open while it is borrowed, and the system chooses a place where nothing is.
        let view = unsafe { MapViewOfFile(section, access, 0, 0, len) };
        let start = NonNull::new(view.Value.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { start, len })
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The word at an offset that is a multiple of 4, if it lies inside. Only who has mapped it for writing may write.
    pub(crate) fn word(&self, offset: usize) -> Option<&AtomicU32> {
        let inside = offset.checked_add(4).is_some_and(|end| end <= self.len);
        if !inside || offset % 4 != 0 {
            return None;
        }
        // SAFETY:
        // * It lies inside of the view, which begins at a page's start and stays mapped while `self` is borrowed.
        // * What other processes write is atomic for the processor, whatever they do; every value is valid.
        Some(unsafe { self.start.add(offset).cast::<AtomicU32>().as_ref() })
    }

    /// Copies bytes to the beginning of what was mapped for writing and isn't shared yet. What doesn't fit is left out.
    pub(crate) fn fill(&mut self, content: &[u8]) {
        let len = content.len().min(self.len);
        // SAFETY: both have `len` bytes, and they don't overlap, as the view is borrowed exclusively.
        unsafe { self.start.as_ptr().copy_from_nonoverlapping(content.as_ptr(), len) };
    }

    /// Touches each page, so that later accesses find it there.
    pub(crate) fn touch(&self) {
        for offset in (0..self.len).step_by(PAGE) {
            // SAFETY: it lies inside; a byte is read that others may be writing, and isn't looked at.
            unsafe { self.start.as_ptr().add(offset).read_volatile() };
        }
    }
}

// SAFETY: the memory stays mapped at the same place whichever thread holds this.
unsafe impl Send for View {}
// SAFETY: as above; what can be done with a shared view is to read, and to use atomics.
unsafe impl Sync for View {}

impl Drop for View {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.start.as_ptr().cast() };
        debug_assert_ne!(view.Value, null_mut());
        // SAFETY: it was mapped by `new`, and nothing that borrows it is left. It can't fail for what was mapped.
        unsafe { UnmapViewOfFile(view) };
    }
}
