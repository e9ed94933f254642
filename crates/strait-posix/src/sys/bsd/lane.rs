//! How messages go over a local socket: in frames, on a stream.
//!
//! macOS has no `SOCK_SEQPACKET` for local sockets, and that of FreeBSD neither wakes who polls for an empty
//! message nor tells how long the next one is. So here a datagram has a head, [`HEAD`] bytes long: [`MAGIC`], and the
//! length of what follows, little-endian.
//!
//! 1. A frame is sent whole or not at all: a socket isn't writable, and takes nothing, as long as it has less room
//!    than its low-water mark, which is as long as the longest frame. On a kernel that doesn't look at that mark,
//!    as FreeBSD's since version 15, what it didn't take is kept, and sent before anything else. Where the end
//!    is closed before, the peer sees that its last message isn't whole.
//! 2. A frame is received whole or not at all: until all of it has come, the receiver's low-water mark is its
//!    length, so that who waits isn't woken before, but by the end.
//! 3. Descriptors go with the first byte, and with these bytes alone, as the kernel doesn't read across them.
//! 4. The low-water mark for sending tells the style of a socket that is handed over.

use super::{
    low_water::{Direction, low_water, set_low_water},
    net,
};
use crate::{poll, receive::receive_bytes, sys::control};
use rustix::{
    io::{Errno, Result, ioctl_fionread},
    net::{
        RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SocketType, recv, sendmsg, sockopt,
    },
};
use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};
use strait_core::{Arrived, Deadline, Style};

/// What all clones of one end of a connection share.
#[derive(Debug)]
pub(crate) struct Lane {
    style: Style,
    /// What the kernel didn't take of what was sent.
    rest: Mutex<Vec<u8>>,
    /// Held from looking at a message until it is taken, by one of the clones: the low-water mark.
    mark: Mutex<usize>,
}

/// A message, or the length of one that has no room, and stays.
pub(crate) type Message = std::result::Result<Arrived, usize>;

/// How long the head of a frame is.
const HEAD: usize = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"stdg");

/// As many bytes a message may have.
const LONGEST: usize = 64 << 10;

/// As many a stream takes whole or not at all.
const WHOLE: usize = 32 << 10;

/// What has room in a socket.
const ROOM: usize = 256 << 10;

impl Lane {
    /// Makes a socket ready for the style.
    pub(crate) fn new(socket: &OwnedFd, style: Style) -> Result<Self> {
        let make_ready = || {
            sockopt::set_socket_send_buffer_size(socket, ROOM)?;
            sockopt::set_socket_recv_buffer_size(socket, ROOM)?;
            set_low_water(socket, Direction::Send, mark_of(style))
        };
        if low_water(socket) != Ok(mark_of(style)) {
            match make_ready() {
                // To macOS, one whose peer has left: what that has sent is still there.
                Err(Errno::INVAL) => {}
                result => result?,
            }
        }
        Ok(Self { style, rest: Mutex::default(), mark: Mutex::new(1) })
    }

