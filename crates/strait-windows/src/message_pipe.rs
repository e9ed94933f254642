//! Pipes of messages, both ways: what connections are made of.
//!
//! The end that was made under a name is the server's, the one that opened it the client's; from then on they are
//! alike. Only processes of this computer get to them. The pipe's name says what it is for, so whoever is handed
//! an end of one knows.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{object::wide, overlapped, random, record::MAX_LEN, security::Security, user::User};
use std::{
    cell::RefCell,
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle},
    ptr::{null, null_mut},
};
use strait_core::{Deadline, Result};
use windows_sys::{
    Wdk::Storage::FileSystem::{
        FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT, FileModeInformation,
        NtQueryInformationFile,
    },
    Win32::{
        Foundation::{
            ERROR_BROKEN_PIPE, ERROR_MORE_DATA, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED, HANDLE,
            INVALID_HANDLE_VALUE,
        },
        Storage::FileSystem::{
            CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_GENERIC_READ,
            FILE_NAME_INFO, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA, FileNameInfo,
            GetFileInformationByHandleEx, OPEN_EXISTING, PIPE_ACCESS_DUPLEX,
            SECURITY_IDENTIFICATION, SECURITY_SQOS_PRESENT,
        },
        System::IO::IO_STATUS_BLOCK,
        System::Pipes::{
            CreateNamedPipeW, GetNamedPipeInfo, PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_SERVER_END, PIPE_TYPE_MESSAGE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT, PeekNamedPipe,
            SetNamedPipeHandleState,
        },
    },
};

/// One end of a pipe of messages.
#[derive(Debug)]
pub(crate) struct MessagePipe(OwnedHandle);

/// What a pipe is for, which is in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Stream,
    Datagram,
    Rendezvous,
}

impl Use {
    const ALL: [Self; 3] = [Self::Stream, Self::Datagram, Self::Rendezvous];

    fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Datagram => "datagram",
            Self::Rendezvous => "rendezvous",
        }
    }

    /// As many bytes are on their way in each direction before a sender has to wait. Rings of a bell that nobody
    /// hears needn't be many.
    fn room(self) -> u32 {
        match self {
            Self::Stream | Self::Datagram => 256 << 10,
            Self::Rendezvous => 8 << 10,
        }
    }

    /// The name of the pipe with this number.
    pub(crate) fn pipe(self, id: u128) -> String {
        format!(r"\\.\pipe\strait.{}.{id:032x}", self.word())
    }

    /// What the pipe with this name is for; the system tells it from the last backslash on.
    fn of_pipe(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(r"\strait.")?.split('.');
        let word = parts.next()?;
        Self::ALL.into_iter().find(|each| each.word() == word)
    }
}

/// What an attempt to receive has found.
#[derive(Debug)]
pub(crate) enum Taken<T> {
    /// A message, or what was made of it.
    Message(T),
    /// There is nothing yet.
    Nothing,
    /// The peer has closed its end, and nothing is left.
    End,
}

/// Who a pipe lets in: its creator, and where it is open also all other users, who can't pose as its creator.
pub(crate) fn access(open: bool) -> Result<Security> {
    let user = User::own()?;
    let own = format!("O:{0}D:P(A;;GA;;;{0})", user.sid);
    match open {
        true => Security::parse(&format!("{own}(A;;{CLIENT:#x};;;WD)")),
        false => Security::parse(&own),
    }
}

/// What a client may do: not what would let it make more instances, which is to append.
const CLIENT: u32 = FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES;

impl MessagePipe {
    /// An instance for one client to connect to. The first one makes the name, which nobody may have.
    pub(crate) fn instance(
        used: Use,
        id: u128,
        first: bool,
        security: &Security,
    ) -> io::Result<Self> {
        let flags = if first { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        create(used, id, flags, PIPE_UNLIMITED_INSTANCES, security).map(Self)
    }

    /// Connects to a pipe. Its server may learn who this is, and nothing more.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let name = wide(name);
        let flags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;
        // SAFETY: the name ends with a zero; neither attributes nor a template are given, which is permitted.
        let pipe = file(unsafe {
            CreateFileW(name.as_ptr(), CLIENT, 0, null(), OPEN_EXISTING, flags, null_mut())
        })?;
        let pipe = Self(pipe);
        pipe.read_messages().map(|()| pipe)
    }

