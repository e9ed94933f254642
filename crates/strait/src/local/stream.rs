//! Streams of bytes, two-way.

use super::{
    LocalSocket,
    connect::connecting,
    of_style,
    passing::{Came, Frame, Partial, RECEIVE, check_len, passing},
    require, sealed,
};
use crate::{
    endpoint::{self, Endpoint, EndpointKind, Handle, Parcel},
    until::Until,
};
use std::{
    fmt,
    io::{self, Read, Write},
    net::Shutdown,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use strait_core::{
    Backend, Credentials, Deadline, Error, ErrorKind, Result, Socket, Style, Transfer,
};

/// One end of a connection: what is written at one end is read at the other, in order, as bytes without
/// boundaries. Dropping the last clone of it tells the peer.
///
/// It is a [`Read`] and a [`Write`], also by shared reference. Reading gives 0 bytes where the peer has
/// ended and everything was read. Writing where nobody reads any more is an error, of kind
/// `Disconnected` or [`io::ErrorKind::BrokenPipe`], and never a signal.
///
/// Handles are received by [`recv_handles`](Self::recv_handles) and
/// [`recv_endpoint`](Self::recv_endpoint) only, and what they receive is sent by
/// [`send_handles`](Self::send_handles) and [`send_endpoint`](Self::send_endpoint). Reading the bytes of
/// such a message otherwise gives the bytes with what frames them, and closes the handles. What a hostile peer
/// sends along can take long to close, as a TCP connection that lingers does: no deadline ends that.
///
/// ```
/// use std::{io::{Read, Write}, net::Shutdown};
/// use strait::LocalStream;
///
/// let (mut here, mut there) = LocalStream::pair()?;
/// here.write_all(b"question")?;
/// here.shutdown(Shutdown::Write)?;
///
/// let mut text = String::new();
/// there.read_to_string(&mut text)?;
/// there.write_all(b"answer")?;
/// drop(there);
/// here.read_to_string(&mut text)?;
/// assert_eq!(text, "questionanswer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LocalStream<B: Backend> {
    socket: B::Socket,
    /// What has come of a message with handles.
    partial: Arc<Mutex<Partial<B::Handle>>>,
}

connecting!(LocalStream);
passing!(LocalStream);

impl<B: Backend> LocalStream<B> {
    /// Reads as much as there is and fits; 0 bytes at the end. Waits until there is something, and for
    /// `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Disconnected` where the peer has gone and left what was sent to it.
    pub fn read_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<usize> {
        self.read_deadline(buffer, timeout)
    }

    /// Reads as much as there is and fits; 0 bytes at the end. Waits until there is something, or until the
    /// deadline.
    ///
    /// # Errors
    ///
    /// Those of [`read_timeout`](Self::read_timeout).
    pub fn read_deadline<'d>(
        &self,
        buffer: &mut [u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        self.receive(buffer, deadline.into())
    }

    /// Reads until the buffer is full, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut` and `Disconnected`, with what came before then in the buffer, and no telling how much of
    /// it: where that matters, [`read_deadline`](Self::read_deadline) does.
    pub fn read_exact_timeout(&self, buffer: &mut [u8], timeout: Duration) -> Result<()> {
        self.read_exact_deadline(buffer, timeout)
    }

