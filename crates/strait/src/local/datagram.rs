//! Messages that keep their boundaries, two-way.

use super::{
    LocalSocket,
    connect::connecting,
    of_style,
    passing::{Came, Frame, check_len, no_room, passing},
    require, sealed,
};
use crate::endpoint::{self, Endpoint, EndpointKind, Handle, Parcel};
use std::{fmt, net::Shutdown, time::Duration};
use strait_core::{
    Arrived, Backend, Credentials, Deadline, Error, ErrorKind, Result, Socket, Style, Transfer,
};

/// One end of a connection that carries messages: each arrives whole, once, and in order. Dropping the last
/// clone of it tells the peer.
///
/// A message has at most [`MAX_LEN`](Self::MAX_LEN) bytes, and may have none. Sending to nobody is an error
/// of kind `Disconnected`, and never a signal.
///
/// What a hostile peer sends along unasked can take long to close, as a TCP connection that lingers does: no
/// deadline ends that.
///
/// ```
/// use strait::{ErrorKind, LocalDatagram};
///
/// let (here, there) = LocalDatagram::pair()?;
/// here.send(b"one")?;
/// here.send(b"")?;
/// drop(here);
///
/// let mut buffer = [0; 16];
/// assert_eq!(there.recv(&mut buffer)?, 3);
/// assert_eq!(there.recv(&mut buffer)?, 0); // a message without bytes
/// assert_eq!(there.recv(&mut buffer).unwrap_err().kind(), ErrorKind::Disconnected);
/// # Ok::<(), strait::Error>(())
/// ```
pub struct LocalDatagram<B: Backend> {
    socket: B::Socket,
}

connecting!(LocalDatagram);
passing!(LocalDatagram);

impl<B: Backend> LocalDatagram<B> {
    /// The length in bytes of the longest message.
    pub const MAX_LEN: usize = B::Socket::MAX_MESSAGE;

    /// How many bytes go with handles at once, at most.
    pub const MAX_BYTES_WITH_HANDLES: usize = B::Socket::MAX_MESSAGE.saturating_sub(Frame::LEN);

    /// Sends a message, waiting for room.
    ///
    /// # Errors
    ///
    /// `TooLarge`; `Disconnected` where the peer is gone.
    pub fn send(&self, message: &[u8]) -> Result<()> {
        self.send_deadline(message, Deadline::NEVER)
    }

    /// Sends a message, waiting for room for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and `TimedOut`: then nothing of it was sent.
    pub fn send_timeout(&self, message: &[u8], timeout: Duration) -> Result<()> {
        self.send_deadline(message, timeout)
    }

    /// Sends a message, waiting for room until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`send_timeout`](Self::send_timeout).
    pub fn send_deadline<'d>(
        &self,
        message: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<()> {
        self.socket.send(message, &[], deadline.into().check(SEND)?).map(drop)
    }

