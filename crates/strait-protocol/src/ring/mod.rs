//! The byte ring of one sender and one receiver.
//!
//! Messages of any length up to half of the ring lie in it contiguously, in order. Neither end needs
//! a read-modify-write operation while the other is awake.
//!
//! # The rules
//!
//! *Positions* count bytes from the beginning of time and wrap around at 2⁶⁴; the place in the ring
//! is the position modulo the capacity, a power of two. They are multiples of 8, and begin at 0.
//!
//! 1. `published` is where the next record will begin. Only the sender writes it, and only after
//!    the whole record, with release ordering; the receiver reads it with acquire ordering. So what
//!    lies before it is complete, and a sender that dies in the middle of a record has sent nothing.
//! 2. `freed` is where the oldest record begins that the receiver still needs. Only the receiver
//!    writes it, with release ordering, and the sender reads it with acquire ordering. So what lies
//!    before it can be overwritten.
//! 3. `freed ≤ published ≤ freed + capacity`. Each end checks that of what the other wrote before it
//!    believes it, so that nothing the peer writes leads outside of the ring.
//! 4. Each end keeps a copy of what the other wrote, and reads it anew only when that copy says
//!    that it can't go on. The receiver frees a quarter of the ring at a time, and all when it has
//!    received all that it knows of, so that a sender never waits for space that nobody needs.
//! 5. `receiver_asleep` and `sender_asleep` follow the rules of waiting in `wait.rs`.
//! 6. `sender_closed` is set after the last record has been published; the receiver believes it only
//!    after it has looked at `published` again. `receiver_closed` is set at any time.
//!
//! Each of these words has a cache line of its own. How a record lies in the ring is in
//! `record.rs`.

mod consumer;
mod control;
#[cfg(not(loom))]
mod memory;
mod producer;
mod record;
#[cfg(test)]
mod tests;

pub use consumer::{Consumer, Received};
pub use control::{Control, RingMemory};
#[cfg(not(loom))]
pub use memory::SegmentRing;
pub use producer::{Producer, Reserved};
pub use record::{MAX_CAPACITY, MIN_CAPACITY, capacity_for, is_capacity, max_message_len};
