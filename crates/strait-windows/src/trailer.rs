//! What the last page of a section says, which no user sees: how long the content before it is, and which section
//! it is.
//!
//! The system knows the length of a section in pages only, and gives sections no number by which two processes
//! could tell that they have the same one.

use crate::view::{PAGE, View};
use std::sync::atomic::Ordering;
use strait_core::Access;

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// The exact length of the content, in bytes.
    pub(crate) len: usize,
    /// By what the section is known.
    pub(crate) id: u128,
    /// Who may open what belongs to it.
    pub(crate) access: Access,
}

impl Trailer {
    /// How long a section with so much content is; `None` where that is more than there are addresses.
    pub(crate) fn whole(len: usize) -> Option<usize> {
        let whole = len.checked_next_multiple_of(PAGE)?.checked_add(PAGE)?;
        isize::try_from(whole).is_ok().then_some(whole)
    }

    /// Writes it to the end of a section, of which all `whole` bytes are mapped for writing.
    pub(crate) fn write(&self, view: &View, whole: usize) {
        let words = self.to_words();
        let begin = whole.saturating_sub(PAGE);
        for (index, word) in words.into_iter().enumerate() {
            if let Some(place) = view.word(begin + 4 * index) {
                place.store(word, Ordering::Relaxed);
            }
        }
    }

    /// Reads it from the end of a section, all `whole` bytes of which are mapped: each word once. `None` where it
    /// isn't strait's, or doesn't fit the section's length.
    pub(crate) fn read(view: &View, whole: usize) -> Option<Self> {
        let begin = whole.checked_sub(PAGE)?;
        let mut words = [0; WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = view.word(begin + 4 * index)?.load(Ordering::Relaxed);
        }
        let trailer = Self::from_words(words)?;
        (Self::whole(trailer.len) == Some(whole)).then_some(trailer)
    }

    fn to_words(self) -> [u32; WORDS] {
        let len = self.len as u64;
        let access = access_to_word(self.access);
        let [a, b, c, d] = id_to_words(self.id);
        [MAGIC[0], MAGIC[1], access, len as u32, (len >> 32) as u32, a, b, c, d]
    }

    fn from_words(words: [u32; WORDS]) -> Option<Self> {
        let [first, second, access, low, high, id @ ..] = words;
        let len = u64::from(high) << 32 | u64::from(low);
        let (len, id) = (usize::try_from(len).ok()?, id_from_words(id));
        let access = word_to_access(access)?;
        ([first, second] == MAGIC && len > 0 && id != 0).then_some(Self { len, id, access })
    }
}

/// The words that stand for a number of a section.
pub(crate) fn id_to_words(id: u128) -> [u32; 4] {
    [0, 32, 64, 96].map(|shift| (id >> shift) as u32)
}

/// The number that these stand for.
pub(crate) fn id_from_words(words: [u32; 4]) -> u128 {
    words.into_iter().rev().fold(0, |id, word| id << 32 | u128::from(word))
}

const WORDS: usize = 9;

/// The second word is the version of this layout.
const MAGIC: [u32; 2] = [u32::from_le_bytes(*b"str\x1a"), 1];

fn access_to_word(access: Access) -> u32 {
    match access {
        Access::Group => 2,
        Access::Everyone => 3,
        _ => 1,
    }
}

fn word_to_access(word: u32) -> Option<Access> {
    let all = [Access::Private, Access::Group, Access::Everyone];
    all.into_iter().find(|&access| access_to_word(access) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Trailer = Trailer { len: 4097, id: 7 << 100 | 5, access: Access::Group };

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(Trailer::from_words(SOME.to_words()), Some(SOME));
    }

    #[test]
    fn no_value_of_any_word_is_more_than_nothing() {
        for at in 0..WORDS {
            for value in [0, 1, 2, 3, 4, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
                let mut words = SOME.to_words();
                words[at] = value;
                if let Some(trailer) = Trailer::from_words(words) {
                    let _ = Trailer::whole(trailer.len);
                }
            }
        }
        assert_eq!(Trailer::from_words([0; WORDS]), None);
    }

    #[test]
    fn a_length_beyond_all_addresses_has_no_section() {
        assert_eq!(Trailer::whole(1), Some(2 * PAGE));
        assert_eq!(Trailer::whole(PAGE), Some(2 * PAGE));
        for len in [usize::MAX, usize::MAX / 2, isize::MAX as usize] {
            assert_eq!(Trailer::whole(len), None);
        }
    }
}