    /// Reads until the buffer is full, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`read_exact_timeout`](Self::read_exact_timeout).
    pub fn read_exact_deadline<'d>(
        &self,
        mut buffer: &mut [u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<()> {
        let deadline = deadline.into();
        while !buffer.is_empty() {
            match self.receive(buffer, deadline)? {
                0 => {
                    let why = format!("the peer ended {} bytes too early", buffer.len());
                    return Err(Error::new(ErrorKind::Disconnected, READ, why));
                }
                read => buffer = &mut buffer[read..],
            }
            // A peer that always has something doesn't put it off.
            if !buffer.is_empty() && deadline.has_passed() {
                return Err(deadline.error(READ));
            }
        }
        Ok(())
    }

    /// Writes as much as there is room for. Waits until there is room, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `Disconnected` where nobody reads any more; `TimedOut`.
    pub fn write_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<usize> {
        self.write_deadline(bytes, timeout)
    }

    /// Writes as much as there is room for. Waits until there is room, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`write_timeout`](Self::write_timeout).
    pub fn write_deadline<'d>(
        &self,
        bytes: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<usize> {
        self.socket.send(bytes, &[], deadline.into().check(WRITE)?)
    }

    /// Writes all of the bytes, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut` and `Disconnected`, with no telling how many were written before then: where that
    /// matters, [`write_deadline`](Self::write_deadline) does.
    pub fn write_all_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<()> {
        self.write_all_deadline(bytes, timeout)
    }

    /// Writes all of the bytes, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`write_all_timeout`](Self::write_all_timeout).
    pub fn write_all_deadline<'d>(
        &self,
        mut bytes: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<()> {
        let deadline = deadline.into();
        while !bytes.is_empty() {
            let written = self.socket.send(bytes, &[], deadline.check(WRITE)?)?;
            bytes = &bytes[written..];
            if !bytes.is_empty() && deadline.has_passed() {
                return Err(deadline.error(WRITE));
            }
        }
        Ok(())
    }

    /// This end with a deadline for what std's [`Read`] and [`Write`] do:
    /// `stream.until(deadline).read_exact(…)`.
    pub fn until<'a>(&'a self, deadline: impl Into<Deadline<'a>>) -> Until<'a, Self> {
        Until::new(self, deadline.into())
    }

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, partial: Arc::clone(&self.partial) })
    }

    /// How many bytes go with handles at once, at most.
    pub const MAX_BYTES_WITH_HANDLES: usize = B::Socket::MAX_WHOLE.saturating_sub(Frame::LEN);

    fn receive(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize> {
        Ok(self.socket.receive(buffer, None, deadline.check(READ)?)?.len)
    }

    /// The backend's own socket.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where part of a message with handles has come, which would be lost, and the rest taken
    /// for something else.
    pub fn into_backend(self) -> Result<B::Socket> {
        self.check_nothing_partial("use a connection otherwise")?;
        Ok(self.socket)
    }

    fn check_nothing_partial(&self, operation: &'static str) -> Result<()> {
        let partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        if partial.is_empty() {
            return Ok(());
        }
        let why = "part of a message with handles has come, and would be lost";
        Err(Error::new(ErrorKind::InvalidInput, operation, why).hint("receive it first"))
    }

    fn send_bytes_with(
        &self,
        bytes: &[u8],
        handles: &[B::Handle],
        deadline: Deadline<'_>,
    ) -> Result<()> {
        self.send_with(None, bytes, handles, deadline)
    }

    fn receive_bytes_with(
        &self,
        buffer: &mut [u8],
        deadline: Deadline<'_>,
    ) -> Result<(usize, Vec<B::Handle>)> {
        let came = self.receive_with(deadline, |came| came.expect_bytes(buffer.len()))?;
        buffer[..came.bytes.len()].copy_from_slice(&came.bytes);
        Ok((came.bytes.len(), came.handles))
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
        let mut left = &framed[self.socket.send(&framed, handles, deadline.check(WRITE)?)?..];
        // It is short enough to go whole. Where it doesn't all the same, the peer mustn't take what
        // comes next for the rest.
        while !left.is_empty() {
            match self.socket.send(left, &[], deadline) {
                Ok(sent) => left = &left[sent..],
                Err(error) => {
                    let _ = self.socket.shutdown(Shutdown::Write);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Receives a message with handles as soon as all of it has come. What has come when the deadline
    /// passes is kept for the next call, and so is what `check` refuses.
    fn receive_with(
        &self,
        deadline: Deadline<'_>,
        check: impl Fn(&Came<B::Handle>) -> Result<()>,
    ) -> Result<Came<B::Handle>> {
        deadline.check(RECEIVE)?;
        let mut has_waited = false;
        loop {
            // Not locked while it waits, as others have deadlines of their own.
            let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
            if partial.advance(&self.socket)? {
                return partial.take(check);
            }
            drop(partial);
            // What comes bit by bit doesn't put it off.
            if has_waited && deadline.has_passed() {
                return Err(deadline.error(RECEIVE));
            }
            self.socket.pending(deadline)?;
            has_waited = true;
        }
    }
}

const READ: &str = "read from a connection";
const WRITE: &str = "write to a connection";

impl<B: Backend> LocalSocket<B> for LocalStream<B> {
    const STYLE: Style = Style::Stream;

    fn from_backend(socket: B::Socket) -> Result<Self> {
        let socket = of_style::<B>(socket, Self::STYLE)?;
        Ok(Self { socket, partial: Arc::default() })
    }
}

impl<B: Backend> Endpoint<B> for LocalStream<B> {
    const KIND: EndpointKind = EndpointKind::LOCAL_STREAM;

    fn into_parcel(self) -> Result<Parcel<B>> {
        endpoint::require::<B>()?;
        self.check_nothing_partial(endpoint::PACK)?;
        Ok(Parcel::of(Self::KIND, self.socket.to_handle()?))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        Self::from_backend(B::Socket::from_handle(parcel.only_handle(Self::KIND)?)?)
    }
}

impl<B: Backend> Read for &LocalStream<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_deadline(buffer, Deadline::NEVER)?)
    }
}

impl<B: Backend> Read for LocalStream<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl<B: Backend> Write for &LocalStream<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.write_deadline(bytes, Deadline::NEVER)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<B: Backend> Write for LocalStream<B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
