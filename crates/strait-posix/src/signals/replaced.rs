//! Data that signal handlers read while somebody replaces it.
//!
//! A handler may interrupt anything, so it can take no lock. It reads an immutable value through a pointer;
//! whoever changes something makes a new value, exchanges the pointer, and frees the old value when no
//! handler can have it any more.
//!
//! 1. Who reads first counts itself in, then loads the pointer; it uses the value, and counts itself out.
//! 2. Who replaces first exchanges the pointer, then sees each of the two counters at 0 once, not necessarily at
//!    the same time. All of that is in the one order of `SeqCst`.
//! 3. So who has loaded the old pointer did so before the exchange, and was counted in before that; a
//!    counter that is seen at 0 after the exchange has seen it counted out. Nobody has the old value then.
//! 4. One counter would be enough for that, but might never be at 0 while one handler after another reads.
//!    Of the two, those who begin to read use the one that `phase` says. Who replaces waits for the other, which
//!    only those are in who read the phase before it last changed; has newcomers use that, and waits for
//!    the first.
//! 5. A handler that interrupts who waits here ends before the wait goes on. Handlers don't wait.
//! 6. A forked child has only the thread that forked, which doesn't read, as a handler of strait can't be
//!    interrupted by one that forks. So the child forgets those that its parent has counted in.
#![expect(unsafe_code, reason = "frees what no handler reads any more")]

use std::{
    ptr::null_mut,
    sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst},
    thread,
};

/// A value that is read in signal handlers, and replaced elsewhere.
pub(super) struct Replaced<T> {
    current: AtomicPtr<T>,
    phase: AtomicUsize,
    readers: [AtomicUsize; 2],
}

impl<T: Send + Sync> Replaced<T> {
    /// No value yet.
    pub(super) const fn new() -> Self {
        Self {
            current: AtomicPtr::new(null_mut()),
            phase: AtomicUsize::new(0),
            readers: [const { AtomicUsize::new(0) }; 2],
        }
    }

    /// Looks at the current value, if there is one. It can be called in a handler if `look` can, which
    /// returns without fail, and waits for nothing.
    pub(super) fn read<R>(&self, look: impl FnOnce(Option<&T>) -> R) -> R {
        let readers = &self.readers[self.phase.load(SeqCst) & 1];
        readers.fetch_add(1, SeqCst);
        // SAFETY: null, or from `replace`, which doesn't free it before this is counted out: rule 3.
        let seen = look(unsafe { self.current.load(SeqCst).as_ref() });
        readers.fetch_sub(1, SeqCst);
        seen
    }

    /// Replaces the value, and drops the old one as soon as nobody looks at it.
    pub(super) fn replace(&self, value: T) {
        let old = self.current.swap(Box::into_raw(Box::new(value)), SeqCst);
        let phase = self.phase.load(SeqCst) & 1;
        self.wait_for(phase ^ 1);
        self.phase.store(phase ^ 1, SeqCst);
        self.wait_for(phase);
        if !old.is_null() {
            // SAFETY: it was made by a `Box` here, taken out once, and by rule 3 nobody looks at it.
            drop(unsafe { Box::from_raw(old) });
        }
    }

    /// To be called in a forked child, where those that its parent has counted in don't exist.
    pub(super) fn forget_readers(&self) {
        self.readers.iter().for_each(|readers| readers.store(0, SeqCst));
    }

    fn wait_for(&self, phase: usize) {
        while self.readers[phase].load(SeqCst) != 0 {
            // A handler takes microseconds, unless its thread isn't running.
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, atomic::Ordering};

    /// Says when it is dropped.
    struct Canary {
        value: u64,
        same: u64,
        alive: Arc<AtomicUsize>,
    }

    impl Canary {
        fn new(value: u64, alive: &Arc<AtomicUsize>) -> Self {
            alive.fetch_add(1, Ordering::Relaxed);
            Self { value, same: value, alive: Arc::clone(alive) }
        }
    }

    impl Drop for Canary {
        fn drop(&mut self) {
            self.value = u64::MAX;
            self.same = 0;
            self.alive.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn there_is_nothing_before_the_first_value() {
        let place = Replaced::<u64>::new();
        assert!(place.read(|value| value.is_none()));
        place.replace(7);
        assert_eq!(place.read(|value| value.copied()), Some(7));
    }

    #[test]
    fn a_value_is_dropped_when_it_is_replaced() {
        let (place, alive) = (Replaced::new(), Arc::default());
        for value in 0..10 {
            place.replace(Canary::new(value, &alive));
            assert_eq!(alive.load(Ordering::Relaxed), 1);
        }
    }

    #[test]
    fn who_reads_has_a_whole_value_however_often_it_is_replaced() {
        let place = Replaced::new();
        let alive = Arc::default();
        place.replace(Canary::new(0, &alive));
        thread::scope(|scope| {
            let reader = || {
                let mut last = 0;
                for _ in 0..50_000 {
                    place.read(|seen| {
                        let seen = seen.unwrap();
                        assert_eq!(seen.value, seen.same);
                        assert!(seen.value >= last && seen.value != u64::MAX);
                        last = seen.value;
                    });
                }
            };
            let readers = [scope.spawn(reader), scope.spawn(reader), scope.spawn(reader)];
            let mut value = 0;
            while !readers.iter().all(|reader| reader.is_finished()) {
                value += 1;
                place.replace(Canary::new(value, &alive));
            }
        });
        assert_eq!(alive.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn who_replaces_waits_for_who_reads() {
        let (place, alive) = (Replaced::new(), Arc::default());
        place.replace(Canary::new(1, &alive));
        thread::scope(|scope| {
            place.read(|seen| {
                let replacer = scope.spawn(|| place.replace(Canary::new(2, &alive)));
                while place.read(|new| new.unwrap().value == 1) {
                    thread::yield_now();
                }
                // It has exchanged the pointer; what is seen here stays all the same.
                for _ in 0..1000 {
                    thread::yield_now();
                    assert_eq!(seen.unwrap().value, 1);
                }
                assert!(!replacer.is_finished());
                assert_eq!(alive.load(Ordering::Relaxed), 2);
            });
        });
        assert_eq!(alive.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_child_does_not_wait_for_readers_that_it_has_not_got() {
        let place = Replaced::new();
        place.replace(1);
        // Somebody who reads, and is never heard of again.
        place.readers[0].fetch_add(1, SeqCst);
        place.forget_readers();
        place.replace(2);
        assert_eq!(place.read(|value| value.copied()), Some(2));
    }
}
