//! How a record lies in the ring.
//!
//! A record is a word with the length of the message and then the message, padded to 8 bytes. Where
//! it doesn't fit between its position and the end of the ring, the message lies at the beginning of
//! the ring instead, and the length stays where it is: what is left at the end goes unused. So each
//! record is one message, any message up to half of the ring fits into an empty one, and both ends
//! compute the place from the position and the length alone.

use strait_core::{Error, ErrorKind, Result};

/// The smallest capacity of a ring, in bytes.
pub const MIN_CAPACITY: usize = 4096;

/// The largest capacity of a ring, in bytes.
pub const MAX_CAPACITY: usize = 1 << 30;

/// The capacity of the ring that is asked for as `bytes`: a power of two.
///
/// # Errors
///
/// `InvalidInput` where it is zero or too large.
pub fn capacity_for(bytes: usize, operation: &'static str) -> Result<usize> {
    if bytes == 0 || bytes > MAX_CAPACITY {
        let why = format!("a ring has 1 to {MAX_CAPACITY} bytes and not {bytes}");
        return Err(Error::new(ErrorKind::InvalidInput, operation, why));
    }
    Ok(bytes.next_power_of_two().max(MIN_CAPACITY))
}

/// The length of the longest message in a ring of this capacity: half of it.
pub const fn max_message_len(capacity: usize) -> usize {
    capacity / 2
}

/// The size in bytes of the word that has the length.
pub(crate) const WORD: usize = 8;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The index of the word that has the length.
    pub(crate) header: usize,
    /// The offset of the message from the beginning of the ring, in bytes.
    pub(crate) message: usize,
    /// The length of the message, in bytes.
    pub(crate) len: usize,
    /// What the record takes of the ring, in bytes.
    pub(crate) size: usize,
}

impl Place {
    /// The place of a message of `len` bytes, at most half of `capacity`, at `position`.
    pub(crate) fn new(capacity: usize, position: u64, len: usize) -> Self {
        debug_assert!(capacity.is_power_of_two() && len <= max_message_len(capacity));
        let offset = header_offset(capacity, position);
        let padded = len.next_multiple_of(WORD);
        let to_end = capacity - offset;
        if WORD + padded <= to_end {
            Self { header: offset / WORD, message: offset + WORD, len, size: WORD + padded }
        } else {
            Self { header: offset / WORD, message: 0, len, size: to_end + padded }
        }
    }
}

/// The index of the word that has the length of the record at `position`.
pub(crate) fn header_index(capacity: usize, position: u64) -> usize {
    header_offset(capacity, position) / WORD
}

/// How far `to` lies behind `from`, if that is a whole number of words and at most the capacity.
pub(crate) fn distance(capacity: usize, from: u64, to: u64) -> Option<usize> {
    let distance = usize::try_from(to.wrapping_sub(from)).ok()?;
    (distance <= capacity && distance % WORD == 0).then_some(distance)
}

fn header_offset(capacity: usize, position: u64) -> usize {
    // The remainder is less than the capacity, a usize.
    (position & (capacity as u64 - 1)) as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_lies_inside_the_ring_and_its_message_is_contiguous(
            capacity in prop::sample::select(vec![4096_usize, 1 << 16, 1 << 30]),
            position: u64,
            len: usize,
        ) {
            let (position, len) = (position & !7, len % (max_message_len(capacity) + 1));
            let place = Place::new(capacity, position, len);
            prop_assert!(place.message + place.len <= capacity);
            prop_assert!(place.header < capacity / WORD);
            prop_assert!(place.size <= capacity && place.size % WORD == 0);
            // The message never covers the word with its length.
            let header = place.header * WORD;
            prop_assert!(place.message > header || place.message + len <= header);
        }
    }

    #[test]
    fn half_of_the_ring_fits_wherever_the_record_begins() {
        for position in (0..4096_u64).step_by(WORD) {
            assert!(Place::new(4096, position, 2048).size <= 4096);
        }
    }

    #[test]
    fn a_distance_that_no_correct_peer_makes_is_none() {
        assert_eq!(distance(4096, 8, 4104), Some(4096));
        assert_eq!(distance(4096, u64::MAX - 7, 8), Some(16));
        assert_eq!(distance(4096, 8, 4112), None);
        assert_eq!(distance(4096, 8, 15), None);
        assert_eq!(distance(4096, 16, 8), None);
    }

    #[test]
    fn capacities_are_powers_of_two_within_limits() {
        assert_eq!(capacity_for(1, "bind").unwrap(), MIN_CAPACITY);
        assert_eq!(capacity_for(5000, "bind").unwrap(), 8192);
        assert_eq!(capacity_for(MAX_CAPACITY, "bind").unwrap(), MAX_CAPACITY);
        assert!(capacity_for(0, "bind").is_err());
        assert!(capacity_for(usize::MAX, "bind").is_err());
    }
}
