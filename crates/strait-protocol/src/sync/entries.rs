//! Places in which owners enter themselves, several at a time: the readers of a lock, the holders of a
//! semaphore.
//!
//! An entry is made and taken out by one compare-and-exchange, so there is no moment at which somebody
//! counts and it isn't known who. One whose owner is gone may be taken out, or taken over, by anybody,
//! by comparing with the very entry that was judged.

use super::{Members, Owner, bell::Look, lock_word::Refused};
use crate::primitive::{AtomicU64, Ordering};
use std::{array, ptr};

/// Places for `N` owners.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Entries<const N: usize>([AtomicU64; N]);

impl<const N: usize> Entries<N> {
    pub(crate) fn new() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Enters the owner in one of the first `count` places, if one is free; on a thorough look also in
    /// that of somebody who is gone. Returns which.
    #[inline]
    pub(crate) fn enter<B: Members>(&self, me: Owner, count: usize, look: Look) -> Option<usize> {
        let count = count.min(N);
        if count == 0 {
            return None;
        }
        let preferred = me.preferred(count);
        if self.exchange(preferred, 0, me.word()) {
            return Some(preferred);
        }
        self.enter_elsewhere::<B>(me, preferred, count, look)
    }

    /// Takes an owner out of its place. What it didn't write itself, because a peer has overwritten it,
    /// is left alone.
    #[inline]
    pub(crate) fn leave(&self, place: usize, me: Owner) {
        self.exchange(place, me.word(), 0);
    }

    /// Whether all places are empty.
    #[inline]
    pub(crate) fn are_none(&self) -> bool {
        self.0.iter().all(|entry| entry.load(Ordering::SeqCst) == 0)
    }

    /// Whether somebody is gone who had entered itself.
    #[cfg(not(loom))]
    pub(crate) fn have_gone<B: Members>(&self) -> bool {
        let words = self.0.iter().map(|entry| entry.load(Ordering::SeqCst));
        words.filter(|&word| word != 0).any(|word| self.is_gone::<B>(word, Look::Thorough))
    }

    /// Takes out those who are gone.
    #[cfg(not(loom))]
    pub(crate) fn remove_gone<B: Members>(&self) {
        for (place, entry) in self.0.iter().enumerate() {
            let word = entry.load(Ordering::SeqCst);
            if word != 0 && self.is_gone::<B>(word, Look::Thorough) {
                self.exchange(place, word, 0);
            }
        }
    }

    /// How many of the first `count` places are taken.
    pub(crate) fn taken(&self, count: usize) -> usize {
        self.0.iter().take(count).filter(|entry| entry.load(Ordering::SeqCst) != 0).count()
    }

    /// Whether all have left; on a thorough look those who are gone are taken out first. An entry of
    /// the calling thread's own is a deadlock.
    pub(crate) fn have_left<B: Members>(&self, me: Owner, look: Look) -> Result<bool, Refused> {
        let mut left = true;
        for (place, entry) in self.0.iter().enumerate() {
            let word = entry.load(Ordering::SeqCst);
            if word == 0 || self.is_gone::<B>(word, look) && self.exchange(place, word, 0) {
                continue;
            }
            if self.is_me::<B>(me, word, look) {
                return Err(Refused::Deadlock);
            }
            left = false;
        }
        Ok(left)
    }

    /// Whether the calling thread has entered itself.
    pub(crate) fn has<B: Members>(&self, me: Owner, look: Look) -> bool {
        self.0.iter().any(|entry| self.is_me::<B>(me, entry.load(Ordering::SeqCst), look))
    }

    #[cold]
    fn enter_elsewhere<B: Members>(
        &self,
        me: Owner,
        preferred: usize,
        count: usize,
        look: Look,
    ) -> Option<usize> {
        let places = || (0..count).map(|i| (preferred + i) % count);
        let free = places().find(|&place| {
            self.0[place].load(Ordering::SeqCst) == 0 && self.exchange(place, 0, me.word())
        });
        // Judging takes system calls, so only where none is free.
        free.or_else(|| {
            places().find(|&place| {
                let word = self.0[place].load(Ordering::SeqCst);
                self.is_gone::<B>(word, look) && self.exchange(place, word, me.word())
            })
        })
    }

    /// Where nobody is named in what isn't 0, a peer has written it.
    fn is_gone<B: Members>(&self, word: u64, look: Look) -> bool {
        look == Look::Thorough
            && Owner::of(word).is_none_or(|owner| B::is_gone(self.address(), owner))
    }

    fn is_me<B: Members>(&self, me: Owner, word: u64, look: Look) -> bool {
        let elsewhere = |owner| look == Look::Thorough && B::is_me(self.address(), owner);
        Owner::of(word).is_some_and(|owner| owner == me || elsewhere(owner))
    }

    fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Whether the entry was `from`, and is `to` now.
    #[inline]
    fn exchange(&self, place: usize, from: u64, to: u64) -> bool {
        self.0.get(place).is_some_and(|entry| {
            entry.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
        })
    }
}
