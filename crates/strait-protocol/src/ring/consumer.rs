//! The receiver's end of a ring.
#![expect(unsafe_code, reason = "a received message is a slice of shared memory")]

use super::{
    control::RingMemory,
    record::{Place, WORD, distance, word_index},
};
use crate::{
    primitive::Ordering,
    wait::{Spin, Waited, must_ring, wait_for},
};
use std::{mem::ManuallyDrop, process::id, ptr};
use strait_core::{Deadline, Doorbell, Error, ErrorKind, Result};

/// The receiver's end: look at the oldest message, release it.
///
/// Dropping it tells the sender that nobody receives any more.
#[derive(Debug)]
pub struct Consumer<R: RingMemory, D: Doorbell> {
    ring: R,
    bell: D,
    cursor: Cursor,
    spin: Spin,
    current: Option<Place>,
    /// A forked child doesn't close its parent's end.
    process: u32,
}

/// What came of looking for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// There is one: [`Consumer::message`].
    Message,
    /// The ring is empty.
    Empty,
    /// The sender has closed its end, and everything has been received.
    Finished,
    /// The sender is gone without having closed its end, and everything has been received.
    HungUp,
}

impl<R: RingMemory, D: Doorbell> Consumer<R, D> {
    /// The receiver's end of a ring that nothing has been received from, and the bell of its sender.
    pub fn new(ring: R, bell: D) -> Self {
        Self::starting_at(0, ring, bell)
    }

    /// The receiver's end of a ring whose first record is at `position`, a multiple of 8.
    pub fn starting_at(position: u64, ring: R, bell: D) -> Self {
        let capacity = ring.words().len() * WORD;
        let cursor = Cursor { capacity, position, published: position, freed: position };
        Self { ring, bell, cursor, spin: Spin::adaptive(), current: None, process: id() }
    }

    /// The receiver's end of a ring that another process received from before, up to `position`, and
    /// freed what it received.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt` where that isn't how far the ring is.
    pub fn resume(position: u64, ring: R, bell: D) -> Result<Self> {
        let freed = ring.control().freed.load(Ordering::Acquire);
        let published = ring.control().published.load(Ordering::Acquire);
        let capacity = ring.words().len() * WORD;
        let unread = distance(capacity, position, published);
        if freed != position || position % WORD as u64 != 0 || unread.is_none() {
            let why = "the receiver's end doesn't fit its ring";
            return Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, why));
        }
        Ok(Self::starting_at(position, ring, bell))
    }

    /// The same, waiting in another way.
    #[must_use]
    pub fn with_spin(mut self, spin: Spin) -> Self {
        self.spin = spin;
        self
    }

    /// The connection over which the two ends met.
    pub fn bell(&self) -> &D {
        &self.bell
    }

    /// The ring.
    pub fn ring(&self) -> &R {
        &self.ring
    }

    /// Gives back all that was received, and returns where the next record begins: what
    /// [`resume`](Self::resume) goes on from.
    pub fn settle(&mut self) -> u64 {
        self.release();
        if self.cursor.freed != self.cursor.position {
            self.cursor.free(&self.ring, &self.bell);
        }
        self.cursor.position
    }

    /// What it was made of, for another process to go on with from where [`settle`](Self::settle) has said on. The
    /// sender is told nothing.
    pub fn into_parts(self) -> (R, D) {
        // Its `Drop` would close the end.
        let this = ManuallyDrop::new(self);
        // SAFETY: both are valid, as they are borrowed from `this`; each is moved out once, and `this` is
        // never dropped or looked at again. Nothing else in it owns anything.
        unsafe { (ptr::read(&this.ring), ptr::read(&this.bell)) }
    }

    /// Makes the oldest message the current one, if there is one and none is yet. Never returns
    /// [`HungUp`](Received::HungUp): it doesn't ask the system.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt`.
    #[inline]
    pub fn try_receive(&mut self) -> Result<Received> {
        if self.current.is_some() {
            return Ok(Received::Message);
        }
        match self.cursor.look(&self.ring)? {
            Look::Message(place) => {
                self.current = Some(place);
                Ok(Received::Message)
            }
            Look::Empty => Ok(Received::Empty),
            Look::Finished => Ok(Received::Finished),
        }
    }

    /// Makes the oldest message the current one, waiting for one until the deadline, at which it
    /// returns [`Empty`](Received::Empty).
    ///
    /// # Errors
    ///
    /// `PeerCorrupt`; `Os` where the system fails.
    #[inline]
    pub fn receive(&mut self, deadline: Deadline<'_>) -> Result<Received> {
        match self.try_receive()? {
            Received::Empty => self.wait_for_message(deadline),
            done => Ok(done),
        }
    }

    /// The bytes of the current message; none where there is none.
    ///
    /// They lie in memory that the sender maps too. A correct sender leaves them alone; one that
    /// doesn't changes what a `&[u8]` promises not to change, which is undefined behaviour. Who doesn't
    /// trust the sender uses [`copy_into`](Self::copy_into).
    #[inline]
    pub fn message(&self) -> &[u8] {
        let Some(place) = self.current else { return &[] };
        let start = self.ring.words().as_ptr().cast::<u8>();
        // SAFETY:
        // * In bounds: `Place` puts the message within the capacity, which is the length of
        //   `words`; `RingMemory` promises that these are valid for reading as long as the ring,
        //   which `self` owns. The length was checked when the place was made.
        // * Initialised and not written: by rule 1 it is complete, and by rule 2 the sender doesn't
        //   write to it before it is freed, which needs `&mut self`.
        // * That the sender keeps to these rules is what the caller trusts it for.
        unsafe { std::slice::from_raw_parts(start.add(place.message), place.len) }
    }

    /// Replaces what is in `buffer` by a copy of the current message, which the sender can't change
    /// any more, whatever it does.
    #[cfg(not(loom))]
    pub fn copy_into(&self, buffer: &mut Vec<u8>) {
        let Some(place) = self.current else { return buffer.clear() };
        let start = std::ptr::NonNull::from(self.ring.words()).cast::<u8>();
        // SAFETY: in bounds and valid for reading, as in `message`.
        unsafe { crate::shared::copy_out(start.add(place.message), place.len, buffer) };
    }

    /// Gives the current message back: the sender may overwrite it.
    #[inline]
    pub fn release(&mut self) {
        if let Some(place) = self.current.take() {
            self.cursor.position = self.cursor.position.wrapping_add(place.size as u64);
            if self.cursor.is_worth_freeing() {
                self.cursor.free(&self.ring, &self.bell);
            }
        }
    }

    #[cold]
    fn wait_for_message(&mut self, deadline: Deadline<'_>) -> Result<Received> {
        let Self { ring, bell, cursor, spin, .. } = self;
        let asleep = &ring.control().receiver_asleep;
        let waited = wait_for(asleep, bell, spin, deadline, 0, || {
            Ok(match cursor.look(ring)? {
                Look::Empty => None,
                Look::Finished => Some(None),
                Look::Message(place) => Some(Some(place)),
            })
        })?;
        Ok(match waited {
            Waited::Ready(Some(place)) => {
                self.current = Some(place);
                Received::Message
            }
            Waited::Ready(None) => Received::Finished,
            Waited::HungUp => Received::HungUp,
            Waited::TimedOut => Received::Empty,
        })
    }
}

