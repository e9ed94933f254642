//! The shared words of a ring.

use crate::primitive::{AtomicU32, AtomicU64};

/// The words that the two ends share, each on a cache line of its own. `ring/mod.rs` has the rules.
#[repr(C)]
#[derive(Debug)]
pub struct Control {
    pub(crate) published: Line<AtomicU64>,
    pub(crate) freed: Line<AtomicU64>,
    pub(crate) receiver_asleep: Line<AtomicU32>,
    pub(crate) sender_asleep: Line<AtomicU32>,
    pub(crate) sender_closed: Line<AtomicU32>,
    pub(crate) receiver_closed: Line<AtomicU32>,
}

impl Control {
    /// The words of an empty ring whose first record will be at `position`.
    pub fn new(position: u64) -> Self {
        Self {
            published: Line(AtomicU64::new(position)),
            freed: Line(AtomicU64::new(position)),
            receiver_asleep: Line(AtomicU32::new(0)),
            sender_asleep: Line(AtomicU32::new(0)),
            sender_closed: Line(AtomicU32::new(0)),
            receiver_closed: Line(AtomicU32::new(0)),
        }
    }
}

/// Memory that a ring lives in.
///
/// # Safety
///
/// `control` and `words` return the same places each time, which stay valid for reading and writing
/// as long as `self` lives, wherever it is moved. The words are the capacity of the ring, in units
/// of 8 bytes: a power of two. In this process at most one producer and one consumer use them.
#[expect(unsafe_code, reason = "the ends rely on where the memory is")]
pub unsafe trait RingMemory {
    /// The shared words.
    fn control(&self) -> &Control;

    /// The data, as the words that may be the header of a record.
    fn words(&self) -> &[AtomicU64];
}

/// Alone on its cache lines: processors fetch them in pairs of 64 bytes, and some have 128.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Line<T>(pub(crate) T);

impl<T> std::ops::Deref for Line<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
