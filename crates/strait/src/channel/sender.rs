//! The sending end.

use super::{Ring, on};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    time::Duration,
};
use strait_core::{Backend, Capability, Connection, Deadline, Error, ErrorKind, Name, Result};
use strait_protocol::{
    Advert, Hello,
    ring::{Producer, Reserved, SegmentRing},
};

/// The sending end of a channel of bytes.
///
/// Messages arrive whole and in order. Dropping it ends the channel for the receiver, after
/// everything that was sent; so does being killed. What was sent has not been received yet:
/// [`finish`](Self::finish) waits until it has.
///
/// ```
/// use strait::{ByteReceiver, ByteSender};
///
/// let name = format!("doc/sender-{}", std::process::id());
/// let mut receiver = ByteReceiver::bind(&name)?;
///
/// // In any other process of this user:
/// let mut sender = ByteSender::connect(&name)?;
/// sender.send(b"copied")?;
/// let mut loan = sender.loan(7)?;
/// loan.copy_from_slice(b"written");
/// loan.send()?;
/// # assert_eq!(&*receiver.recv_ref()?, b"copied");
/// # assert_eq!(&*receiver.recv_ref()?, b"written");
/// sender.finish()?;
/// # Ok::<(), strait::Error>(())
/// ```
pub struct ByteSender<B: Backend> {
    producer: Producer<Ring<B>, B::Connection>,
    /// What it is connected to; nothing where it is an end of an unnamed channel.
    name: Option<Name>,
    full_looks: u32,
}

impl<B: Backend> ByteSender<B> {
    /// Connects to the receiver that is bound to `name`.
    ///
    /// It doesn't wait for the receiver to receive: what is sent waits in the ring.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no receiver; `VersionMismatch` or `Foreign` where it isn't one that
    /// this program can talk to; `OutOfMemory` where there is no memory for the ring.
    pub fn connect(name: impl AsRef<str>) -> Result<Self> {
        Self::connect_by(name.as_ref(), Deadline::now())
    }

    /// Connects to the receiver that is bound to `name`, and waits until there is one.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect); `NotFound` where nobody was bound in time.
    pub fn connect_timeout(name: impl AsRef<str>, timeout: Duration) -> Result<Self> {
        Self::connect_deadline(name, timeout)
    }

    /// Connects to the receiver that is bound to `name`, and waits until there is one, or until the
    /// deadline.
    ///
    /// # Errors
    ///
    /// Those of [`connect_timeout`](Self::connect_timeout), and `Cancelled`.
    pub fn connect_deadline<'d>(
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<Self> {
        Self::connect_by(name.as_ref(), deadline.into())
    }

    /// The length in bytes of the longest message: half of the ring that the receiver chose.
    pub fn max_message_len(&self) -> usize {
        self.producer.max_message_len()
    }

    /// Sends a copy of `message`, waiting for space.
    ///
    /// # Errors
    ///
    /// `TooLarge`; `Disconnected` where the receiver is gone; `PeerCorrupt` where it has overwritten
    /// the channel's bookkeeping.
    pub fn send(&mut self, message: &[u8]) -> Result<()> {
        self.send_by(message, Deadline::NEVER)
    }

    /// Sends a copy of `message` if there is space.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and `WouldBlock` where there is none.
    pub fn try_send(&mut self, message: &[u8]) -> Result<()> {
        let mut loan = self.try_loan(message.len())?;
        loan.copy_from_slice(message);
        loan.send()
    }

    /// Sends a copy of `message`, waiting for space until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and `TimedOut`.
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<()> {
        self.send_deadline(message, timeout)
    }

    /// Sends a copy of `message`, waiting for space until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), `TimedOut` and `Cancelled`.
    pub fn send_deadline<'d>(
        &mut self,
        message: &[u8],
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<()> {
        self.send_by(message, deadline.into())
    }

