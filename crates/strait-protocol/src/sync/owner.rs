//! Who owns a lock, in one word of shared memory.

/// A thread of a process, as the word of a lock that it owns.
///
/// | bits | are |
/// |---|---|
/// | 0–7 | flags of the lock, which are no part of the owner |
/// | 8–27 | the thread's number in its process, unique among those that live |
/// | 28–51 | the generation of the seat: how often it had been taken before |
/// | 52–63 | the seat that the process has at this memory, plus one; 0 in memory that isn't shared |
///
/// As a seat has a new generation each time it is taken, no owner is taken for a later one, until the seat
/// has been taken 16 million times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(u64);

impl Owner {
    /// How large a generation gets before it begins at 0 again.
    pub const GENERATIONS: u32 = 1 << 24;
    /// How large a thread's number may be. None is 0.
    pub const THREADS: u32 = 1 << 20;

    /// The bits in which a lock keeps flags.
    pub(crate) const FLAGS: u64 = 0xff;

    /// A thread of the process in this seat.
    pub const fn at(seat: u32, generation: u32, thread: u32) -> Self {
        Self::new(seat as u64 + 1, generation, thread)
    }

    /// A thread of this process, at memory that isn't shared.
    pub const fn local(thread: u32) -> Self {
        Self::new(0, 0, thread)
    }

    /// The owner that a lock's word names; `None` where it has none.
    pub const fn of(word: u64) -> Option<Self> {
        match word & !Self::FLAGS {
            0 => None,
            owner => Some(Self(owner)),
        }
    }

    /// The word that names the owner, without flags.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// The seat; `None` at memory that isn't shared.
    pub const fn seat(self) -> Option<u32> {
        ((self.0 >> 52) as u32).checked_sub(1)
    }

    /// The generation of the seat.
    pub const fn generation(self) -> u32 {
        (self.0 >> 28) as u32 % Self::GENERATIONS
    }

    /// The number of the thread.
    pub const fn thread(self) -> u32 {
        (self.0 >> 8) as u32 % Self::THREADS
    }

    /// Where among `count` places this owner looks first, so that owners get into each other's way
    /// rarely.
    pub(crate) const fn preferred(self, count: usize) -> usize {
        // Multiplicative hashing: the golden ratio spreads neighbours over the upper bits.
        let spread = (self.0 >> 8).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        spread as usize % count
    }

    const fn new(seat: u64, generation: u32, thread: u32) -> Self {
        let generation = (generation % Self::GENERATIONS) as u64;
        Self(seat << 52 | generation << 28 | ((thread % Self::THREADS) as u64) << 8)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        for (seat, generation, thread) in [(0, 0, 1), (1023, 0xff_ffff, 0xf_ffff), (7, 3, 9)] {
            let owner = Owner::at(seat, generation, thread);
            assert_eq!(
                (owner.seat(), owner.generation(), owner.thread()),
                (Some(seat), generation, thread)
            );
            assert_eq!(Owner::of(owner.word() | 0xff), Some(owner));
        }
        assert_eq!(Owner::local(1).seat(), None);
        assert_eq!(Owner::of(0xff), None);
    }
}
