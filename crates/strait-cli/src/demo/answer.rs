//! The child's part: receive what the parent sends, and do with it what it asks.

use super::{
    link::Link,
    measure::{in_hexadecimal, request},
    mechanism::{Ends, Inlet},
};
use crate::failure::{Failure, Result};
use sha2::{Digest, Sha256};
use std::hint::black_box;

/// Does what the parent asks, until it has had enough.
pub(super) fn answer(ends: &mut Ends, link: &mut Link) -> Result<()> {
    loop {
        match &*link.hear()? {
            request::HASH => {
                let mut hash = Sha256::new();
                receive_all(&mut *ends.inlet, |message| hash.update(message))?;
                link.say(&in_hexadecimal(hash))?;
            }
            request::DRAIN => {
                let mut sum: u64 = 0;
                receive_all(&mut *ends.inlet, |message| sum = sum.wrapping_add(sum_of(message)))?;
                black_box(sum);
                ends.outlet.send(&[])?;
            }
            request::ECHO => return echo(ends),
            other => return Err(Failure::Other(format!("nobody knows how to {other:?}"))),
        }
    }
}

/// Receives up to the next empty message.
fn receive_all(inlet: &mut dyn Inlet, mut look: impl FnMut(&[u8])) -> Result<()> {
    let mut more = true;
    while more {
        inlet.receive(&mut |message| {
            more = !message.is_empty();
            look(message);
        })?;
    }
    Ok(())
}

fn echo(ends: &mut Ends) -> Result<()> {
    let mut copy = Vec::new();
    loop {
        ends.inlet.receive(&mut |message| {
            copy.clear();
            copy.extend_from_slice(message);
        })?;
        if copy.is_empty() {
            return Ok(());
        }
        ends.outlet.send(&copy)?;
    }
}

/// Looks at every byte, as whoever receives something does; a sum is the least that one can do.
fn sum_of(message: &[u8]) -> u64 {
    let words = message.chunks_exact(8);
    let rest: u64 = words.remainder().iter().copied().map(u64::from).sum();
    words.fold(rest, |sum, word| {
        sum.wrapping_add(word.try_into().map(u64::from_ne_bytes).unwrap_or(0))
    })
}
