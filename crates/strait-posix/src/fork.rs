//! Noticing forks, and keeping from forked children what is one process' own.
//!
//! A forked child shares its parent's open files, and with them the locks on these: so a seat, or the
//! right to create something, would outlive the parent that had it. Descriptors that stand for one are
//! closed in every child before anything else runs there. A `clone` that bypasses the C library goes
//! unnoticed: such a child keeps them until it ends or runs another program.
#![expect(unsafe_code, reason = "std has no hooks for forks")]

use std::{
    cell::RefCell,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use strait_core::{Error, ForkHooks, Result};

/// Has these called around each fork, for ever: pthread_atfork(3). The hooks of this file run inside of
/// them, so that what `hooks` lock may call what is here.
pub(crate) fn watch(hooks: ForkHooks) -> Result<()> {
    watch_here();
    at_fork(hooks)
}

/// How many forks lie between this process and the one that began, which tells a child from its parent
/// even where both have the same number.
pub(crate) fn count() -> u32 {
    watch_here();
    COUNT.load(Ordering::Relaxed)
}

/// A descriptor that no forked child has.
#[derive(Debug)]
pub(crate) struct Own {
    /// Taken out when it is dropped; in a child it is closed already.
    file: Option<OwnedFd>,
    forks: u32,
}

impl Own {
    pub(crate) fn new(file: OwnedFd) -> Self {
        let forks = count();
        lock().push(file.as_raw_fd());
        Self { file: Some(file), forks }
    }

    /// The descriptor; `None` in a forked child.
    pub(crate) fn get(&self) -> Option<&OwnedFd> {
        self.file.as_ref().filter(|_| self.forks == count())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        if self.forks == count() {
            let raw = file.as_raw_fd();
            // Closed while it is locked, so that no other gets its number while it is on the list.
            let mut own = lock();
            own.retain(|&other| other != raw);
            drop(file);
        } else {
            // It was closed when this process began, and its number may be another file's by now.
            std::mem::forget(file);
        }
    }
}

static COUNT: AtomicU32 = AtomicU32::new(0);
static OWN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

thread_local! {
    /// The list, locked by the thread that forks, so that the child doesn't find it locked by one that
    /// it hasn't got.
    static LOCKED: RefCell<Option<MutexGuard<'static, Vec<RawFd>>>> = const { RefCell::new(None) };
}

fn lock() -> MutexGuard<'static, Vec<RawFd>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch_here() {
    // Nobody goes on before the hooks are there.
    static WATCHING: Begun = Begun::new();
    // It fails only where there is no memory for a few words. Then a child may keep what it shouldn't have.
    let _ = WATCHING.begin(|| at_fork(ForkHooks { before, in_parent, in_child }));
}

/// Something that is begun once, as std's `OnceLock` has it; but a child that is forked while a thread of its
/// parent's is at it, which it hasn't got, begins itself and doesn't wait for that thread.
///
/// What is begun may then have been done twice. It isn't done again where it failed.
pub(crate) struct Begun(AtomicU32);

impl Begun {
    const NOT_YET: u32 = 0;
    const FAILED: u32 = u32::MAX - 1;
    const DONE: u32 = u32::MAX;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::NOT_YET))
    }

    /// Does it, or waits for the thread that does.
    pub(crate) fn begin(&self, begin: impl FnOnce() -> Result<()>) -> std::result::Result<(), ()> {
        loop {
            let state = self.0.load(Ordering::Acquire);
            match state {
                Self::DONE => return Ok(()),
                Self::FAILED => return Err(()),
                // Who is at it, by its process' number.
                at_it if at_it == std::process::id() => std::thread::yield_now(),
                _ => {}
            }
            let (mine, order) = (std::process::id(), Ordering::Acquire);
            if state != mine && self.0.compare_exchange(state, mine, order, order).is_ok() {
                let done = begin().is_ok();
                let state = if done { Self::DONE } else { Self::FAILED };
                self.0.store(state, Ordering::Release);
                return if done { Ok(()) } else { Err(()) };
            }
        }
    }
}

fn at_fork(hooks: ForkHooks) -> Result<()> {
    let (before, parent, child) = (hooks.before, hooks.in_parent, hooks.in_child);
    // SAFETY: the functions are safe to call, at any time, as they are no closures of anything.
    match unsafe { libc::pthread_atfork(Some(before), Some(parent), Some(child)) } {
        0 => Ok(()),
        code => Err(Error::os("watch for forks", io::Error::from_raw_os_error(code))),
    }
}

extern "C" fn before() {
    // It may be called twice: see `Begun`.
    let _ = LOCKED.try_with(|locked| locked.borrow_mut().get_or_insert_with(lock).len());
}

extern "C" fn in_parent() {
    let _ = LOCKED.try_with(RefCell::take);
}

extern "C" fn in_child() {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let _ = LOCKED.try_with(|locked| {
        if let Some(mut own) = locked.take() {
            for raw in own.drain(..) {
                // SAFETY: it is open, as an `Own` of the parent's has it, whose copy here never closes
                // it.
                drop(unsafe { OwnedFd::from_raw_fd(raw) });
            }
        }
    });
}
