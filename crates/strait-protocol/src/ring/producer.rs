//! The sender's end of a ring.
#![expect(unsafe_code, reason = "a reserved message is a slice of shared memory")]

use super::{
    control::RingMemory,
    record::{Place, WORD, distance, max_message_len},
};
use crate::{
    primitive::Ordering,
    wait::{Spin, Waited, must_ring, wait_for},
};
use std::{mem::ManuallyDrop, process::id, ptr, thread::panicking};
use strait_core::{Deadline, Doorbell, Error, ErrorKind, Result};

/// The sender's end: reserve, write, publish.
///
/// Dropping it tells the receiver that nothing more will come, unless a panic drops it: then only
/// the connection's end tells, as when the process is killed.
#[derive(Debug)]
pub struct Producer<R: RingMemory, D: Doorbell> {
    ring: R,
    bell: D,
    cursor: Cursor,
    spin: Spin,
    reserved: Option<Place>,
    /// A forked child doesn't close its parent's end.
    process: u32,
}

/// What came of [`Producer::try_reserve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The space is there.
    Yes,
    /// The ring is full.
    Full,
}

impl<R: RingMemory, D: Doorbell> Producer<R, D> {
    /// The sender's end of a new ring, and the bell of its receiver.
    pub fn new(ring: R, bell: D) -> Self {
        Self::starting_at(0, ring, bell)
    }

    /// The sender's end of a new ring whose first record is at `position`, a multiple of 8.
    pub fn starting_at(position: u64, ring: R, bell: D) -> Self {
        let capacity = ring.words().len() * WORD;
        let cursor = Cursor { capacity, position, freed: position };
        Self { ring, bell, cursor, spin: Spin::adaptive(), reserved: None, process: id() }
    }

    /// The sender's end of a ring that another process sent to before, up to `position`.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt` where that isn't how far the ring is.
    pub fn resume(position: u64, ring: R, bell: D) -> Result<Self> {
        let freed = ring.control().freed.load(Ordering::Acquire);
        let published = ring.control().published.load(Ordering::Relaxed);
        let capacity = ring.words().len() * WORD;
        let used = distance(capacity, freed, position);
        if published != position || position % WORD as u64 != 0 || used.is_none() {
            let why = "the sender's end doesn't fit its ring";
            return Err(Error::new(ErrorKind::PeerCorrupt, SEND, why));
        }
        let mut this = Self::starting_at(position, ring, bell);
        this.cursor.freed = freed;
        Ok(this)
    }

    /// The same, waiting in another way.
    #[must_use]
    pub fn with_spin(mut self, spin: Spin) -> Self {
        self.spin = spin;
        self
    }

    /// The length of the longest message.
    pub fn max_message_len(&self) -> usize {
        max_message_len(self.cursor.capacity)
    }

    /// The connection over which the two ends met.
    pub fn bell(&self) -> &D {
        &self.bell
    }

    /// The ring.
    pub fn ring(&self) -> &R {
        &self.ring
    }

    /// Where the next record will begin: what [`resume`](Self::resume) goes on from.
    pub fn position(&self) -> u64 {
        self.cursor.position
    }

    /// Reserves space for a message of `len` bytes, if there is any. What was reserved before and
    /// not published is given up.
    ///
    /// # Errors
    ///
    /// `TooLarge`; `Disconnected` where the receiver has closed its end; `PeerCorrupt`.
    #[inline]
    pub fn try_reserve(&mut self, len: usize) -> Result<Reserved> {
        self.reserved = self.cursor.place(&self.ring, len)?;
        Ok(if self.reserved.is_some() { Reserved::Yes } else { Reserved::Full })
    }

    /// Reserves space for a message of `len` bytes, waiting for it until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`try_reserve`](Self::try_reserve), and `TimedOut`.
    #[inline]
    pub fn reserve(&mut self, len: usize, deadline: Deadline<'_>) -> Result<()> {
        match self.try_reserve(len)? {
            Reserved::Yes => Ok(()),
            Reserved::Full => self.wait_for_space(len, deadline),
        }
    }

    /// The reserved bytes, to write the message to; none where nothing is reserved.
    #[inline]
    pub fn message(&mut self) -> &mut [u8] {
        let Some(place) = self.reserved else { return &mut [] };
        let start = self.ring.words().as_ptr().cast::<u8>().cast_mut();
        // SAFETY:
        // * In bounds: `Place` puts the message within the capacity, which is the length of
        //   `words`; `RingMemory` promises that these are valid for writing as long as the ring,
        //   which `self` owns.
        // * Not aliased: by rule 2 the receiver doesn't look at these bytes before they are
        //   published, which needs `&mut self` too. There is one producer.
        // * Nothing here reads them. That the receiver keeps to rule 2 is what a caller who does
        //   trusts it for.
        unsafe { std::slice::from_raw_parts_mut(start.add(place.message), place.len) }
    }

    /// The reserved bytes, to look at; none where nothing is reserved.
    #[inline]
    pub fn reserved(&self) -> &[u8] {
        let Some(place) = self.reserved else { return &[] };
        let start = self.ring.words().as_ptr().cast::<u8>();
        // SAFETY: as in `message`, for reading.
        unsafe { std::slice::from_raw_parts(start.add(place.message), place.len) }
    }

    /// Keeps only the first `len` bytes of what was reserved; all, if it is shorter.
    pub fn shorten(&mut self, len: usize) {
        if let Some(place) = self.reserved.filter(|place| len < place.len) {
            self.reserved = Some(place.shortened(self.cursor.capacity, len));
        }
    }

