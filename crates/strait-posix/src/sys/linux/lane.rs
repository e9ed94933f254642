//! How messages go over a local socket: as the kernel's own, `SOCK_SEQPACKET`.
#![expect(unsafe_code, reason = "rustix lacks an option of sockets")]

use super::{control, net};
use crate::receive::receive;
use rustix::{
    io::{Errno, Result},
    net::{
        RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SocketType, recv, sendmsg, sockopt,
    },
};
use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{Mutex, PoisonError},
};
use strait_core::{Arrived, Style};

/// What all clones of one end of a connection share.
#[derive(Debug)]
pub(crate) struct Lane {
    style: Style,
    /// Held from looking at a message until it is taken, by one of the clones.
    turn: Mutex<()>,
}

/// A message, or the length of one that has no room, and stays.
pub(crate) type Message = std::result::Result<Arrived, usize>;

impl Lane {
    /// Makes a socket ready for the style.
    pub(crate) fn new(socket: &OwnedFd, style: Style) -> Result<Self> {
        if style == Style::Datagram {
            // So each message has a sender, an empty one too, which tells it from the end.
            sockopt::set_socket_passcred(socket, true)?;
            peek_at_the_beginning(socket)?;
        }
        Ok(Self { style, turn: Mutex::new(()) })
    }

    /// Sends what there is room for, or a whole message.
    pub(crate) fn send(
        &self,
        socket: &OwnedFd,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<usize> {
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(control::MAX_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        sendmsg(socket, &[IoSlice::new(bytes)], &mut ancillary, net::SEND)
    }

    /// The length of the next message; 0 at the end.
    pub(crate) fn pending(&self, socket: &OwnedFd) -> Result<usize> {
        let flags = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        recv(socket, &mut [0_u8; 0][..], flags).map(|(_, len)| len)
    }

    /// Receives the next message, and adds its descriptors to those that are given.
    pub(crate) fn receive(
        &self,
        socket: &OwnedFd,
        buffer: &mut [u8],
        descriptors: Option<&mut Vec<OwnedFd>>,
    ) -> Result<Message> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let len = self.pending(socket)?;
        if len > buffer.len() {
            return Ok(Err(len));
        }
        let space = match descriptors {
            Some(_) => control::FOR_HANDLES,
            None => control::FOR_SENDER,
        };
        let came = receive(socket, buffer, space, descriptors)?;
        // Who shares the description can have the kernel tell no senders any more.
        let is_end = came.bytes == 0 && !came.has_sender;
        Ok(Ok(Arrived { len: came.bytes, is_end, handles_are_lost: came.cut }))
    }

    /// Puts right what who shares the description may have changed, so that it passes over what is there.
    pub(crate) fn put_right(&self, socket: &OwnedFd) -> Result<()> {
        match self.style {
            Style::Stream => Ok(()),
            Style::Datagram => peek_at_the_beginning(socket),
        }
    }
}

/// The type of the sockets of a style.
pub(crate) fn kind_of(style: Style) -> SocketType {
    match style {
        Style::Stream => SocketType::STREAM,
        Style::Datagram => SocketType::SEQPACKET,
    }
}

/// The style of a socket.
pub(crate) fn style_of(socket: &OwnedFd) -> Style {
    match sockopt::socket_type(socket) {
        Ok(SocketType::SEQPACKET) => Style::Datagram,
        _ => Style::Stream,
    }
}

/// Has it that looking at what comes next begins where that does, as it is unless who shares the description
/// has asked for something else.
fn peek_at_the_beginning(socket: impl AsFd) -> Result<()> {
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
