//! Who is at the other end of a pipe.
//!
//! The system tells the number of the process that made the other end, and a server who its client was when it
//! connected. A process' user is asked of the process, which has to be there still.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{message_pipe::MessagePipe, object::owned, process::Process, user::User};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::null_mut,
};
use strait_core::{Credentials, Error, ErrorKind, Result};
use windows_sys::Win32::{
    Foundation::{HANDLE, LocalFree},
    Security::{
        Authorization::{GetSecurityInfo, SE_KERNEL_OBJECT},
        OWNER_SECURITY_INFORMATION, RevertToSelf, TOKEN_QUERY,
    },
    System::{
        Pipes::{
            GetNamedPipeClientProcessId, GetNamedPipeServerProcessId, ImpersonateNamedPipeClient,
        },
        Threading::{GetCurrentThread, OpenThreadToken},
    },
};

/// Those of this process.
pub(crate) fn own() -> Result<Credentials> {
    Ok(of(std::process::id(), User::own()?))
}

/// Those of whoever has connected to this end. Nobody but this user can have where it isn't open to others, so there
/// it is known of one that has ended meanwhile, too.
pub(crate) fn of_client(pipe: &MessagePipe, open: bool) -> Result<Credentials> {
    let pid = number(pipe, GetNamedPipeClientProcessId)?;
    // Not by the process: its number may be another's by now.
    if let Ok(user) = client(pipe.as_handle()) {
        return Ok(of(pid, &user));
    }
    match of_process(pid) {
        Err(_) if !open => Ok(of(pid, User::own()?)),
        known => known,
    }
}

/// Those of whoever made the pipe that this end has connected to.
pub(crate) fn of_server(pipe: &MessagePipe) -> Result<Credentials> {
    let pid = number(pipe, GetNamedPipeServerProcessId)?;
    // A process of another user may not be asked. That it made the pipe is what the pipe says then, and nobody can
    // make one that says it of somebody else; the group isn't known.
    of_process(pid).or_else(|error| {
        let owner = owner(pipe.as_handle()).map_err(|_| error)?;
        Ok(Credentials::new(pid, owner, 0))
    })
}

/// Those of the process at the other end, which may be of either.
pub(crate) fn of_peer(pipe: &MessagePipe) -> Result<Credentials> {
    match pipe.is_server().map_err(failed)? {
        true => of_process(number(pipe, GetNamedPipeClientProcessId)?),
        false => of_server(pipe),
    }
}

const ASK: &str = "ask who the peer is";

fn failed(error: io::Error) -> Error {
    Error::os(ASK, error)
}

fn of(pid: u32, user: &User) -> Credentials {
    Credentials::new(pid, user.number(), user.group_number())
}

fn of_process(pid: u32) -> Result<Credentials> {
    let ended = || Error::new(ErrorKind::Unsupported, ASK, "it has ended").on(pid);
    let process = Process::open(pid, 0, ASK)?.ok_or_else(ended)?;
    let user = User::of_process(&process).map_err(|error| failed(error).on(pid))?;
    Ok(of(pid, &user))
}

fn number(
    pipe: &MessagePipe,
    ask: unsafe extern "system" fn(HANDLE, *mut u32) -> i32,
) -> Result<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open, and the place is valid for a number.
    match unsafe { ask(pipe.as_handle().as_raw_handle(), &raw mut pid) } {
        0 => Err(failed(io::Error::last_os_error())),
        _ => Ok(pid),
    }
}

/// The user that the client was when it connected, which this thread poses as for a moment. A client that doesn't
/// want to be known has none.
fn client(pipe: BorrowedHandle<'_>) -> io::Result<User> {
    // SAFETY: the handle is open.
    if unsafe { ImpersonateNamedPipeClient(pipe.as_raw_handle()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    let token = token_of_this_thread();
    // SAFETY: it has no preconditions.
    if unsafe { RevertToSelf() } == 0 {
        // Who may be anybody from here on mustn't go on.
        std::process::abort();
    }
    User::of_token(&token?)
}

fn token_of_this_thread() -> io::Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the handle stands for this thread, and the place is valid for a handle. It is opened as the process,
    // as the client may have no right to.
    match unsafe { OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &raw mut token) } {
        0 => Err(io::Error::last_os_error()),
        _ => owned(token),
    }
}

/// The number of the user whose the pipe is.
fn owner(pipe: BorrowedHandle<'_>) -> io::Result<u32> {
    let (mut owner, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is open, the places are valid for pointers, and nothing else is asked for.
    let code = unsafe {
        GetSecurityInfo(
            pipe.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code as i32));
    }
    // SAFETY: it lies in the descriptor, which is there until it is freed here, once.
    unsafe {
        let number = User::number_of(owner);
        LocalFree(descriptor);
        number
    }
}
