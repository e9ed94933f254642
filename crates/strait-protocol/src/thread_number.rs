//! A number for each thread of this process, unique among those that live.

use crate::sync::Owner;
use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

/// The calling thread's number, which is never 0.
pub(crate) fn of_this_thread() -> u32 {
    thread_local! {
        /// Without a destructor, so that it can be read until the thread's very end.
        static NUMBER: Cell<u32> = const { Cell::new(0) };
        static RETURNED: Returned = const { Returned(Cell::new(0)) };
    }
    NUMBER.with(|number| {
        if number.get() == 0 {
            number.set(take());
            // Where the thread is already ending, its number isn't used again.
            let _ = RETURNED.try_with(|returned| returned.0.set(number.get()));
        }
        number.get()
    })
}

/// Numbers below this are given back at the end of a thread, and then used again.
const REUSED: u32 = 1 << 16;

/// One bit for each number that is taken. There is no lock, so that a child that was forked while another
/// thread began or ended isn't hurt.
static TAKEN: [AtomicU64; (REUSED / 64) as usize] = [const { AtomicU64::new(0) }; 1024];

struct Returned(Cell<u32>);

impl Drop for Returned {
    fn drop(&mut self) {
        let number = self.0.get();
        if let Some(bits) = TAKEN.get((number / 64) as usize) {
            bits.fetch_and(!(1 << (number % 64)), Ordering::Relaxed);
        }
    }
}

fn take() -> u32 {
    for (i, bits) in (0..).zip(&TAKEN) {
        // 0 is no number.
        let never = u64::from(i == 0);
        let mut free = !(bits.load(Ordering::Relaxed) | never);
        while free != 0 {
            let bit = free & free.wrapping_neg();
            let before = bits.fetch_or(bit, Ordering::Relaxed);
            if before & bit == 0 {
                return 64 * i + bit.trailing_zeros();
            }
            free = !(before | never);
        }
    }
    // More threads than that: one of a million that follow may meet its like.
    static NEXT: AtomicU32 = AtomicU32::new(0);
    REUSED + NEXT.fetch_add(1, Ordering::Relaxed) % (Owner::THREADS - REUSED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, sync::Barrier, thread};

    #[test]
    fn threads_that_live_have_different_numbers_and_later_ones_use_them_again() {
        let mut largest = 0;
        for _ in 0..50 {
            let all_live = Barrier::new(8);
            let numbers: HashSet<u32> = thread::scope(|scope| {
                let number = || {
                    let number = of_this_thread();
                    all_live.wait();
                    assert_eq!(of_this_thread(), number);
                    number
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(number)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(numbers.len(), 8);
            assert!(!numbers.contains(&0));
            largest = largest.max(numbers.into_iter().max().unwrap());
        }
        // A scope ends before the destructors of its threads have run, so there may be some more.
        assert!(largest < 200, "{largest}");
    }
}
