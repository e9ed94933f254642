//! The seats of the processes that have a segment open, by which locks know their owners.
//!
//! # The rules
//!
//! 1. A process takes a free seat when it opens the segment, by a lock that the system frees at the end of
//!    the process: [`Segment::take_seat`]. Then it counts the seat's generation up, and then writes
//!    there who it is. A forked child takes one of its own.
//! 2. The owner of a lock is a seat, its generation, and a thread. It is gone for sure where nobody has
//!    the seat, or it has another generation. In doubt it lives.
//! 3. A seat's record is written only by who sits there. Who sits there is asked only of an owner that
//!    isn't gone, so that its record is complete.
//!
//! Where a peer has truncated the memory nothing is sure any more.

use crate::{shared, sync::Owner};
use std::{
    fmt::{self, Debug},
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};
use strait_core::{Error, ErrorKind, Liveness, ProcessIdentity, Result, SEATS, Segment};

/// How many bytes of a segment the seats take.
pub(crate) const LEN: usize = size_of::<Table>();

/// What the seats' offset is a multiple of.
pub(crate) const ALIGN: usize = align_of::<Table>();

/// The seats of a segment, without the types of its backend.
pub(crate) trait Seats: Send + Sync + Debug {
    /// Takes a seat for this process.
    fn sit(&self) -> Result<Seated>;

    /// Whether an owner has ended, for sure.
    fn is_gone(&self, owner: Owner) -> bool;

    /// Whether an owner is a thread of this process.
    fn is_this_process(&self, owner: Owner) -> bool;
}

/// A seat that this process has taken. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Seated {
    pub(crate) number: u32,
    pub(crate) generation: u32,
    #[expect(dead_code, reason = "held for what its drop does")]
    seat: Box<dyn Held>,
}

/// The seats that lie in `segment` at `offset`.
pub(crate) struct SeatsOf<S, L> {
    segment: Arc<S>,
    offset: usize,
    liveness: PhantomData<fn() -> L>,
}

impl<S: Segment, L: Liveness> SeatsOf<S, L> {
    pub(crate) fn new(segment: Arc<S>, offset: usize) -> Self {
        Self { segment, offset, liveness: PhantomData }
    }

    fn records(&self) -> Result<&Table> {
        shared::reference(&*self.segment, self.offset)
    }

    fn record(&self, owner: Owner) -> Option<&Record> {
        self.records().ok()?.get(owner.seat()? as usize)
    }
}

impl<S: Segment, L: Liveness + 'static> Seats for SeatsOf<S, L> {
    fn sit(&self) -> Result<Seated> {
        let this = L::current_process()?;
        let records = self.records()?;
        // Neighbours in number begin at neighbouring seats.
        for number in (0..SEATS).map(|i| this.pid.wrapping_add(i) % SEATS) {
            if let Some(seat) = self.segment.take_seat(number)? {
                let generation = records[number as usize].occupy(&this);
                return Ok(Seated { number, generation, seat: Box::new(seat) });
            }
        }
        let why = format!("{SEATS} others have it open, and there is room for no more");
        Err(Error::new(ErrorKind::LimitReached, "join shared memory", why))
    }

    fn is_gone(&self, owner: Owner) -> bool {
        // Where there is no such seat, no correct process has written this.
        let (Some(record), Some(seat)) = (self.record(owner), owner.seat()) else { return true };
        if record.generation() != owner.generation() {
            // What is cut off reads as zeros.
            return self.segment.is_intact();
        }
        matches!(self.segment.is_seat_taken(seat), Ok(false))
    }

    fn is_this_process(&self, owner: Owner) -> bool {
        self.record(owner).is_some_and(|record| {
            record.generation() == owner.generation()
                && L::current_process().is_ok_and(|this| this == record.identity())
        })
    }
}

impl<S: Debug, L> Debug for SeatsOf<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seats").field("segment", &self.segment).finish_non_exhaustive()
    }
}

/// What is held only to be dropped.
trait Held: Send + Sync + Debug {}

impl<T: Send + Sync + Debug> Held for T {}

type Table = [Record; SEATS as usize];

/// Who sits in a seat, or sat there last.
#[derive(Debug)]
#[repr(C)]
struct Record {
    generation: AtomicU32,
    pid: AtomicU32,
    start: AtomicU64,
    space: AtomicU64,
    reserved: AtomicU64,
}

impl Record {
    fn occupy(&self, by: &ProcessIdentity) -> u32 {
        let generation = self.generation().wrapping_add(1) % Owner::GENERATIONS;
        self.generation.store(generation, Ordering::Release);
        self.pid.store(by.pid, Ordering::Release);
        self.start.store(by.start, Ordering::Release);
        self.space.store(by.space, Ordering::Release);
        generation
    }

    fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire) % Owner::GENERATIONS
    }

    fn identity(&self) -> ProcessIdentity {
        ProcessIdentity {
            pid: self.pid.load(Ordering::Acquire),
            reserved: 0,
            start: self.start.load(Ordering::Acquire),
            space: self.space.load(Ordering::Acquire),
        }
    }
}
