//! How a record lies in the ring.
//!
//! A record is a word and then the message, padded to 8 bytes. Where it doesn't fit between its
//! position and the end of the ring, the message lies at the beginning of the ring instead, and the
//! word stays where it is: what is left at the end goes unused. So each record is one message, and any
//! message up to half of the ring fits into an empty one. The word has the length of the message, and
//! in its highest bit whether it lies at the beginning.

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

/// Whether a ring can have this capacity.
pub const fn is_capacity(capacity: usize) -> bool {
    capacity.is_power_of_two() && MIN_CAPACITY <= capacity && capacity <= MAX_CAPACITY
}

/// The length of the longest message in a ring of this capacity: half of it.
pub const fn max_message_len(capacity: usize) -> usize {
    capacity / 2
}

/// The size of a record's word in bytes.
pub(crate) const WORD: usize = 8;

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The index of its word.
    pub(crate) index: usize,
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
        let offset = offset(capacity, position);
        let to_end = capacity - offset;
        let inline = WORD + len.next_multiple_of(WORD) <= to_end;
        Self { index: offset / WORD, message: if inline { offset + WORD } else { 0 }, len, size: 0 }
            .sized(capacity)
    }

    /// The place that a peer speaks of, if there can be such a one in `available` bytes from
    /// `position` on, at most the capacity.
    pub(crate) fn checked(
        capacity: usize,
        position: u64,
        word: u64,
        available: usize,
    ) -> Option<Self> {
        let len = usize::try_from(word & !AT_BEGINNING).ok()?;
        if len > max_message_len(capacity) {
            return None;
        }
        let offset = offset(capacity, position);
        let message = if word & AT_BEGINNING != 0 { 0 } else { offset + WORD };
        let place = Self { index: offset / WORD, message, len, size: 0 }.sized(capacity);
        (place.message + len <= capacity && place.size <= available).then_some(place)
    }

    /// The word of the record.
    pub(crate) fn word(self) -> u64 {
        self.len as u64 | if self.message == 0 { AT_BEGINNING } else { 0 }
    }

    /// The place of a shorter message in the same place.
    pub(crate) fn shortened(self, capacity: usize, len: usize) -> Self {
        Self { len, ..self }.sized(capacity)
    }

    fn sized(self, capacity: usize) -> Self {
        // An inline message is never at 0, because its word comes first.
        let before = if self.message == 0 { capacity - self.index * WORD } else { WORD };
        Self { size: before + self.len.next_multiple_of(WORD), ..self }
    }
}

/// Set in a record's word where the message lies at the beginning of the ring.
const AT_BEGINNING: u64 = 1 << 63;

/// The index of the word of the record at `position`.
pub(crate) fn word_index(capacity: usize, position: u64) -> usize {
    offset(capacity, position) / WORD
}

/// How far `to` lies behind `from`, if that is a whole number of words and at most the capacity.
pub(crate) fn distance(capacity: usize, from: u64, to: u64) -> Option<usize> {
    let distance = usize::try_from(to.wrapping_sub(from)).ok()?;
    (distance <= capacity && distance % WORD == 0).then_some(distance)
}

fn offset(capacity: usize, position: u64) -> usize {
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
            inside(capacity, place)?;
            prop_assert_eq!(
                Place::checked(capacity, position, place.word(), place.size),
                Some(place)
            );
            let shorter = place.shortened(capacity, len / 2);
            prop_assert!(shorter.size <= place.size && shorter.message == place.message);
            prop_assert_eq!(
                Place::checked(capacity, position, shorter.word(), shorter.size),
                Some(shorter)
            );
        }

        #[test]
        fn a_place_that_a_peer_speaks_of_lies_inside_the_ring_or_is_refused(
            capacity in prop::sample::select(vec![4096_usize, 1 << 16]),
            position: u64,
            word: u64,
            bits in 0..64_u32,
            at_beginning: bool,
        ) {
            let word = word >> bits | u64::from(at_beginning) << 63;
            if let Some(place) = Place::checked(capacity, position & !7, word, capacity) {
                inside(capacity, place)?;
            }
        }
    }

    fn inside(capacity: usize, place: Place) -> Result<(), TestCaseError> {
        prop_assert!(place.message + place.len <= capacity);
        prop_assert!(place.index < capacity / WORD);
        prop_assert!(place.size <= capacity && place.size % WORD == 0);
        // The message never covers the word of its record.
        let word = place.index * WORD;
        prop_assert!(place.message > word || place.message + place.len <= word);
        Ok(())
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
