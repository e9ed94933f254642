//! Handles that go along with bytes.
//!
//! The system attaches handles to bytes of a stream, and a reader that reads across messages couldn't tell
//! which were meant. So on a stream what goes with handles has a frame, which is read by itself; and so has
//! an endpoint, on a stream or as a datagram.

use crate::endpoint::EndpointKind;
use strait_core::{Deadline, Error, ErrorKind, Result, Socket};

/// What is in front of bytes that go with handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The kind of the endpoint; nothing where it is just bytes and handles.
    kind: Option<EndpointKind>,
    len: usize,
    handles: usize,
}

impl Frame {
    pub(super) const LEN: usize = 16;

    pub(super) fn of(kind: Option<EndpointKind>, bytes: &[u8], handles: usize) -> Self {
        Self { kind, len: bytes.len(), handles }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let kind = self.kind.map_or(0, EndpointKind::to_u32);
        let mut bytes = [0; Self::LEN];
        // Both were checked to be much less than 2³².
        let words = [MAGIC, kind, self.len as u32, self.handles as u32];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Checks what a peer has sent.
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut words = bytes
            .chunks_exact(4)
            .filter_map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)));
        let mut next = || words.next().unwrap_or(0);
        let (magic, kind, len, handles) = (next(), next(), next(), next());
        if magic != MAGIC || bytes.len() < Self::LEN {
            let why = "it is no message with handles";
            return Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, why)
                .hint("what is sent by `send_handles` or `send_endpoint` is received here"));
        }
        let kind = (kind != 0).then_some(EndpointKind::from_u32(kind));
        Ok(Self { kind, len: len as usize, handles: handles as usize })
    }

    /// Refuses what nobody could have sent.
    fn check<S: Socket>(self, longest: usize) -> Result<Self> {
        if self.len <= longest && self.handles <= S::MAX_HANDLES {
            return Ok(self);
        }
        let why = format!("no message has {} bytes and {} handles", self.len, self.handles);
        Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, why))
    }
}

/// The first word of a frame, with the version of its layout.
const MAGIC: u32 = u32::from_le_bytes(*b"shp1");

pub(super) const RECEIVE: &str = "receive handles";

/// Bytes and handles that have come.
#[derive(Debug)]
pub(super) struct Came<H> {
    pub(super) kind: Option<EndpointKind>,
    pub(super) bytes: Vec<u8>,
    pub(super) handles: Vec<H>,
}

impl<H> Came<H> {
    /// Out of a datagram.
    pub(super) fn from_message<S: Socket>(mut bytes: Vec<u8>, handles: Vec<H>) -> Result<Self> {
        let frame = Frame::from_bytes(&bytes)?.check::<S>(S::MAX_MESSAGE)?;
        let bytes = bytes.split_off(Frame::LEN);
        if (bytes.len(), handles.len()) != (frame.len, frame.handles) {
            return Err(not_as_many(frame.handles, handles.len()));
        }
        Ok(Self { kind: frame.kind, bytes, handles })
    }

    /// Refuses something else than bytes and handles that fit.
    pub(super) fn expect_bytes(&self, room: usize) -> Result<()> {
        if let Some(kind) = self.kind {
            let why = format!("it is {kind} and not just handles");
            return Err(Error::new(ErrorKind::TypeMismatch, RECEIVE, why));
        }
        if self.bytes.len() > room {
            let why = format!("the message has {} bytes and the buffer {room}", self.bytes.len());
            let error = Error::new(ErrorKind::TooLarge, RECEIVE, why);
            return Err(error.hint("the message is still there: receive it with a larger buffer"));
        }
        Ok(())
    }

    /// Refuses something else than an endpoint of this kind.
    pub(super) fn expect_endpoint(&self, expected: EndpointKind) -> Result<()> {
        let why = match self.kind {
            Some(kind) if kind == expected => return Ok(()),
            Some(kind) => format!("it is {kind} and not {expected}"),
            None => format!("it is bytes with handles and not {expected}"),
        };
        Err(Error::new(ErrorKind::TypeMismatch, "receive an endpoint", why))
    }
}

/// What has come of a message with handles on a stream.
#[derive(Debug)]
pub(super) struct Partial<H> {
    raw: Vec<u8>,
    handles: Vec<H>,
    /// Whether there was no room for some of the handles.
    lost: bool,
    whole: Option<Came<H>>,
}

impl<H> Default for Partial<H> {
    fn default() -> Self {
        Self { raw: Vec::new(), handles: Vec::new(), lost: false, whole: None }
    }
}

