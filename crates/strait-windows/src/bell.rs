//! What those who sleep on a word of shared memory wait for, in whichever process: two objects whose names follow
//! from the section and the word's place in it.
//!
//! # The rules
//!
//! 1. Who is about to sleep has both objects first, then looks at the word, and sleeps only while it is as expected.
//!    Who wakes has changed the word, and then looks for the objects. So one of the two sees what the other did.
//! 2. The semaphore wakes one: a permit is for one that sleeps, and is kept for one that is about to.
//! 3. The event wakes all, one after the other: whoever is woken by it and sees the word changed sets it again for
//!    the next. The last one leaves it set.
//! 4. Who is woken and sees the word as expected has taken what was another's, or what was left over. It gives it
//!    back and lets others go on, so that the other gets it; and keeps it the third time, so that it is used up.
//!
//! The event is made before the semaphore and closed after it: where there is a semaphore there is an event, or nobody
//! needs one.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{mapping::Region, named, object, security::Security, wait};
use std::{
    io,
    os::windows::io::{AsHandle, AsRawHandle, OwnedHandle},
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};
use strait_core::{Deadline, WaitOutcome};
use windows_sys::Win32::System::Threading::ReleaseSemaphore;

/// The objects of one word.
#[derive(Debug)]
pub(crate) struct Bell {
    // In this order they are closed.
    one: OwnedHandle,
    all: OwnedHandle,
}

impl Bell {
    /// The objects, which are made where they aren't there.
    pub(crate) fn make(region: &Region, offset: usize) -> io::Result<Self> {
        let security = Security::of(region.access).map_err(io::Error::other)?;
        let all = named::event(&name("all", region, offset), &security)?.handle;
        let one = named::semaphore(&name("one", region, offset), &security, MOST)?.handle;
        Ok(Self { one, all })
    }

    /// The objects, where somebody has them.
    pub(crate) fn find(region: &Region, offset: usize) -> io::Result<Option<Self>> {
        let Some(one) = named::open_semaphore(&name("one", region, offset))? else {
            return Ok(None);
        };
        let all = named::open_event(&name("all", region, offset))?;
        Ok(all.map(|all| Self { one, all }))
    }

    /// Sleeps while the word is as expected.
    pub(crate) fn wait(
        &self,
        word: &AtomicU32,
        expected: u32,
        deadline: Deadline<'_>,
    ) -> io::Result<WaitOutcome> {
        const RETURNS: u32 = 2;
        for returned in 0..=RETURNS {
            if word.load(Ordering::SeqCst) != expected {
                break;
            }
            let Some(which) = wait::any(&[self.one.as_handle(), self.all.as_handle()], deadline)?
            else {
                return Ok(WaitOutcome::TimedOut);
            };
            let (by_event, changed) = (which == 1, word.load(Ordering::SeqCst) != expected);
            match (by_event, changed) {
                (true, true) => self.wake_all(),
                (false, true) => {}
                _ if returned == RETURNS => {}
                (true, false) => self.wake_all(),
                (false, false) => self.wake_one(),
            }
            if changed {
                break;
            }
            thread::yield_now();
        }
        Ok(WaitOutcome::Woken)
    }

    pub(crate) fn wake_one(&self) {
        // SAFETY: the handle is open. It fails where as many permits are left over as there may be.
        unsafe { ReleaseSemaphore(self.one.as_raw_handle(), 1, null_mut()) };
    }

    pub(crate) fn wake_all(&self) {
        object::set(&self.all);
    }
}

/// As many may be between their look at the word and their sleep at a time. Where there are more, the rest sleeps for
/// longer; what is left over where nobody sleeps is no more either.
const MOST: i32 = 16;

/// It doesn't begin with a user, as those of several may share the memory.
fn name(what: &str, region: &Region, offset: usize) -> String {
    object::name(0, "wake", &format!("{:032x}.{offset:x}.{what}", region.id))
}
