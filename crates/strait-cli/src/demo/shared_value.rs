//! A shared value: an array of atomics, used as a mailbox.

use super::{
    link::Link,
    mailbox::{self, SLOTS, Slots},
    mechanism::{Ends, Mechanism, Side},
};
use crate::failure::Result;
use std::{
    array,
    sync::atomic::{AtomicU32, Ordering},
};
use strait::Shared;

/// A value that both sides open under its name.
pub(super) struct SharedValue;

impl Mechanism for SharedValue {
    fn title(&self) -> &'static str {
        "shared value"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let value = match side {
            Side::Parent => {
                let value = Shared::create(name, zeros())?;
                link.say("created")?;
                value
            }
            Side::Child => {
                link.hear()?;
                Shared::open(name)?
            }
        };
        Ok(mailbox::ends(value, side, link.lifeline()))
    }
}

/// A line of the cache for the words, and then the message, four bytes a word.
type Slot = [AtomicU32; WORDS + MESSAGE];

const WORD: usize = size_of::<u32>();
const WORDS: usize = 16;
const MESSAGE: usize = 4 << 10;

fn zeros() -> [Slot; SLOTS] {
    array::from_fn(|_| array::from_fn(|_| AtomicU32::new(0)))
}

impl Slots for Shared<[Slot; SLOTS]> {
    const SLOT_LEN: usize = MESSAGE * WORD;

    fn state(&self, slot: usize) -> Result<&AtomicU32> {
        Ok(&self[slot][0])
    }

    fn len(&self, slot: usize) -> Result<&AtomicU32> {
        Ok(&self[slot][1])
    }

    fn write(&self, slot: usize, message: &[u8]) -> Result<()> {
        let words = message.chunks_exact(WORD);
        let mut last = [0; WORD];
        last[..words.remainder().len()].copy_from_slice(words.remainder());
        let words = words.map(|word| word.try_into().unwrap_or_default()).chain([last]);
        for (place, word) in self[slot][WORDS..].iter().zip(words) {
            place.store(u32::from_ne_bytes(word), Ordering::Relaxed);
        }
        Ok(())
    }

    fn read(&self, slot: usize, message: &mut [u8]) -> Result<()> {
        let places = &self[slot][WORDS..];
        let load = |place: &AtomicU32| place.load(Ordering::Relaxed).to_ne_bytes();
        let (whole, mut words) = (message.len() / WORD, message.chunks_exact_mut(WORD));
        words.by_ref().zip(places).for_each(|(word, place)| word.copy_from_slice(&load(place)));
        if let (rest @ [_, ..], Some(place)) = (words.into_remainder(), places.get(whole)) {
            rest.copy_from_slice(&load(place)[..rest.len()]);
        }
        Ok(())
    }
}
