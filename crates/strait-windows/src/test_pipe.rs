//! Named pipes for tests: both ends overlapped, for messages, and each of them for both directions. The
//! first one reads them as such.
#![expect(unsafe_code, reason = "calls the system")]

use crate::object::{owned, wide};
use std::{
    fs::File,
    os::windows::{fs::OpenOptionsExt, io::OwnedHandle},
    process,
    ptr::null,
    sync::atomic::{AtomicU32, Ordering},
};
use windows_sys::Win32::{
    Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX},
    System::Pipes::{CreateNamedPipeW, PIPE_READMODE_MESSAGE, PIPE_TYPE_MESSAGE},
};

/// Both ends of a new one.
pub(crate) fn pair() -> (OwnedHandle, OwnedHandle) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!(r"\\.\pipe\strait.test.{}.{number}", process::id());
    let (text, access) = (wide(&name), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED);
    let mode = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE;
    // SAFETY: the name ends with a zero; there are no attributes, which is permitted.
    let server = unsafe { CreateNamedPipeW(text.as_ptr(), access, mode, 1, 4096, 4096, 0, null()) };
    let server = owned(server).unwrap();
    let mut options = File::options();
    let client = options.read(true).write(true).custom_flags(FILE_FLAG_OVERLAPPED).open(name);
    (server, client.unwrap().into())
}
