//! The receiving end.

use super::{DEFAULT_CAPACITY, Ring, on};
use std::{fmt, ops::Deref, time::Duration};
use strait_core::{
    Backend, Capability, Connection, Deadline, Error, ErrorKind, Listener, Name, Result,
};
use strait_protocol::{
    Advert, Hello,
    ring::{Consumer, Received, SegmentRing, capacity_for},
};

/// The receiving end of a channel of bytes.
///
/// Senders are served one after another: what one sends arrives whole and in order, then comes
/// `Disconnected` once, and after that the next one's turn. A sender that comes early can already
/// send, until its ring is full.
///
/// ```
/// use strait::{ByteReceiver, ByteSender, ErrorKind};
///
/// let name = format!("doc/receiver-{}", std::process::id());
/// let mut receiver = ByteReceiver::bind(&name)?;
/// # let mut sender = ByteSender::connect(&name)?;
/// # sender.send(b"hello")?;
/// # drop(sender);
/// loop {
///     match receiver.recv_ref() {
///         Ok(message) => println!("{} bytes", message.len()),
///         Err(error) if error.kind() == ErrorKind::Disconnected => break,
///         Err(error) => return Err(error),
///     }
/// }
/// # Ok::<(), strait::Error>(())
/// ```
pub struct ByteReceiver<B: Backend> {
    /// What it is bound to; nothing where it is an end of an unnamed channel.
    bound: Option<Bound<B>>,
    capacity: usize,
    /// The sender whose turn it is.
    sender: Option<Sender<B>>,
    finished: bool,
    empty_looks: u32,
}

/// Where senders come from.
struct Bound<B: Backend> {
    name: Name,
    /// Those that have connected and not introduced themselves.
    arriving: Vec<B::Connection>,
    listener: B::Listener,
}

pub(super) type Sender<B> = Consumer<Ring<B>, <B as strait_core::Rendezvous>::Connection>;

impl<B: Backend> ByteReceiver<B> {
    /// Listens under `name`, with a ring of 256 KiB for each sender.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where a live receiver has the name; `InvalidInput` for a bad name.
    pub fn bind(name: impl AsRef<str>) -> Result<Self> {
        Self::bind_with_capacity(name, DEFAULT_CAPACITY)
    }

    /// Listens under `name`, with a ring of `bytes` for each sender, rounded up to a power of two
    /// and 4 KiB at least. The longest message is half of that.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind), and `InvalidInput` for zero or more than 1 GiB.
    pub fn bind_with_capacity(name: impl AsRef<str>, bytes: usize) -> Result<Self> {
        B::CAPABILITIES.require(Capability::Rendezvous, BIND)?;
        let name = Name::new(name.as_ref())?;
        let capacity = capacity_for(bytes, BIND).map_err(|error| error.on(&name))?;
        let listener = B::listen(&name, &Advert { capacity: capacity as u64 }.to_bytes())?;
        let bound = Some(Bound { name, arriving: Vec::new(), listener });
        Ok(Self { bound, capacity, sender: None, finished: false, empty_looks: 0 })
    }

    /// The end of an unnamed channel, whose sender may have ended.
    pub(super) fn unnamed(capacity: usize, sender: Option<Sender<B>>, finished: bool) -> Self {
        Self { bound: None, capacity, sender, finished, empty_looks: 0 }
    }

    /// What [`unnamed`](Self::unnamed) makes one of.
    ///
    /// # Errors
    ///
    /// The receiver's name, where it has one.
    pub(super) fn into_unnamed(self) -> Result<(usize, Option<Sender<B>>, bool), Name> {
        match self.bound {
            Some(bound) => Err(bound.name),
            None => Ok((self.capacity, self.sender, self.finished)),
        }
    }

    /// The length in bytes of the longest message.
    pub fn max_message_len(&self) -> usize {
        strait_protocol::ring::max_message_len(self.capacity)
    }

