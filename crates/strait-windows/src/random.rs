//! Numbers that nobody else has, and nobody can guess.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

/// A random number of 128 bits, which is never 0.
///
/// The system gives std the key of a hash that can't be told from chance without it; what is hashed is never the
/// same twice.
pub(crate) fn number() -> u128 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let half = |which: u8| u128::from(RandomState::new().hash_one((count, which)));
    (half(0) << 64 | half(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        let mut numbers: Vec<_> = (0..1000).map(|_| number()).collect();
        numbers.sort_unstable();
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
