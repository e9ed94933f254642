//! What is to happen once, although who does it may die.

use super::{
    Members,
    bell::Bell,
    holder::Holder,
    lock_word::{LockWord, Refused},
};
use crate::{
    kill_point::kill_point,
    primitive::{AtomicU32, Ordering},
};
use std::{fmt, marker::PhantomData, ptr};
use strait_core::{Deadline, Error, ErrorKind, Result};

/// Something that is to happen once, in whichever process comes first.
///
/// Where the process that does it dies, or panics, the next one does it: so it has to be something that
/// can be begun again. Where it forks meanwhile, the child gets an error in place of its part in it.
///
/// ```
/// use strait::{Shared, sync::Once};
///
/// let name = format!("doc/once-{}", std::process::id());
/// let prepared = Shared::<Once>::open_or_create(&name, Once::new)?;
///
/// // In any process of this user:
/// prepared.call_once(|| println!("once"))?;
/// assert!(prepared.is_completed());
/// # Ok::<(), strait::Error>(())
/// ```
#[repr(C)]
pub struct Once<B> {
    runner: LockWord,
    bell: Bell,
    complete: AtomicU32,
    reserved: AtomicU32,
    backend: PhantomData<fn() -> B>,
}

impl<B> Once<B> {
    /// What hasn't happened yet.
    pub fn new() -> Self {
        Self {
            runner: LockWord::new(),
            bell: Bell::new(),
            complete: AtomicU32::new(0),
            reserved: AtomicU32::new(0),
            backend: PhantomData,
        }
    }

    /// Whether it has happened.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.complete.load(Ordering::Acquire) == COMPLETE
    }
}

impl<B: Members> Once<B> {
    /// Calls `f`, unless it has happened already; and waits where another thread or process is at it.
    ///
    /// # Errors
    ///
    /// `Deadlock`, where `f` itself comes here again; `Os`, where the system fails.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) -> Result<()> {
        self.call_once_deadline(Deadline::NEVER, f)
    }

    /// As [`call_once`](Self::call_once), but waits for others only until the deadline: a `Duration` from
    /// now, say.
    ///
    /// # Errors
    ///
    /// `TimedOut`, and those of [`call_once`](Self::call_once).
    #[inline]
    pub fn call_once_deadline<'d>(
        &self,
        deadline: impl Into<Deadline<'d>>,
        f: impl FnOnce(),
    ) -> Result<()> {
        if self.is_completed() { Ok(()) } else { self.call(deadline.into().check(CALL)?, f) }
    }

    #[cold]
    fn call(&self, deadline: Deadline<'_>, f: impl FnOnce()) -> Result<()> {
        let me = B::me(ptr::from_ref(self).addr())?;
        let attempt = |look| {
            if self.is_completed() {
                return Ok(Some(None));
            }
            match self.runner.try_take::<B>(me, look) {
                // What was begun by who died is begun again.
                Ok(taken) => {
                    Ok(taken.map(|_| Some(Running { once: self, holder: Holder::new::<B>(me) })))
                }
                Err(Refused::Deadlock) => {
                    let why = "it is this thread that is at it";
                    Err(Error::new(ErrorKind::Deadlock, CALL, why))
                }
                Err(Refused::NotRecoverable) => {
                    let why = "its word has a value that strait never writes";
                    Err(Error::new(ErrorKind::PeerCorrupt, CALL, why))
                }
            }
        };
        match self.bell.wait::<B, _, Error>(deadline, attempt)? {
            None => Err(deadline.error(CALL)),
            Some(None) => Ok(()),
            Some(Some(running)) => {
                // It may have been completed just before it was taken.
                if !self.is_completed() {
                    f();
                    if !running.holder.is_this_process::<B>() {
                        let why = "it has forked, and the child isn't the one to do it";
                        return Err(Error::new(ErrorKind::Deadlock, CALL, why));
                    }
                    kill_point!("once: done, not said");
                    self.complete.store(COMPLETE, Ordering::Release);
                }
                drop(running);
                Ok(())
            }
        }
    }
}

/// Held by who is at it, so that a panic lets the next one try.
struct Running<'a, B: Members> {
    once: &'a Once<B>,
    holder: Holder,
}

impl<B: Members> Drop for Running<'_, B> {
    fn drop(&mut self) {
        if self.holder.is_this_process::<B>() {
            self.once.runner.mark_consistent(self.holder.me);
            self.once.runner.release(self.holder.me, false);
            self.once.bell.ring_all::<B>();
        }
    }
}

impl<B> Default for Once<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> fmt::Debug for Once<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let completed = self.is_completed();
        f.debug_struct("Once").field("completed", &completed).finish_non_exhaustive()
    }
}

const CALL: &str = "do what is to happen once";

const COMPLETE: u32 = 1;
