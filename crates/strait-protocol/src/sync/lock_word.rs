//! A word that has one owner at a time, who may die.
//!
//! # The rules
//!
//! 1. The word is the [`Owner`] and flags, or flags alone where there is none. It is taken and released by
//!    one compare-and-exchange, so there is no moment at which somebody owns it and it isn't known who.
//! 2. One whose owner is gone may be taken from it by comparing with the very word that was judged: a
//!    seat never gets that generation again.
//! 3. Who takes it from a dead owner finds `INCONSISTENT`; unless the owner had `UNTOUCHED`, which says
//!    that it hadn't begun yet. Released like that, it becomes `UNRECOVERABLE`, for ever.

use super::{Members, Owner, bell::Look};
use crate::primitive::{AtomicU64, Ordering};
use std::ptr;

/// Who owned it last died, or panicked, and nobody has repaired anything yet.
const INCONSISTENT: u64 = 1;
/// Nobody gets it any more.
const UNRECOVERABLE: u64 = 2;
/// Its owner has changed nothing so far.
const UNTOUCHED: u64 = 4;

/// A word that has one owner at a time.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct LockWord(AtomicU64);

/// In which state it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Whole,
    Inconsistent,
}

/// In which state it was released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    Usable,
    /// Nobody gets it any more, and all who wait should learn of that.
    Unrecoverable,
}

/// Why it can't be taken, however long one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Deadlock,
    NotRecoverable,
}

impl LockWord {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes it if it is free and nothing is wrong with it.
    #[inline]
    pub(crate) fn take_fast(&self, me: Owner) -> bool {
        self.exchange(0, me.word())
    }

    /// Takes it if it is free; or on a thorough look, if its owner is gone.
    pub(crate) fn try_take<B: Members>(
        &self,
        me: Owner,
        look: Look,
    ) -> Result<Option<Taken>, Refused> {
        let word = self.0.load(Ordering::SeqCst);
        let inconsistent = match self.judge::<B>(word, me, look)? {
            Judged::Free => word & INCONSISTENT,
            Judged::Gone => inconsistent_after(word),
            Judged::Owned => return Ok(None),
        };
        let taken = if inconsistent == 0 { Taken::Whole } else { Taken::Inconsistent };
        Ok(self.exchange(word, me.word() | inconsistent).then_some(taken))
    }

    /// Looks at it without taking it: in which state it is while nobody owns it, `None` while somebody
    /// does. On a thorough look one that is gone is relieved of it first.
    pub(crate) fn look<B: Members>(&self, me: Owner, look: Look) -> Result<Option<Taken>, Refused> {
        let word = self.0.load(Ordering::SeqCst);
        let inconsistent = match self.judge::<B>(word, me, look)? {
            Judged::Free => word & INCONSISTENT,
            Judged::Gone if self.exchange(word, inconsistent_after(word)) => {
                inconsistent_after(word)
            }
            Judged::Gone | Judged::Owned => return Ok(None),
        };
        Ok(Some(if inconsistent == 0 { Taken::Whole } else { Taken::Inconsistent }))
    }

    /// Says that the owner, `me`, has changed nothing so far, or that it now begins to.
    pub(crate) fn set_untouched(&self, me: Owner, untouched: bool) {
        self.change(me, |word| if untouched { word | UNTOUCHED } else { word & !UNTOUCHED });
    }

    /// Says that what a dead owner left has been repaired by its present owner, `me`.
    pub(crate) fn mark_consistent(&self, me: Owner) {
        self.change(me, |word| word & !INCONSISTENT);
    }

    /// Gives it back as it was before `me` took it.
    pub(crate) fn back_out(&self, me: Owner) {
        self.change(me, |word| word & INCONSISTENT);
    }

    /// Gives it back after what `me` did with it; whether by a panic, or in order. What isn't owned by
    /// `me`, because a peer has overwritten it, is left alone.
    #[inline]
    pub(crate) fn release(&self, me: Owner, panicked: bool) -> Released {
        match !panicked && self.release_fast(me) {
            true => Released::Usable,
            false => self.release_slowly(me, panicked),
        }
    }

    /// Gives it back if nothing is wrong with it.
    #[inline]
    pub(crate) fn release_fast(&self, me: Owner) -> bool {
        self.exchange(me.word(), 0)
    }

    /// As [`release`](Self::release), where the fast way didn't do.
    #[cold]
    pub(crate) fn release_slowly(&self, me: Owner, panicked: bool) -> Released {
        let given_up = !panicked && self.0.load(Ordering::Relaxed) & INCONSISTENT != 0;
        self.change(me, |_| match (panicked, given_up) {
            (true, _) => INCONSISTENT,
            (false, true) => UNRECOVERABLE,
            (false, false) => 0,
        });
        if given_up { Released::Unrecoverable } else { Released::Usable }
    }

    fn judge<B: Members>(&self, word: u64, me: Owner, look: Look) -> Result<Judged, Refused> {
        if word & UNRECOVERABLE != 0 {
            return Err(Refused::NotRecoverable);
        }
        let here = ptr::from_ref(self).addr();
        let thorough = look == Look::Thorough;
        match Owner::of(word) {
            None => Ok(Judged::Free),
            Some(owner) if owner == me => Err(Refused::Deadlock),
            Some(owner) if thorough && B::is_gone(here, owner) => Ok(Judged::Gone),
            Some(owner) if thorough && B::is_me(here, owner) => Err(Refused::Deadlock),
            Some(_) => Ok(Judged::Owned),
        }
    }

    /// Changes the word, if it is owned by `me`. It may fail to exchange only where a peer writes what
    /// it mustn't.
    fn change(&self, me: Owner, change: impl Fn(u64) -> u64) {
        let word = self.0.load(Ordering::Relaxed);
        if Owner::of(word) == Some(me) {
            self.exchange(word, change(word));
        }
    }

    /// Acquires where it takes, releases where it gives back, and is in one order with looks at what
    /// else the lock consists of.
    #[inline]
    fn exchange(&self, from: u64, to: u64) -> bool {
        self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }
}

enum Judged {
    Free,
    Gone,
    Owned,
}

/// In which state somebody leaves it who dies while this is the word.
fn inconsistent_after(word: u64) -> u64 {
    if word & UNTOUCHED == 0 { INCONSISTENT } else { word & INCONSISTENT }
}