impl<R: RingMemory, D: Doorbell> Drop for Consumer<R, D> {
    fn drop(&mut self) {
        if self.process != id() {
            return;
        }
        let control = self.ring.control();
        control.receiver_closed.store(1, Ordering::Release);
        if must_ring(&control.sender_asleep) {
            // A sender that is gone needn't know.
            let _ = self.bell.ring();
        }
    }
}

const RECEIVE: &str = "receive a message";

enum Look {
    Message(Place),
    Empty,
    Finished,
}

/// Where the receiver stands.
#[derive(Debug)]
struct Cursor {
    capacity: usize,
    /// Where the current record begins, or the next one if there is none.
    position: u64,
    /// What `published` said when it was last read.
    published: u64,
    /// What `freed` says.
    freed: u64,
}

impl Cursor {
    #[inline]
    fn look(&mut self, ring: &impl RingMemory) -> Result<Look> {
        if self.position == self.published {
            self.published = ring.control().published.load(Ordering::Acquire);
            if self.position == self.published {
                return self.look_at_empty(ring);
            }
        }
        let word = ring.words()[word_index(self.capacity, self.position)].load(Ordering::Relaxed);
        let place = distance(self.capacity, self.position, self.published)
            .and_then(|available| Place::checked(self.capacity, self.position, word, available));
        place.map(Look::Message).ok_or_else(corrupt)
    }

    /// By rule 6 it may be the end.
    fn look_at_empty(&mut self, ring: &impl RingMemory) -> Result<Look> {
        if ring.control().sender_closed.load(Ordering::Acquire) == 0 {
            return Ok(Look::Empty);
        }
        self.published = ring.control().published.load(Ordering::Acquire);
        if self.position == self.published { Ok(Look::Finished) } else { self.look(ring) }
    }

    /// Rule 4.
    fn is_worth_freeing(&self) -> bool {
        let unfreed = self.position.wrapping_sub(self.freed);
        unfreed >= self.capacity as u64 / 4 || self.position == self.published
    }

    fn free(&mut self, ring: &impl RingMemory, bell: &impl Doorbell) {
        self.freed = self.position;
        ring.control().freed.store(self.freed, Ordering::Release);
        if must_ring(&ring.control().sender_asleep) {
            // What a sender that is gone has sent is received all the same.
            let _ = bell.ring();
        }
    }
}

#[cold]
fn corrupt() -> Error {
    Error::new(ErrorKind::PeerCorrupt, RECEIVE, "the sender overwrote the ring's bookkeeping")
}
