//! Receiving from local sockets, with the descriptors that come along.
//!
//! A peer decides what comes. All descriptors are taken into possession at once, so that none is leaked
//! whatever comes with it.
#![expect(unsafe_code, reason = "rustix takes the process of a peer for one that has a number")]

use rustix::io::{Errno, Result};
use std::{
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

/// As many descriptors the kernel passes at once: `SCM_MAX_FD`.
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// What came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) bytes: usize,
    /// Whether the kernel has said who sent it, as it does of every message, and not of the end.
    pub(crate) has_sender: bool,
    /// Whether descriptors came for which there was no room.
    pub(crate) cut: bool,
}

/// What is wanted along with bytes.
#[derive(Debug)]
pub(crate) enum Along<'a> {
    /// Nothing: the kernel closes descriptors that come, before they are this process'.
    Nothing,
    /// Whether the kernel says who sent it. There is no room for more, where it does.
    Sender,
    /// That, and the descriptors, which are added to these.
    Handles(&'a mut Vec<OwnedFd>),
}

/// Receives without waiting.
///
/// Closing descriptors that aren't wanted can take as long as who made them likes, as where a network or a
/// file system of its own has to be told, and no deadline ends that.
pub(crate) fn receive(socket: impl AsFd, buffer: &mut [u8], along: Along<'_>) -> Result<Came> {
    let mut control = Control([0; SPACE]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: a `msghdr` is integers and pointers, for which zeros are valid; systems differ in their
    // number.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let space = match along {
        Along::Nothing => 0,
        Along::Sender => SPACE_OF_SENDER,
        Along::Handles(_) => SPACE,
    };
    if space > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = space as _;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let bytes = loop {
        // SAFETY: the descriptor is open while it is borrowed; the message leads to a buffer and to space
        // for control messages that are borrowed meanwhile, with their lengths.
        let code = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, flags) };
        match usize::try_from(code) {
            Ok(bytes) => break bytes,
            Err(_) => match std::io::Error::last_os_error().raw_os_error() {
                Some(libc::EINTR) => {}
                code => return Err(Errno::from_raw_os_error(code.unwrap_or(libc::EIO))),
            },
        }
    };
    let mut unwanted = Vec::new();
    let (descriptors, wants) = match along {
        Along::Handles(descriptors) => (descriptors, true),
        Along::Nothing | Along::Sender => (&mut unwanted, false),
    };
    let has_sender = take(&message, descriptors);
    let cut = wants && message.msg_flags & libc::MSG_CTRUNC != 0;
    Ok(Came { bytes, has_sender, cut })
}

/// Has it that looking at what comes next begins where that does, as it is unless who shares the description
/// has asked for something else.
pub(crate) fn peek_at_the_beginning(socket: impl AsFd) -> Result<()> {
    let nowhere: i32 = -1;
    // SAFETY: the descriptor is open while it is borrowed; the option is an integer of this size.
    let code = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEEK_OFF,
            (&raw const nowhere).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    if code == 0 {
        return Ok(());
    }
    match std::io::Error::last_os_error().raw_os_error() {
        // Then nobody has asked for it either.
        Some(libc::EOPNOTSUPP | libc::ENOPROTOOPT) => Ok(()),
        code => Err(Errno::from_raw_os_error(code.unwrap_or(libc::EIO))),
    }
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
        if header.cmsg_level == libc::SOL_SOCKET {
            match header.cmsg_type {
                libc::SCM_CREDENTIALS => has_sender = true,
                libc::SCM_RIGHTS => {
                    // SAFETY: the data of the message begins there, and its length includes what is
                    // before it.
                    let (data, before) =
                        unsafe { (libc::CMSG_DATA(next), libc::CMSG_LEN(0) as usize) };
                    let count =
                        (header.cmsg_len as usize).saturating_sub(before) / size_of::<RawFd>();
                    for i in 0..count {
                        // SAFETY: there are as many numbers, of descriptors that the kernel has just
                        // opened for this process and that nobody else knows.
                        descriptors.push(unsafe {
                            let number = ptr::read_unaligned(data.cast::<RawFd>().add(i));
                            OwnedFd::from_raw_fd(number)
                        });
                    }
                }
                SCM_PIDFD => {
                    // Who shares this socket may have asked for it.
                    // SAFETY: the kernel has just opened it for this process, unless it is negative.
                    unsafe {
                        let number = ptr::read_unaligned(libc::CMSG_DATA(next).cast::<RawFd>());
                        if number >= 0 {
                            drop(OwnedFd::from_raw_fd(number));
                        }
                    }
                }
                _ => {}
            }
        }
        // SAFETY: as above.
        next = unsafe { libc::CMSG_NXTHDR(message, next) };
    }
    has_sender
}

/// A descriptor of the sender's process, of linux/socket.h.
const SCM_PIDFD: i32 = 4;

/// Room for who sent it.
// SAFETY: it computes.
const SPACE_OF_SENDER: usize =
    unsafe { libc::CMSG_SPACE(size_of::<libc::ucred>() as u32) } as usize;

/// Room for that and all descriptors that the kernel passes at once.
// SAFETY: it computes.
const SPACE: usize = SPACE_OF_SENDER
    + unsafe { libc::CMSG_SPACE((MAX_DESCRIPTORS * size_of::<RawFd>()) as u32) } as usize;

/// Space for control messages, as aligned as they are.
#[repr(C, align(8))]
struct Control([u8; SPACE]);
