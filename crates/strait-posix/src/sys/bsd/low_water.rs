//! The low-water marks of a socket: how much room, or how many bytes, there have to be before it is ready.
#![expect(unsafe_code, reason = "rustix lacks these options of sockets")]

use rustix::io::{Errno, Result};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

/// Of which of the two low-water marks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Direction {
    Send,
    Receive,
}

/// The mark for sending.
pub(crate) fn low_water(socket: &OwnedFd) -> Result<usize> {
    let mut mark: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open; the option is an integer of this size.
    let code = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDLOWAT,
            (&raw mut mark).cast(),
            &raw mut len,
        )
    };
    checked(code).map(|()| usize::try_from(mark).unwrap_or(0))
}

pub(crate) fn set_low_water(socket: &OwnedFd, direction: Direction, bytes: usize) -> Result<()> {
    let option = match direction {
        Direction::Send => libc::SO_SNDLOWAT,
        Direction::Receive => libc::SO_RCVLOWAT,
    };
    let mark = bytes as libc::c_int;
    // SAFETY: as above.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const mark).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    checked(code)
}

fn checked(code: libc::c_int) -> Result<()> {
    match code {
        -1 => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
        _ => Ok(()),
    }
}