    /// Receives the next message, waiting for it; returns its length. Handles that came with it are
    /// closed.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone and everything has been received; `TooLarge` where the
    /// message is longer than the buffer: then it is still there. That holds among the threads of this
    /// process.
    pub fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        self.recv_deadline(buffer, Deadline::NEVER)
    }

    /// Receives the next message, waiting for it for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and `TimedOut`.
    pub fn recv_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.recv_deadline(buffer, timeout)
    }

    /// Receives the next message, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`recv`](Self::recv), and `TimedOut`.
    pub fn recv_deadline<'d>(
        &self,
        buffer: &mut [u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        Ok(not_ended(self.socket.receive(buffer, None, deadline.into().check(RECEIVE)?)?)?.len)
    }

    /// Receives the next message, however long it is, waiting for it.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone and everything has been received.
    pub fn recv_vec(&self) -> Result<Vec<u8>> {
        self.recv_vec_deadline(Deadline::NEVER)
    }

    /// Receives the next message, however long it is, waiting for it for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`recv_vec`](Self::recv_vec), and `TimedOut`.
    pub fn recv_vec_timeout(&self, timeout: Duration) -> Result<Vec<u8>> {
        self.recv_vec_deadline(timeout)
    }

    /// Receives the next message, however long it is, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`recv_vec`](Self::recv_vec), and `TimedOut`.
    pub fn recv_vec_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<Vec<u8>> {
        self.receive_whole(None, deadline.into())
    }

    /// Another handle of the same end. Each message is received by one of them.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self { socket: self.socket.try_clone()? })
    }

    /// The backend's own socket.
    pub fn into_backend(self) -> B::Socket {
        self.socket
    }

    fn send_bytes_with(
        &self,
        bytes: &[u8],
        handles: &[B::Handle],
        deadline: Deadline<'_>,
    ) -> Result<()> {
        check_len(bytes, Self::MAX_BYTES_WITH_HANDLES)?;
        self.socket.send(bytes, handles, deadline.check(SEND)?).map(drop)
    }

    fn receive_bytes_with(
        &self,
        buffer: &mut [u8],
        deadline: Deadline<'_>,
    ) -> Result<(usize, Vec<B::Handle>)> {
        let mut handles = Vec::new();
        let arrived = not_ended(self.socket.receive(
            buffer,
            Some(&mut handles),
            deadline.check(RECEIVE)?,
        )?)?;
        match arrived.handles_are_lost {
            true => Err(no_room()),
            false => Ok((arrived.len, handles)),
        }
    }

    fn send_with(
        &self,
        kind: Option<EndpointKind>,
        bytes: &[u8],
        handles: &[B::Handle],
        deadline: Deadline<'_>,
    ) -> Result<()> {
        check_len(bytes, Self::MAX_BYTES_WITH_HANDLES)?;
        let framed = [&Frame::of(kind, bytes, handles.len()).to_bytes()[..], bytes].concat();
        self.socket.send(&framed, handles, deadline.check(SEND)?).map(drop)
    }

    /// Receives an endpoint. A message that is something else is lost.
    fn receive_with(
        &self,
        deadline: Deadline<'_>,
        check: impl Fn(&Came<B::Handle>) -> Result<()>,
    ) -> Result<Came<B::Handle>> {
        let mut handles = Vec::new();
        let message = self.receive_whole(Some(&mut handles), deadline)?;
        let came = Came::from_message::<B::Socket>(message, handles)?;
        check(&came)?;
        Ok(came)
    }

    fn receive_whole(
        &self,
        mut handles: Option<&mut Vec<B::Handle>>,
        deadline: Deadline<'_>,
    ) -> Result<Vec<u8>> {
        loop {
            let mut message = vec![0; self.socket.pending(deadline.check(RECEIVE)?)?];
            match self.socket.receive(&mut message, handles.as_deref_mut(), deadline) {
                // Another thread has received it, and the next one is longer.
                Err(error) if error.kind() == ErrorKind::TooLarge => {}
                Err(error) => return Err(error),
                Ok(arrived) if arrived.handles_are_lost => return Err(no_room()),
                Ok(arrived) => {
                    message.truncate(not_ended(arrived)?.len);
                    return Ok(message);
                }
            }
        }
    }
}

const SEND: &str = "send a message";
const RECEIVE: &str = "receive a message";

pub(crate) fn not_ended(arrived: Arrived) -> Result<Arrived> {
    if !arrived.is_end {
        return Ok(arrived);
    }
    let why = "the peer has ended, and everything has been received";
    Err(Error::new(ErrorKind::Disconnected, RECEIVE, why))
}

impl<B: Backend> LocalSocket<B> for LocalDatagram<B> {
    const STYLE: Style = Style::Datagram;

    fn from_backend(socket: B::Socket) -> Result<Self> {
        Ok(Self { socket: of_style::<B>(socket, Self::STYLE)? })
    }
}

impl<B: Backend> Endpoint<B> for LocalDatagram<B> {
    const KIND: EndpointKind = EndpointKind::LOCAL_DATAGRAM;

    fn into_parcel(self) -> Result<Parcel<B>> {
        endpoint::require::<B>()?;
        Ok(Parcel::of(Self::KIND, self.socket.to_handle()?))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        Self::from_backend(B::Socket::from_handle(parcel.only_handle(Self::KIND)?)?)
    }
}
