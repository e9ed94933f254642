//! A ring in a segment.
#![expect(unsafe_code, reason = "promises where the memory of a ring is")]

use super::{Control, RingMemory, is_capacity};
use crate::{Header, Kind, primitive::AtomicU64, shared};
use strait_core::Segment;
use strait_core::{Error, ErrorKind, Fingerprint, Lifetime, Mapping, ProcessIdentity, Result};

/// A segment that holds a ring: the header, the shared words, the data.
#[derive(Debug)]
pub struct SegmentRing<S> {
    segment: S,
    capacity: usize,
}

impl<S: Segment> SegmentRing<S> {
    /// Makes a ring of `capacity` bytes in anonymous memory, for a sender of this process.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`; `InvalidInput` where the capacity is no power of two within the limits.
    pub fn create(capacity: usize, creator: ProcessIdentity) -> Result<Self> {
        check_capacity(capacity, ErrorKind::InvalidInput)?;
        let header = Header {
            kind: Kind::Ring,
            lifetime: Lifetime::Creator,
            payload_len: payload_len(capacity),
            fingerprint: Fingerprint::NONE,
            creator,
            name: None,
        };
        let segment = S::anonymous(DATA + capacity)?;
        shared::write(&segment, 0, &header.to_bytes())?;
        Self::over(segment, capacity)
    }

    /// Checks the segment that a sender has made for a ring of `capacity` bytes.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt`, `TypeMismatch` or `VersionMismatch` where it isn't one.
    pub fn attach(segment: S, capacity: usize) -> Result<Self> {
        check_capacity(capacity, ErrorKind::PeerCorrupt)?;
        let header = shared::read_header(&segment, ATTACH)?;
        header.expect(Kind::Ring, Fingerprint::NONE, payload_len(capacity), ATTACH)?;
        Self::over(segment, capacity)
    }

    /// Its capacity in bytes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The segment that it lives in.
    pub fn segment(&self) -> &S {
        &self.segment
    }

    /// The segment that it lives in, which keeps what is in it.
    pub fn into_segment(self) -> S {
        self.segment
    }

    fn over(segment: S, capacity: usize) -> Result<Self> {
        // The two below can't fail later: a segment never moves or shrinks.
        shared::reference::<Control, S>(&segment, CONTROL)?;
        shared::words(&segment, DATA, capacity / 8)?;
        if segment.mapping() == Mapping::ReadOnly {
            let why = "it is mapped for reading only";
            return Err(Error::new(ErrorKind::PermissionDenied, ATTACH, why));
        }
        Ok(Self { segment, capacity })
    }
}

// SAFETY: both places lie in the segment, which `self` owns: they stay valid while it is mapped, and
// don't move with it. `over` has checked that they lie inside and can be written, and the capacity
// is a power of two. A `SegmentRing` is moved into one producer or one consumer.
unsafe impl<S: Segment> RingMemory for SegmentRing<S> {
    #[inline]
    fn control(&self) -> &Control {
        // SAFETY: `over` has checked that it lies inside; `Control` is atomics, which any process
        // may write at any time and for which any value is valid.
        unsafe { self.segment.start().add(CONTROL).cast::<Control>().as_ref() }
    }

    #[inline]
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: as above; the data is `capacity / 8` aligned words long.
        unsafe {
            let start = self.segment.start().add(DATA).cast::<AtomicU64>();
            std::slice::from_raw_parts(start.as_ptr(), self.capacity / 8)
        }
    }
}

const ATTACH: &str = "share a ring";
const CONTROL: usize = Header::LEN;
const DATA: usize = CONTROL + size_of::<Control>();

fn payload_len(capacity: usize) -> u64 {
    (size_of::<Control>() + capacity) as u64
}

fn check_capacity(capacity: usize, kind: ErrorKind) -> Result<()> {
    if is_capacity(capacity) {
        return Ok(());
    }
    Err(Error::new(kind, ATTACH, format!("a ring can't have {capacity} bytes")))
}