impl<H> Partial<H> {
    pub(super) fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.whole.is_none()
    }

    /// Receives of the message what has arrived, without waiting; whether it is whole.
    pub(super) fn advance<S: Socket<Handle = H>>(&mut self, socket: &S) -> Result<bool> {
        while self.whole.is_none() {
            let frame = match self.raw.len() {
                0..Frame::LEN => None,
                _ => Some(self.frame::<S>()?),
            };
            let len = Frame::LEN + frame.map_or(0, |frame| frame.len);
            match frame {
                Some(frame) if self.raw.len() == len => self.conclude(frame)?,
                // Never more than this message, so that all handles that come are its own.
                _ if !self.receive(socket, len)? => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Takes the whole message, unless `check` refuses it: then it stays.
    pub(super) fn take(&mut self, check: impl Fn(&Came<H>) -> Result<()>) -> Result<Came<H>> {
        if let Some(whole) = &self.whole {
            check(whole)?;
        }
        self.whole.take().ok_or_else(|| Deadline::now().error(RECEIVE))
    }

    fn frame<S: Socket>(&mut self) -> Result<Frame> {
        let frame = Frame::from_bytes(&self.raw);
        let frame = frame.and_then(|frame| frame.check::<S>(S::MAX_WHOLE - Frame::LEN));
        if frame.is_err() {
            *self = Self::default();
        }
        frame
    }

    /// `false` where nothing has arrived.
    fn receive<S: Socket<Handle = H>>(&mut self, socket: &S, len: usize) -> Result<bool> {
        let (at, had) = (self.raw.len(), self.handles.len());
        self.raw.resize(len, 0);
        let arrived = socket.receive(&mut self.raw[at..], Some(&mut self.handles), Deadline::now());
        self.raw.truncate(at + arrived.as_ref().map_or(0, |arrived| arrived.len));
        match arrived {
            Ok(arrived) if arrived.is_end => {
                let within = if self.is_empty() { "" } else { " within a message" };
                let why = format!("the peer has ended{within}");
                Err(Error::new(ErrorKind::Disconnected, RECEIVE, why))
            }
            // They go with the first of the bytes. A peer that attaches more to every byte mustn't fill
            // this process with them before the message is whole.
            Ok(_) if at > 0 && self.handles.len() > had => {
                *self = Self::default();
                let why = "handles came within a message, and not with its beginning";
                Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, why))
            }
            Ok(arrived) => {
                self.lost |= arrived.handles_are_lost;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn conclude(&mut self, frame: Frame) -> Result<()> {
        let Self { mut raw, handles, lost, .. } = std::mem::take(self);
        if lost {
            return Err(no_room());
        }
        if handles.len() != frame.handles {
            return Err(not_as_many(frame.handles, handles.len()));
        }
        let bytes = raw.split_off(Frame::LEN);
        self.whole = Some(Came { kind: frame.kind, bytes, handles });
        Ok(())
    }
}

/// The error of handles for which there was no room.
pub(super) fn no_room() -> Error {
    let why = "this process has no room for the handles that came, and they are closed";
    Error::new(ErrorKind::LimitReached, RECEIVE, why)
        .hint("close some or raise the limit (ulimit -n)")
}

/// Refuses more bytes than go with handles.
pub(super) fn check_len(bytes: &[u8], most: usize) -> Result<()> {
    if bytes.len() <= most {
        return Ok(());
    }
    let why = format!("{} bytes are more than the {most} that go with handles", bytes.len());
    Err(Error::new(ErrorKind::TooLarge, "send handles", why)
        .hint("send what is longer before or after"))
}

fn not_as_many(said: usize, came: usize) -> Error {
    let why = format!("the message should have {said} handles, and {came} came, or other bytes");
    Error::new(ErrorKind::PeerCorrupt, RECEIVE, why)
}

/// The methods by which an end passes handles and endpoints.
macro_rules! passing {
    ($end:ident) => {
        /// Handles, and what they stand for.
        impl<B: Backend> $end<B> {
            /// How many handles go at once, at most.
            pub const MAX_HANDLES: usize = B::Socket::MAX_HANDLES;

            /// Sends bytes, at most [`MAX_BYTES_WITH_HANDLES`](Self::MAX_BYTES_WITH_HANDLES), together
            /// with handles, which the peer then has. Waits until there is room.
            ///
            /// # Errors
            ///
            /// With any of them the handles are closed here: who wants to try again sends others of the same
            /// things.
            ///
            /// `TooLarge` where it is too much of either, before anything is sent; `LimitReached` where
            /// too many handles of this user are on their way; `Disconnected`; `Unsupported`.
            pub fn send_handles(&self, bytes: &[u8], handles: Vec<Handle<B>>) -> Result<()> {
                self.send_handles_deadline(bytes, handles, Deadline::NEVER)
            }

            /// Sends bytes together with handles, waiting for `timeout` at most.
            ///
            /// # Errors
            ///
            /// Those of [`send_handles`](Self::send_handles), and `TimedOut`: the handles are closed then too.
            pub fn send_handles_timeout(
                &self,
                bytes: &[u8],
                handles: Vec<Handle<B>>,
                timeout: Duration,
            ) -> Result<()> {
                self.send_handles_deadline(bytes, handles, timeout)
            }

            /// Sends bytes together with handles, waiting until the deadline.
            ///
            /// # Errors
            ///
            /// Those of [`send_handles_timeout`](Self::send_handles_timeout), and `Cancelled`.
            pub fn send_handles_deadline<'d>(
                &self,
                bytes: &[u8],
                handles: Vec<Handle<B>>,
                deadline: impl Into<Deadline<'d>>,
            ) -> Result<()> {
                endpoint::require::<B>()?;
                let handles: Vec<_> = handles.into_iter().map(Handle::into_backend).collect();
                self.send_bytes_with(bytes, &handles, deadline.into())
            }

            /// Receives what [`send_handles`](Self::send_handles) has sent: how many bytes, and the
            /// handles. Waits until all of it has come.
            ///
            /// # Errors
            ///
            /// `TooLarge` where the buffer is too short, and the message stays; `LimitReached` where this
            /// process has no room for the handles, and what came is lost; `Disconnected` at the end;
            /// `PeerCorrupt` where something else was sent; `TypeMismatch` where it is an endpoint.
            pub fn recv_handles(&self, buffer: &mut [u8]) -> Result<(usize, Vec<Handle<B>>)> {
                self.recv_handles_deadline(buffer, Deadline::NEVER)
            }

            /// Receives bytes and handles, waiting for `timeout` at most.
            ///
            /// # Errors
            ///
            /// Those of [`recv_handles`](Self::recv_handles), and `TimedOut`: what has come is kept for
            /// the next call.
            pub fn recv_handles_timeout(
                &self,
                buffer: &mut [u8],
                timeout: Duration,
            ) -> Result<(usize, Vec<Handle<B>>)> {
                self.recv_handles_deadline(buffer, timeout)
            }

            /// Receives bytes and handles, waiting until the deadline.
            ///
            /// # Errors
            ///
            /// Those of [`recv_handles_timeout`](Self::recv_handles_timeout).
            pub fn recv_handles_deadline<'d>(
                &self,
                buffer: &mut [u8],
                deadline: impl Into<Deadline<'d>>,
            ) -> Result<(usize, Vec<Handle<B>>)> {
                endpoint::require::<B>()?;
                let (len, handles) = self.receive_bytes_with(buffer, deadline.into())?;
                Ok((len, handles.into_iter().map(Handle::from_backend).collect()))
            }

            /// Sends an endpoint, which the peer then has in place of this process. Waits until there is
            /// room.
            ///
            /// # Errors
            ///
            /// With any of them the endpoint is gone: it was packed up already, and nobody unpacks it. The
            /// other end of a channel learns of a death, that of a pipe of the end. What has a `try_clone` can
            /// be sent as a clone, and be sent again.
            ///
            /// Those of [`Endpoint::into_parcel`] and of [`send_handles`](Self::send_handles).
            pub fn send_endpoint<E: Endpoint<B>>(&self, endpoint: E) -> Result<()> {
                self.send_endpoint_deadline(endpoint, Deadline::NEVER)
            }

            /// Sends an endpoint, waiting for `timeout` at most.
            ///
            /// # Errors
            ///
            /// Those of [`send_endpoint`](Self::send_endpoint), and `TimedOut`: the endpoint is gone then too.
            pub fn send_endpoint_timeout<E: Endpoint<B>>(
                &self,
                endpoint: E,
                timeout: Duration,
            ) -> Result<()> {
                self.send_endpoint_deadline(endpoint, timeout)
            }

            /// Sends an endpoint, waiting until the deadline.
            ///
            /// # Errors
            ///
            /// Those of [`send_endpoint_timeout`](Self::send_endpoint_timeout), and `Cancelled`.
            pub fn send_endpoint_deadline<'d, E: Endpoint<B>>(
                &self,
                endpoint: E,
                deadline: impl Into<Deadline<'d>>,
            ) -> Result<()> {
                let Parcel { kind, state, handles } = endpoint.into_parcel()?;
                self.send_with(Some(kind), &state, &handles, deadline.into())
            }

            /// Receives an endpoint that [`send_endpoint`](Self::send_endpoint) has sent. Waits until all
            /// of it has come.
            ///
            /// # Errors
            ///
            /// `TypeMismatch` where it is another one; `PeerCorrupt` where it isn't one; `LimitReached`
            /// where this process has no room for its handles, and it is lost; `Disconnected` at the
            /// end; those of [`Endpoint::from_parcel`].
            pub fn recv_endpoint<E: Endpoint<B>>(&self) -> Result<E> {
                self.recv_endpoint_deadline(Deadline::NEVER)
            }

            /// Receives an endpoint, waiting for `timeout` at most.
            ///
            /// # Errors
            ///
            /// Those of [`recv_endpoint`](Self::recv_endpoint), and `TimedOut`.
            pub fn recv_endpoint_timeout<E: Endpoint<B>>(&self, timeout: Duration) -> Result<E> {
                self.recv_endpoint_deadline(timeout)
            }

            /// Receives an endpoint, waiting until the deadline.
            ///
            /// # Errors
            ///
            /// Those of [`recv_endpoint`](Self::recv_endpoint), and `TimedOut`.
            pub fn recv_endpoint_deadline<'d, E: Endpoint<B>>(
                &self,
                deadline: impl Into<Deadline<'d>>,
            ) -> Result<E> {
                endpoint::require::<B>()?;
                let came =
                    self.receive_with(deadline.into(), |came| came.expect_endpoint(E::KIND))?;
                E::from_parcel(Parcel { kind: E::KIND, state: came.bytes, handles: came.handles })
            }
        }
    };
}
pub(super) use passing;