    /// Receives the next message where the sender wrote it, waiting for it. The sender can reuse
    /// the space when the message is dropped.
    ///
    /// The bytes lie in memory that the sender maps too, and this trusts the sender, a process of the
    /// same user, not to change what it has sent: it would change a `&[u8]` that is being looked at,
    /// which is undefined behaviour. [`recv_into`](Self::recv_into) trusts it for nothing.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the sender is gone and everything that it sent has been received;
    /// `PeerCorrupt` where it has overwritten the channel's bookkeeping, and is disconnected.
    #[inline]
    pub fn recv_ref(&mut self) -> Result<Message<'_, B>> {
        self.receive(Deadline::NEVER)?;
        Ok(Message { receiver: self })
    }

    /// Receives the next message in place if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref`](Self::recv_ref), and `WouldBlock` where there is none. The end of a
    /// sender that was killed is noticed within 64 calls.
    #[inline]
    pub fn try_recv_ref(&mut self) -> Result<Message<'_, B>> {
        self.try_receive()?;
        Ok(Message { receiver: self })
    }

    /// Receives the next message in place, waiting for it until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref`](Self::recv_ref), and `TimedOut`.
    #[inline]
    pub fn recv_ref_timeout(&mut self, timeout: Duration) -> Result<Message<'_, B>> {
        self.recv_ref_deadline(timeout)
    }

    /// Receives the next message in place, waiting for it until the deadline. One that was cancelled
    /// ends it even where messages never fail to come.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref`](Self::recv_ref), `TimedOut` and `Cancelled`.
    #[inline]
    pub fn recv_ref_deadline<'d>(
        &mut self,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<Message<'_, B>> {
        self.receive(deadline.into())?;
        Ok(Message { receiver: self })
    }

    /// Receives a copy of the next message into `buffer`, whose contents it replaces, waiting for
    /// it. Whatever the sender does, the copy stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref`](Self::recv_ref).
    pub fn recv_into(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        self.recv_ref().map(|message| message.copy_into(buffer))
    }

    /// Receives a copy of the next message into `buffer` if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`try_recv_ref`](Self::try_recv_ref).
    pub fn try_recv_into(&mut self, buffer: &mut Vec<u8>) -> Result<()> {
        self.try_recv_ref().map(|message| message.copy_into(buffer))
    }

    /// Receives a copy of the next message into `buffer`, waiting for it until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref_timeout`](Self::recv_ref_timeout).
    pub fn recv_into_timeout(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<()> {
        self.recv_into_deadline(buffer, timeout)
    }

    /// Receives a copy of the next message into `buffer`, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`recv_ref_deadline`](Self::recv_ref_deadline).
    pub fn recv_into_deadline<'d>(
        &mut self,
        buffer: &mut Vec<u8>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<()> {
        self.recv_ref_deadline(deadline).map(|message| message.copy_into(buffer))
    }

    /// Whether the last `Disconnected` was a sender that closed its end on purpose, and not one that
    /// was killed before.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The name that it is bound to; `None` for the end of an [unnamed](crate::byte_channel) channel.
    pub fn name(&self) -> Option<&Name> {
        self.bound.as_ref().map(|bound| &bound.name)
    }

    #[inline]
    fn receive(&mut self, deadline: Deadline<'_>) -> Result<()> {
        let deadline = deadline.check(RECEIVE).map_err(|error| on(error, self.name()))?;
        if let Some(sender) = &mut self.sender {
            // Of a message that was leaked, as no other can still be there.
            sender.release();
            // The way of an active pair: no clock is asked, no system call made.
            if let Ok(Received::Message) = sender.try_receive() {
                return Ok(());
            }
        }
        self.wait_for_message(deadline)
    }

    #[cold]
    fn wait_for_message(&mut self, deadline: Deadline<'_>) -> Result<()> {
        if self.sender.is_none() && !self.accept(deadline)? {
            return Err(self.late(deadline, "no sender came in time"));
        }
        let Some(sender) = &mut self.sender else { return Ok(()) };
        let received = sender.receive(deadline);
        match self.conclude(received)? {
            true => Ok(()),
            false => Err(self.late(deadline, "no message came in time")),
        }
    }

    fn try_receive(&mut self) -> Result<()> {
        const LOOKS_PER_QUESTION: u32 = 64;
        if self.sender.is_none() && !self.accept(Deadline::now())? {
            return Err(self.failed(ErrorKind::WouldBlock, "no sender is there"));
        }
        let Some(sender) = &mut self.sender else { return Ok(()) };
        sender.release();
        let mut received = sender.try_receive();
        if let Ok(Received::Empty) = received {
            // Asking the system whether the sender lives takes longer than looking.
            self.empty_looks = self.empty_looks.wrapping_add(1);
            if self.empty_looks % LOOKS_PER_QUESTION == 0 {
                received = sender.receive(Deadline::now());
            }
        }
        match self.conclude(received)? {
            true => Ok(()),
            false => Err(self.failed(ErrorKind::WouldBlock, "no message is there")),
        }
    }

    /// Whether there is a message. A sender that is gone, or that breaks the rules, is let go.
    fn conclude(&mut self, received: Result<Received>) -> Result<bool> {
        let error = match received {
            Ok(Received::Message) => return Ok(true),
            Ok(Received::Empty) => return Ok(false),
            Ok(Received::Finished) => {
                self.finished = true;
                self.failed(ErrorKind::Disconnected, "the sender has finished")
            }
            Ok(Received::HungUp) => {
                self.finished = false;
                self.failed(ErrorKind::Disconnected, "the sender died before it finished")
            }
            Err(error) => on(error, self.name()),
        };
        self.sender = None;
        Err(error)
    }

    /// Waits until a sender has introduced itself; `false` if the deadline passed first.
    fn accept(&mut self, deadline: Deadline<'_>) -> Result<bool> {
        let Some(bound) = &mut self.bound else {
            return Err(self.failed(ErrorKind::Disconnected, "the channel's only sender is gone"));
        };
        self.sender = bound.accept(self.capacity, deadline)?;
        Ok(self.sender.is_some())
    }

    #[cold]
    fn failed(&self, kind: ErrorKind, why: &str) -> Error {
        on(Error::new(kind, RECEIVE, why), self.name())
    }

    #[cold]
    fn late(&self, deadline: Deadline<'_>, why: &str) -> Error {
        on(deadline.error_because(RECEIVE, why), self.name())
    }
}