    /// Lends `len` bytes of the ring to write a message to, waiting for space. They hold anything
    /// at first. The message is sent by [`Loan::send`], and given up by dropping it.
    ///
    /// The bytes lie in memory that the receiver maps too, and reading them again before they are
    /// sent trusts the receiver, a process of the same user, not to write there.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn loan(&mut self, len: usize) -> Result<Loan<'_, B>> {
        self.loan_by(len, Deadline::NEVER)
    }

    /// Lends `len` bytes of the ring if there is space.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and `WouldBlock` where there is none. The end of a receiver
    /// that was killed is noticed within 64 calls.
    pub fn try_loan(&mut self, len: usize) -> Result<Loan<'_, B>> {
        match self.producer.try_reserve(len) {
            Ok(Reserved::Yes) => Ok(Loan { sender: self }),
            Ok(Reserved::Full) => self.refuse_or_notice(len),
            Err(error) => Err(on(error, self.name())),
        }
    }

    /// Lends `len` bytes of the ring, waiting for space until `timeout` is over.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and `TimedOut`.
    pub fn loan_timeout(&mut self, len: usize, timeout: Duration) -> Result<Loan<'_, B>> {
        self.loan_deadline(len, timeout)
    }

    /// Lends `len` bytes of the ring, waiting for space until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), `TimedOut` and `Cancelled`.
    pub fn loan_deadline<'d>(
        &mut self,
        len: usize,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<Loan<'_, B>> {
        self.loan_by(len, deadline.into())
    }

    /// Ends the channel, and waits until the receiver has received everything.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the receiver is gone before it has; `PeerCorrupt`.
    pub fn finish(self) -> Result<()> {
        self.finish_by(Deadline::NEVER)
    }

    /// Ends the channel, and waits until the receiver has received everything or `timeout` is over.
    /// The receiver can receive what is left also after that.
    ///
    /// # Errors
    ///
    /// Those of [`finish`](Self::finish), and `TimedOut`.
    pub fn finish_timeout(self, timeout: Duration) -> Result<()> {
        self.finish_deadline(timeout)
    }

    /// Ends the channel, and waits until the receiver has received everything or until the deadline.
    /// The receiver can receive what is left also after that.
    ///
    /// # Errors
    ///
    /// Those of [`finish`](Self::finish), `TimedOut` and `Cancelled`.
    pub fn finish_deadline<'d>(self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        self.finish_by(deadline.into())
    }

    /// Ends the channel as if this process were killed: the receiver receives what was sent, and
    /// [doesn't take it for all](crate::generic::ByteReceiver::is_finished).
    pub fn abort(self) {
        self.producer.abandon();
    }

    /// The name that it is connected to; `None` for the end of an [unnamed](crate::byte_channel)
    /// channel.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    pub(super) fn of_producer(
        producer: Producer<Ring<B>, B::Connection>,
        name: Option<Name>,
    ) -> Self {
        Self { producer, name, full_looks: 0 }
    }

    pub(super) fn into_producer(self) -> (Producer<Ring<B>, B::Connection>, Option<Name>) {
        (self.producer, self.name)
    }

    fn connect_by(name: &str, deadline: Deadline<'_>) -> Result<Self> {
        B::CAPABILITIES.require(Capability::Rendezvous, CONNECT)?;
        let name = Name::new(name)?;
        let deadline = deadline.check(CONNECT).map_err(|error| error.on(&name))?;
        Self::establish(&name, deadline).map_err(|error| error.on(&name))
    }

    fn establish(name: &Name, deadline: Deadline<'_>) -> Result<Self> {
        let (connection, advert) = B::connect(name, deadline)?;
        let Advert { capacity } = Advert::from_bytes(&advert, CONNECT)?;
        let capacity_here = usize::try_from(capacity).unwrap_or(usize::MAX);
        let ring = SegmentRing::create(capacity_here, B::current_process()?)?;
        connection.send(&Hello { capacity }.to_bytes(), Some(ring.segment()))?;
        let producer = Producer::new(ring, connection);
        Ok(Self::of_producer(producer, Some(name.clone())))
    }

    fn send_by(&mut self, message: &[u8], deadline: Deadline<'_>) -> Result<()> {
        let mut loan = self.loan_by(message.len(), deadline)?;
        loan.copy_from_slice(message);
        loan.send()
    }

    fn finish_by(self, deadline: Deadline<'_>) -> Result<()> {
        let Self { producer, name, .. } = self;
        producer.finish(deadline).map_err(|error| on(error, name.as_ref()))
    }

    /// What a full ring means: that it is full, or, asked now and then as that takes longer than
    /// looking, that the receiver was killed.
    #[cold]
    fn refuse_or_notice(&mut self, len: usize) -> Result<Loan<'_, B>> {
        const LOOKS_PER_QUESTION: u32 = 64;
        self.full_looks = self.full_looks.wrapping_add(1);
        if self.full_looks % LOOKS_PER_QUESTION == 0 {
            match self.producer.reserve(len, Deadline::now()) {
                Ok(()) => return Ok(Loan { sender: self }),
                Err(error) if error.kind() == ErrorKind::TimedOut => {}
                Err(error) => return Err(on(error, self.name())),
            }
        }
        Err(on(Error::new(ErrorKind::WouldBlock, SEND, "the ring is full"), self.name()))
    }

    #[inline]
    fn loan_by(&mut self, len: usize, deadline: Deadline<'_>) -> Result<Loan<'_, B>> {
        let deadline = deadline.check(SEND).map_err(|error| on(error, self.name()))?;
        match self.producer.reserve(len, deadline) {
            Ok(()) => Ok(Loan { sender: self }),
            Err(error) => Err(on(error, self.name())),
        }
    }
}

impl<B: Backend> fmt::Debug for ByteSender<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSender").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A message that is being written, where the receiver will read it: a slice of bytes.
///
/// Dropping it gives it up: nothing is sent.
#[must_use = "a loan that is dropped sends nothing: call `send`"]
pub struct Loan<'a, B: Backend> {
    sender: &'a mut ByteSender<B>,
}

impl<B: Backend> Loan<'_, B> {
    /// Sends the message.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the receiver is seen to be gone.
    #[inline]
    pub fn send(self) -> Result<()> {
        match self.sender.producer.publish() {
            Ok(()) => Ok(()),
            Err(error) => Err(on(error, self.sender.name())),
        }
    }

    /// Sends only the first `len` bytes of it; all, if it is shorter.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn send_prefix(self, len: usize) -> Result<()> {
        self.sender.producer.shorten(len);
        self.send()
    }
}

impl<B: Backend> Deref for Loan<'_, B> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.sender.producer.reserved()
    }
}

impl<B: Backend> DerefMut for Loan<'_, B> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.sender.producer.message()
    }
}

impl<B: Backend> Drop for Loan<'_, B> {
    fn drop(&mut self) {
        self.sender.producer.cancel();
    }
}

impl<B: Backend> fmt::Debug for Loan<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("len", &self.len()).finish_non_exhaustive()
    }
}

const CONNECT: &str = "connect to";
const SEND: &str = "send a message";
