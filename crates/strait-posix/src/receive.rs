//! Receiving from local sockets, with the descriptors that come along.
//!
//! A peer decides what comes. All descriptors are taken into possession at once, so that none is leaked
//! whatever comes with it.
#![expect(unsafe_code, reason = "rustix takes the process of a peer for one that has a number")]

use crate::sys::control;
use rustix::io::{Errno, Result};
use std::{
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

/// What came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) bytes: usize,
    /// Whether the kernel has said who sent it. Where it does, it does of every message, and not of the end.
    pub(crate) has_sender: bool,
    /// Whether descriptors came for which there was no room.
    pub(crate) cut: bool,
}

/// Receives bytes alone without waiting, or bytes and descriptors, which are added to those that are given.
pub(crate) fn receive_bytes(
    socket: impl AsFd,
    buffer: &mut [u8],
    descriptors: Option<&mut Vec<OwnedFd>>,
) -> Result<Came> {
    let space = match descriptors {
        Some(_) => control::FOR_HANDLES,
        None => control::FOR_NOTHING,
    };
    receive(socket, buffer, space, descriptors)
}

/// Receives without waiting, with `space` bytes of room for what comes along.
///
/// Closing descriptors that aren't wanted can take as long as who made them likes, as where a network or a
/// file system of its own has to be told, and no deadline ends that.
pub(crate) fn receive(
    socket: impl AsFd,
    buffer: &mut [u8],
    space: usize,
    descriptors: Option<&mut Vec<OwnedFd>>,
) -> Result<Came> {
    let mut control = Control([0; control::FOR_HANDLES]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a `msghdr` is integers and pointers, for which zeros are valid; systems differ in their
    // number.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if space > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = space.min(control.0.len()) as _;
    }
    let bytes = loop {
        // SAFETY: the descriptor is open while it is borrowed; the message leads to a buffer and to space
        // for control messages that are borrowed meanwhile, with their lengths.
        let code =
            unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, control::FLAGS) };
        match usize::try_from(code) {
            Ok(bytes) => break bytes,
            Err(_) => match std::io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                code => return Err(Errno::from_raw_os_error(code.unwrap_or(libc::EIO))),
            },
        }
    };
    let wants = descriptors.is_some();
    let has_sender = take(&message, descriptors.unwrap_or(&mut Vec::new()));
    let cut = wants && message.msg_flags & libc::MSG_CTRUNC != 0;
    Ok(Came { bytes, has_sender, cut })
}

/// Takes the descriptors out of a message that has been received; returns whether its sender is told.
fn take(message: &libc::msghdr, descriptors: &mut Vec<OwnedFd>) -> bool {
    let mut has_sender = false;
    // SAFETY: the kernel has written control messages to the space of `message`, which is still
    // there, and their length to `msg_controllen`.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !next.is_null() {
        // SAFETY: it lies within that space, by CMSG_FIRSTHDR and CMSG_NXTHDR.
        let header = unsafe { ptr::read_unaligned(next) };
        // SAFETY: the data of the message begins there, and its length includes what is before it.
        let (data, before) = unsafe { (libc::CMSG_DATA(next), libc::CMSG_LEN(0) as usize) };
        if header.cmsg_level == libc::SOL_SOCKET && header.cmsg_type == libc::SCM_RIGHTS {
            let count = (header.cmsg_len as usize).saturating_sub(before) / size_of::<RawFd>();
            for i in 0..count {
                // SAFETY: there are as many numbers, of descriptors that the kernel has just
                // opened for this process and that nobody else knows.
                let came = unsafe {
                    let number = ptr::read_unaligned(data.cast::<RawFd>().add(i));
                    OwnedFd::from_raw_fd(number)
                };
                descriptors.push(control::came(came));
            }
        } else if header.cmsg_level == libc::SOL_SOCKET {
            // SAFETY: the kernel has just put it there, with this type.
            has_sender |= unsafe { control::other(header.cmsg_type, data) };
        }
        // SAFETY: as above.
        next = unsafe { libc::CMSG_NXTHDR(message, next) };
    }
    has_sender
}

/// Space for control messages, as aligned as they are.
#[repr(C, align(8))]
struct Control([u8; control::FOR_HANDLES]);