    /// Both ends of one that nobody else knows.
    pub(crate) fn pair(used: Use) -> io::Result<(Self, Self)> {
        let security = access(false).map_err(io::Error::from)?;
        let id = random::number();
        let server = create(used, id, FILE_FLAG_FIRST_PIPE_INSTANCE, 1, &security).map(Self)?;
        Ok((server, Self::open(&used.pipe(id))?))
    }

    /// What a handle is an end of, if it is one of a pipe of messages that strait made; `otherwise` where it is an end
    /// of which the system doesn't tell any more, as nobody has the other.
    pub(crate) fn use_of(handle: impl AsHandle, otherwise: Use) -> Option<Use> {
        let handle = handle.as_handle();
        let found = match kind(handle) {
            Ok(kind) if kind & PIPE_TYPE_MESSAGE == 0 => return None,
            Ok(_) => name_of(handle),
            Err(error) => Err(error),
        };
        match found {
            Ok(name) => Use::of_pipe(&name),
            Err(error) if is_end(&error) => Some(otherwise),
            Err(_) => None,
        }
    }

    /// An end that was handed over: it is made to be read as messages, and refused where operations on it could
    /// make this process wait beyond a deadline.
    pub(crate) fn from_handle(handle: OwnedHandle) -> io::Result<Self> {
        if is_synchronous(handle.as_handle())? {
            return Err(io::Error::other("operations on the handle can't end early"));
        }
        let pipe = Self(handle);
        match pipe.read_messages() {
            // Nobody has the other end, and what has come is still read whole.
            Err(error) if !is_end(&error) => Err(error),
            _ => Ok(pipe),
        }
    }