    /// Sends what was reserved; nothing where nothing is.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the receiver is gone.
    #[inline]
    pub fn publish(&mut self) -> Result<()> {
        let Some(place) = self.reserved.take() else { return Ok(()) };
        self.ring.words()[place.index].store(place.word(), Ordering::Relaxed);
        self.cursor.position = self.cursor.position.wrapping_add(place.size as u64);
        let control = self.ring.control();
        control.published.store(self.cursor.position, Ordering::Release);
        match must_ring(&control.receiver_asleep) {
            true => self.bell.ring().map_err(not_woken),
            false => Ok(()),
        }
    }

    /// Gives up what was reserved.
    pub fn cancel(&mut self) {
        self.reserved = None;
    }

    /// Tells the receiver that nothing more will come, and waits until it has received everything or
    /// until the deadline.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the receiver is gone before it has; `TimedOut`; `PeerCorrupt`.
    pub fn finish(mut self, deadline: Deadline<'_>) -> Result<()> {
        self.close();
        let Self { ring, bell, cursor, spin, .. } = &mut self;
        let (asleep, frees) = (&ring.control().sender_asleep, cursor.most_frees());
        match wait_for(asleep, bell, spin, deadline, frees, || cursor.all_received(ring))? {
            Waited::Ready(()) => Ok(()),
            Waited::HungUp => Err(disconnected()),
            Waited::TimedOut => Err(deadline.error(SEND).hint("not all has been received")),
        }
    }

    /// Ends as if the process were killed: the receiver doesn't take what it received for all.
    pub fn abandon(self) {
        drop(self.into_parts());
    }

    /// What it was made of, for another process to go on with from [`position`](Self::position) on. The
    /// receiver is told nothing.
    pub fn into_parts(self) -> (R, D) {
        // Its `Drop` would close the end.
        let this = ManuallyDrop::new(self);
        // SAFETY: both are valid, as they are borrowed from `this`; each is moved out once, and `this` is
        // never dropped or looked at again. Nothing else in it owns anything.
        unsafe { (ptr::read(&this.ring), ptr::read(&this.bell)) }
    }

    fn close(&self) {
        let control = self.ring.control();
        control.sender_closed.store(1, Ordering::Release);
        if must_ring(&control.receiver_asleep) {
            // A receiver that is gone needn't know.
            let _ = self.bell.ring();
        }
    }

    #[cold]
    fn wait_for_space(&mut self, len: usize, deadline: Deadline<'_>) -> Result<()> {
        let Self { ring, bell, cursor, spin, .. } = self;
        let (asleep, frees) = (&ring.control().sender_asleep, cursor.most_frees());
        let waited = wait_for(asleep, bell, spin, deadline, frees, || cursor.place(ring, len))?;
        match waited {
            Waited::Ready(place) => {
                self.reserved = Some(place);
                Ok(())
            }
            Waited::HungUp => Err(disconnected()),
            Waited::TimedOut => Err(deadline.error(SEND).hint("the receiver is not receiving")),
        }
    }
}

impl<R: RingMemory, D: Doorbell> Drop for Producer<R, D> {
    fn drop(&mut self) {
        if !panicking() && self.process == id() {
            self.close();
        }
    }
}

const SEND: &str = "send a message";

/// Where the sender stands.
#[derive(Debug)]
struct Cursor {
    capacity: usize,
    /// What `published` says.
    position: u64,
    /// What `freed` said when it was last read.
    freed: u64,
}

impl Cursor {
    /// The place of the next message, if there is room for it.
    #[inline]
    fn place(&mut self, ring: &impl RingMemory, len: usize) -> Result<Option<Place>> {
        if len > max_message_len(self.capacity) {
            return Err(too_large(len, self.capacity));
        }
        if ring.control().receiver_closed.load(Ordering::Relaxed) != 0 {
            return Err(disconnected());
        }
        let place = Place::new(self.capacity, self.position, len);
        if place.size <= self.free()? {
            return Ok(Some(place));
        }
        self.freed = ring.control().freed.load(Ordering::Acquire);
        Ok((place.size <= self.free()?).then_some(place))
    }

    /// Whether the receiver has received everything, and not just gone away.
    fn all_received(&mut self, ring: &impl RingMemory) -> Result<Option<()>> {
        // In this order: a receiver that received the last message and closes has done both.
        let closed = ring.control().receiver_closed.load(Ordering::Acquire) != 0;
        self.freed = ring.control().freed.load(Ordering::Acquire);
        match self.free()? == self.capacity {
            true => Ok(Some(())),
            false if closed => Err(disconnected()),
            false => Ok(None),
        }
    }

    /// How often a receiver can free something of a full ring: one record at a time.
    fn most_frees(&self) -> usize {
        self.capacity / WORD
    }

    /// How many bytes are free, as far as is known; by rule 3.
    #[inline]
    fn free(&self) -> Result<usize> {
        match distance(self.capacity, self.freed, self.position) {
            Some(used) => Ok(self.capacity - used),
            None => Err(corrupt()),
        }
    }
}

#[cold]
fn disconnected() -> Error {
    Error::new(ErrorKind::Disconnected, SEND, "the receiver is gone")
}

/// The error of a bell, in the words of a sender.
#[cold]
fn not_woken(error: Error) -> Error {
    if error.kind() == ErrorKind::Disconnected { disconnected() } else { error }
}

#[cold]
fn corrupt() -> Error {
    Error::new(ErrorKind::PeerCorrupt, SEND, "the receiver freed what was never sent")
}

#[cold]
fn too_large(len: usize, capacity: usize) -> Error {
    let limit = max_message_len(capacity);
    let why = format!("it has {len} bytes and this channel carries {limit} at a time");
    Error::new(ErrorKind::TooLarge, SEND, why)
        .hint("send it in parts, or bind the receiver with a larger capacity")
}