impl<B: Backend> Bound<B> {
    /// Waits until a sender has introduced itself; `None` if the deadline passed first.
    fn accept(&mut self, capacity: usize, deadline: Deadline<'_>) -> Result<Option<Sender<B>>> {
        loop {
            if let Some(sender) = self.first_introduced(capacity)? {
                return Ok(Some(sender));
            }
            if self.arriving.len() == MAX_ARRIVING {
                // The one that has kept silent longest makes room.
                self.arriving.remove(0);
            }
            match self.listener.accept()? {
                Some(connection) => self.arriving.push(connection),
                None if !B::wait_any(&self.listener, &self.arriving, deadline)? => {
                    return Ok(None);
                }
                None => {}
            }
            if deadline.has_passed() {
                // Looked at once more: who came in time is served, also by a `try_`.
                return self.first_introduced(capacity);
            }
        }
    }

    /// The first of those that have connected and introduced themselves, in the order in which they
    /// came. Who says something wrong is let go.
    fn first_introduced(&mut self, capacity: usize) -> Result<Option<Sender<B>>> {
        let mut i = 0;
        while let Some(connection) = self.arriving.get(i) {
            match introduction::<B>(connection, capacity) {
                Ok(Introduction::Awaited) => i += 1,
                Ok(Introduction::Refused) => drop(self.arriving.remove(i)),
                Ok(Introduction::Made(ring)) => {
                    return Ok(Some(Consumer::new(ring, self.arriving.remove(i))));
                }
                Err(error) => {
                    self.arriving.remove(i);
                    return Err(error.on(&self.name));
                }
            }
        }
        Ok(None)
    }
}

impl<B: Backend> fmt::Debug for ByteReceiver<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteReceiver")
            .field("name", &self.name())
            .field("capacity", &self.capacity)
            .field("connected", &self.sender.is_some())
            .finish_non_exhaustive()
    }
}

/// A message that has been received, where the sender wrote it: a slice of bytes. Dropping it gives
/// the space back.
pub struct Message<'a, B: Backend> {
    receiver: &'a mut ByteReceiver<B>,
}

impl<B: Backend> Message<'_, B> {
    fn copy_into(&self, buffer: &mut Vec<u8>) {
        match &self.receiver.sender {
            Some(sender) => sender.copy_into(buffer),
            None => buffer.clear(),
        }
    }
}

impl<B: Backend> Deref for Message<'_, B> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.receiver.sender.as_ref().map_or(&[], Consumer::message)
    }
}

impl<B: Backend> Drop for Message<'_, B> {
    #[inline]
    fn drop(&mut self) {
        if let Some(sender) = &mut self.receiver.sender {
            sender.release();
        }
    }
}

impl<B: Backend> fmt::Debug for Message<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("len", &self.len()).finish_non_exhaustive()
    }
}

const BIND: &str = "bind a receiver to";
const RECEIVE: &str = "receive a message";

/// How many may have connected without having said anything.
const MAX_ARRIVING: usize = 128;

/// How far one that has connected is.
enum Introduction<B: Backend> {
    /// It has sent the memory of its ring.
    Made(SegmentRing<B::Segment>),
    /// It hasn't said anything yet.
    Awaited,
    /// It has hung up, or said something else.
    Refused,
}

/// Fails only where this process is in want of something.
fn introduction<B: Backend>(
    connection: &B::Connection,
    capacity: usize,
) -> Result<Introduction<B>> {
    const GREET: &str = "accept a sender";
    let mut bytes = [0; Hello::LEN];
    let (len, segment) = match connection.receive(&mut bytes) {
        Ok(None) => return Ok(Introduction::Awaited),
        Ok(Some((len, Some(segment)))) => (len, segment),
        Ok(Some((_, None))) => return Ok(Introduction::Refused),
        Err(error) => {
            return match error.kind() {
                ErrorKind::Os | ErrorKind::OutOfMemory => Err(error),
                _ => Ok(Introduction::Refused),
            };
        }
    };
    Ok(match Hello::from_bytes(&bytes[..len], GREET) {
        Ok(hello) if hello.capacity == capacity as u64 => {
            SegmentRing::attach(segment, capacity).map_or(Introduction::Refused, Introduction::Made)
        }
        _ => Introduction::Refused,
    })
}