    fn read_messages(&self) -> io::Result<()> {
        let mode = PIPE_READMODE_MESSAGE | PIPE_WAIT;
        let handle = self.0.as_raw_handle();
        // SAFETY: the handle is open, the mode is there, and nothing else is to be set.
        match unsafe { SetNamedPipeHandleState(handle, &raw const mode, null(), null()) } {
            0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Whether it is the end that was made under the name, and not the one that opened it.
    pub(crate) fn is_server(&self) -> io::Result<bool> {
        Ok(kind(self.as_handle())? & PIPE_SERVER_END != 0)
    }

    /// Shows `look` the next message, if there is one. Of what is longer than any record it shows the beginning and
    /// one byte more.
    pub(crate) fn take<T>(&self, look: impl FnOnce(&[u8]) -> T) -> io::Result<Taken<T>> {
        thread_local! {
            static SPACE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        match self.peek() {
            Ok(0) => return Ok(Taken::Nothing),
            Ok(_) => {}
            Err(error) if is_end(&error) => return Ok(Taken::End),
            Err(error) => return Err(error),
        }
        SPACE.with_borrow_mut(|space| {
            space.resize(MAX_LEN + 1, 0);
            // Another process that has this end too may have been faster.
            let Some(ended) = overlapped::read(self, space, Deadline::now())? else {
                return Ok(Taken::Nothing);
            };
            match ended.code {
                0 => Ok(Taken::Message(look(&space[..ended.bytes]))),
                ERROR_MORE_DATA => Ok(Taken::Message(look(space))),
                code if is_end_code(code) => Ok(Taken::End),
                code => Err(io::Error::from_raw_os_error(code as i32)),
            }
        })
    }

    /// Whether the next message is this one, of one byte.
    pub(crate) fn is_next(&self, sign: &[u8]) -> io::Result<bool> {
        let (mut byte, mut read, mut left) = (0_u8, 0, 0);
        let handle = self.0.as_raw_handle();
        // SAFETY: the handle is open, there is room for a byte, and the places are valid for numbers.
        let done = unsafe {
            let place = (&raw mut byte).cast();
            PeekNamedPipe(handle, place, 1, &raw mut read, null_mut(), &raw mut left)
        };
        match done {
            // Sending tells that the peer is gone.
            0 => Err(io::Error::last_os_error())
                .or_else(|e| if is_end(&e) { Ok(false) } else { Err(e) }),
            _ => Ok((read, left) == (1, 0) && sign == [byte]),
        }
    }

    /// How many bytes are there.
    fn peek(&self) -> io::Result<u32> {
        let mut there = 0;
        let handle = self.0.as_raw_handle();
        // SAFETY: the handle is open, and the place is valid for a number; no bytes are asked for.
        let done =
            unsafe { PeekNamedPipe(handle, null_mut(), 0, null_mut(), &raw mut there, null_mut()) };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(there) }
    }

    /// Sends a message whole; `false` where there was no room for it by the deadline, and nothing was sent.
    pub(crate) fn put(&self, message: &[u8], deadline: Deadline<'_>) -> io::Result<bool> {
        match overlapped::write(self, message, deadline)? {
            Some(ended) => ended.bytes().map(|_| true),
            None => Ok(false),
        }
    }
}

impl AsHandle for MessagePipe {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

impl From<MessagePipe> for OwnedHandle {
    fn from(pipe: MessagePipe) -> Self {
        pipe.0
    }
}

/// Whether an error says that the peer is gone.
pub(crate) fn is_end(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| is_end_code(code as u32))
}

fn is_end_code(code: u32) -> bool {
    [ERROR_BROKEN_PIPE, ERROR_NO_DATA, ERROR_PIPE_NOT_CONNECTED].contains(&code)
}

fn create(
    used: Use,
    id: u128,
    flags: u32,
    most: u32,
    security: &Security,
) -> io::Result<OwnedHandle> {
    let (name, room) = (wide(&used.pipe(id)), used.room());
    let attributes = security.attributes();
    let open = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags;
    let mode = PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
    // SAFETY: the name ends with a zero, and the attributes are valid as long as `security` is.
    file(unsafe {
        CreateNamedPipeW(name.as_ptr(), open, mode, most, room, room, 0, &raw const attributes)
    })
}

/// The file that the system has just opened, or why it hasn't.
fn file(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has opened it for the caller, so nothing else here has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// What kind of end it is.
fn kind(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let mut kind = 0;
    // SAFETY: the handle is open, the place is valid for a number, and the others aren't asked for.
    let done = unsafe {
        let pipe = pipe.as_raw_handle();
        GetNamedPipeInfo(pipe, &raw mut kind, null_mut(), null_mut(), null_mut())
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(kind) }
}

/// Whether every operation on it waits for its end.
fn is_synchronous(file: BorrowedHandle<'_>) -> io::Result<bool> {
    const SYNCHRONOUS: u32 = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    let (mut mode, mut status) = (0_u32, IO_STATUS_BLOCK::default());
    // SAFETY: the handle is open, and the places are valid for what the system fills in for this class: a number.
    let code = unsafe {
        let (place, len) = ((&raw mut mode).cast(), size_of_val(&mode) as u32);
        let file = file.as_raw_handle();
        NtQueryInformationFile(file, &raw mut status, place, len, FileModeInformation)
    };
    match code {
        0.. => Ok(mode & SYNCHRONOUS != 0),
        _ => Err(io::Error::other(format!("the system said: status {code:#x}"))),
    }
}

fn name_of(pipe: BorrowedHandle<'_>) -> io::Result<String> {
    // A length in bytes, and the name; as words, which are aligned as the length is.
    let mut info = [0_u32; 128];
    let len = size_of_val(&info) as u32;
    // SAFETY: the handle is open, and the memory has as many bytes as is said.
    let done = unsafe {
        let place = info.as_mut_ptr().cast();
        GetFileInformationByHandleEx(pipe.as_raw_handle(), FileNameInfo, place, len)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    const _: () = assert!(std::mem::offset_of!(FILE_NAME_INFO, FileName) == 4);
    let name = info[1..].iter().flat_map(|word| [*word as u16, (*word >> 16) as u16]);
    Ok(char::decode_utf16(name.take(info[0] as usize / 2)).map(|c| c.unwrap_or('?')).collect())
}
