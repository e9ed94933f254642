//! A signal made of one word and the bare futex: the least that waking another process costs.
#![expect(unsafe_code, reason = "std has no futex")]

use std::{
    ptr,
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Sets the signal, and wakes who sleeps.
#[inline]
pub fn set(word: &AtomicU32) {
    if word.swap(SET, Release) == AWAITED {
        wake_one(word);
    }
}

/// Waits until the signal is set, and takes it back. Looks at it `spins` times before it sleeps. Only
/// one process at a time may wait.
#[inline]
pub fn wait(word: &AtomicU32, spins: u32) {
    for _ in 0..spins {
        if take(word) {
            return;
        }
        std::hint::spin_loop();
    }
    while !take(word) {
        let awaited = word.compare_exchange(UNSET, AWAITED, Relaxed, Relaxed);
        if matches!(awaited, Ok(_) | Err(AWAITED)) {
            sleep_while(word, AWAITED);
        }
    }
}

/// Nobody waits asleep. Memory that was just made is zeros.
const UNSET: u32 = 0;
const SET: u32 = 1;
/// Unset, and somebody sleeps or is about to.
const AWAITED: u32 = 2;

/// Looks before it writes, so that who spins leaves the cache line to who sets the signal.
#[inline]
fn take(word: &AtomicU32) -> bool {
    word.load(Relaxed) == SET && word.compare_exchange(SET, UNSET, Acquire, Relaxed).is_ok()
}

/// Returns when woken, and also for no reason: what the system says is for the caller to see in the word.
fn sleep_while(word: &AtomicU32, expected: u32) {
    let no_timeout = ptr::null::<libc::timespec>();
    // SAFETY: the kernel reads the word, which is mapped and aligned as it is borrowed, and nothing else,
    // as there is no timeout. The arguments are those of futex(2) for this operation.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, no_timeout);
    }
}

fn wake_one(word: &AtomicU32) {
    // SAFETY: the kernel takes the address for a name and accesses nothing. The arguments are those of
    // futex(2) for this operation.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1);
    }
}