    /// Sends what there is room for, or a whole message.
    pub(crate) fn send(
        &self,
        socket: &OwnedFd,
        bytes: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<usize> {
        let mut rest = lock(&self.rest);
        send_rest(socket, &mut rest)?;
        let is_whole = self.style == Style::Datagram || !descriptors.is_empty();
        let head = head(bytes.len());
        let parts = match self.style {
            Style::Stream => [IoSlice::new(&[]), IoSlice::new(bytes)],
            Style::Datagram => [IoSlice::new(&head), IoSlice::new(bytes)],
        };
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(control::MAX_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        }
        let sent = sendmsg(socket, &parts, &mut ancillary, net::SEND)?;
        if !is_whole {
            return Ok(sent);
        }
        // Where that was all, nothing is left.
        rest.extend(parts.iter().flat_map(|part| part.iter()).skip(sent));
        Ok(bytes.len())
    }

    /// The length of the next message; 0 at the end.
    pub(crate) fn pending(&self, socket: &OwnedFd) -> Result<usize> {
        let next = self.next(socket, &mut lock(&self.mark))?;
        Ok(next.unwrap_or(0))
    }

    /// Receives the next message, and adds its descriptors to those that are given.
    pub(crate) fn receive(
        &self,
        socket: &OwnedFd,
        buffer: &mut [u8],
        mut descriptors: Option<&mut Vec<OwnedFd>>,
    ) -> Result<Message> {
        let mut mark = lock(&self.mark);
        let mut arrived = Arrived { len: 0, is_end: true, handles_are_lost: false };
        let Some(len) = self.next(socket, &mut mark)? else { return Ok(Ok(arrived)) };
        if len > buffer.len() {
            return Ok(Err(len));
        }
        let mut head = [0; HEAD];
        (arrived.len, arrived.is_end) = (len, false);
        for part in [&mut head[..], &mut buffer[..len]] {
            let mut filled = 0;
            while filled < part.len() {
                let came = receive_bytes(socket, &mut part[filled..], descriptors.as_deref_mut())?;
                arrived.handles_are_lost |= came.cut;
                // All of it was there; somebody else has received it from the same description.
                if came.bytes == 0 && !came.has_sender {
                    return Err(Errno::BADMSG);
                }
                filled += came.bytes;
            }
        }
        // Whatever it is: another process that has the description may have set it.
        set_low_water(socket, Direction::Receive, 1)?;
        *mark = 1;
        Ok(Ok(arrived))
    }

    /// Nothing of a stream has to be put right.
    pub(crate) fn put_right(&self, _socket: &OwnedFd) -> Result<()> {
        Ok(())
    }

    /// The length of the next message, when all of it has come; `None` at the end.
    fn next(&self, socket: &OwnedFd, mark: &mut usize) -> Result<Option<usize>> {
        let mut head = [0; HEAD];
        let (_, seen) = recv(socket, &mut head[..], RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
        if seen == 0 {
            // Where a part of a message had come, the rest of it never will.
            return if *mark > 1 { Err(Errno::BADMSG) } else { Ok(None) };
        }
        let len = if seen < HEAD { None } else { Some(len_of(head)?) };
        let needed = HEAD + len.unwrap_or(0);
        let has_come = || Ok::<_, Errno>(ioctl_fionread(socket)? >= needed as u64);
        match len {
            Some(len) if has_come()? => return Ok(Some(len)),
            _ => self.wait_for(socket, mark, needed)?,
        }
        // It is readable now where the rest has come meanwhile, and where it will never come.
        if poll::readable(socket, Deadline::now())? && !has_come()? {
            return Err(Errno::BADMSG);
        }
        Err(Errno::AGAIN)
    }

    /// Has who waits be woken when as many bytes have come, or at the end.
    fn wait_for(&self, socket: &OwnedFd, mark: &mut usize, bytes: usize) -> Result<()> {
        if *mark != bytes {
            set_low_water(socket, Direction::Receive, bytes)?;
            *mark = bytes;
        }
        Ok(())
    }
}

/// The type of the sockets of a style.
pub(crate) fn kind_of(_style: Style) -> SocketType {
    SocketType::STREAM
}

/// The style of a socket.
pub(crate) fn style_of(socket: &OwnedFd) -> Style {
    match low_water(socket) {
        Ok(mark) if mark == mark_of(Style::Datagram) => Style::Datagram,
        _ => Style::Stream,
    }
}

fn mark_of(style: Style) -> usize {
    match style {
        Style::Stream => WHOLE,
        Style::Datagram => HEAD + LONGEST,
    }
}

fn head(len: usize) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(&MAGIC.to_le_bytes());
    // It was checked to be at most LONGEST.
    head[4..].copy_from_slice(&(len as u32).to_le_bytes());
    head
}

/// The length that a peer's head says.
fn len_of(head: [u8; HEAD]) -> Result<usize> {
    let [a, b, c, d, e, f, g, h] = head;
    let len = u32::from_le_bytes([e, f, g, h]) as usize;
    match u32::from_le_bytes([a, b, c, d]) == MAGIC && len <= LONGEST {
        true => Ok(len),
        false => Err(Errno::BADMSG),
    }
}

/// Sends what is left, all of it, or fails with `AGAIN`.
fn send_rest(socket: &OwnedFd, rest: &mut Vec<u8>) -> Result<()> {
    while !rest.is_empty() {
        let sent = rustix::net::send(socket, rest, net::SEND)?;
        rest.drain(..sent);
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
