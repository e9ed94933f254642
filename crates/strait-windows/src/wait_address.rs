//! Sleeping on words of shared memory.
//!
//! The system's own sleep on an address is among the threads of one process. So it serves for words that lie in no
//! section, and others have a table of sleepers: `sleepers.rs`.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{Windows, mapping, wait};
use std::{
    io,
    sync::atomic::{AtomicU32, Ordering, fence},
    time::Duration,
};
use strait_core::{Deadline, Error, Result, WaitAddress, WaitOutcome};
use windows_sys::Win32::{
    Foundation::{ERROR_TIMEOUT, GetLastError},
    System::Threading::{WaitOnAddress, WakeByAddressAll, WakeByAddressSingle},
};

impl WaitAddress for Windows {
    fn wait(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> Result<WaitOutcome> {
        if word.load(Ordering::SeqCst) != expected {
            return Ok(WaitOutcome::Woken);
        }
        let outcome = match mapping::locate(word.as_ptr().addr()) {
            None => wait_here(word, expected, deadline),
            Some(place) => place
                .sleepers()
                .and_then(|sleepers| sleepers.sleep(place.offset(), word, expected, deadline)),
        };
        outcome.map_err(|error| Error::os("sleep on a word of memory", error))
    }

    fn wake_one(word: &AtomicU32) {
        // The change comes before the look whether anybody sleeps.
        fence(Ordering::SeqCst);
        match mapping::locate(word.as_ptr().addr()) {
            // SAFETY: it takes an address, which it doesn't read.
            None => unsafe { WakeByAddressSingle(word.as_ptr().cast()) },
            // Where they can't be had, nobody can be helped.
            Some(place) => {
                if let Ok(Some(sleepers)) = place.sleepers_if_any() {
                    sleepers.wake_one(place.offset());
                }
            }
        }
    }

    fn wake_all(word: &AtomicU32) {
        fence(Ordering::SeqCst);
        match mapping::locate(word.as_ptr().addr()) {
            // SAFETY: as above.
            None => unsafe { WakeByAddressAll(word.as_ptr().cast()) },
            Some(place) => {
                if let Ok(Some(sleepers)) = place.sleepers_if_any() {
                    sleepers.wake_all(place.offset());
                }
            }
        }
    }
}

/// Sleeps on a word that only threads of this process know.
fn wait_here(word: &AtomicU32, expected: u32, deadline: Deadline<'_>) -> io::Result<WaitOutcome> {
    // It can't be cancelled, so then it looks in between.
    const LOOK_EVERY: Duration = Duration::from_millis(40);
    let this = if deadline.cancel().is_some() { deadline.within(LOOK_EVERY) } else { deadline };
    let time = wait::milliseconds(this.remaining());
    // SAFETY: the address is that of a word, which is borrowed, and the other that of one to compare it with, of as
    // many bytes as is said.
    let woken = unsafe {
        WaitOnAddress(word.as_ptr().cast(), (&raw const expected).cast(), size_of::<u32>(), time)
    };
    // SAFETY: it has no preconditions.
    match (woken, unsafe { GetLastError() }) {
        (0, ERROR_TIMEOUT) if deadline.has_passed() => Ok(WaitOutcome::TimedOut),
        (0, ERROR_TIMEOUT) => Ok(WaitOutcome::Woken),
        (0, code) => Err(io::Error::from_raw_os_error(code as i32)),
        _ => Ok(WaitOutcome::Woken),
    }
}
