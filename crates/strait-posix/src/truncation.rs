//! Surviving a peer that truncates a file which this process has mapped.
//!
//! Named shared memory and files can't be sealed, so whoever may write to one may also cut it off;
//! touching what is gone raises SIGBUS, which ends the process. When the first such mapping is made,
//! a handler for SIGBUS is installed. Where the fault lies in a guarded mapping, it puts private zeros
//! there and behind, notes that the mapping isn't intact, and lets the access go on. Every other
//! SIGBUS goes to the handler that was there before.
//!
//! A handler may interrupt anything, so it takes no lock and allocates nothing: it walks a list to
//! which entries are only ever added, and which are reused.
#![expect(unsafe_code, reason = "handles a signal and maps pages in the handler")]

use crate::sys::signal as system;
use rustix::{
    io::{Errno, Result},
    mm::{MapFlags, ProtFlags, mmap_anonymous},
    param::page_size,
};
use std::{
    ffi::c_int,
    ptr::{NonNull, null_mut},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering},
    },
};

/// Guards the pages that `len` bytes at `start` lie in, until it is dropped.
pub(crate) fn guard(start: NonNull<u8>, len: usize, protection: ProtFlags) -> Result<Guard> {
    install()?;
    let entry = Entry::claim();
    entry.truncated.store(false, Ordering::Relaxed);
    entry.protection.store(protection.bits(), Ordering::Relaxed);
    let start = start.as_ptr().addr();
    entry.start.store(start, Ordering::Release);
    // Last, as an entry that ends at 0 guards nothing.
    entry.end.store(start + len.next_multiple_of(page_size()), Ordering::Release);
    Ok(Guard(entry))
}

/// A mapping that is guarded.
#[derive(Debug)]
pub(crate) struct Guard(&'static Entry);

impl Guard {
    /// Whether no access has found the file cut off.
    pub(crate) fn is_intact(&self) -> bool {
        !self.0.truncated.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.end.store(0, Ordering::Release);
        self.0.claimed.store(false, Ordering::Release);
    }
}

#[derive(Debug, Default)]
struct Entry {
    claimed: AtomicBool,
    start: AtomicUsize,
    end: AtomicUsize,
    protection: AtomicU32,
    truncated: AtomicBool,
    next: AtomicPtr<Entry>,
}

static ENTRIES: AtomicPtr<Entry> = AtomicPtr::new(null_mut());
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

impl Entry {
    /// An entry that nobody uses: an old one, or a new one that lives for ever.
    fn claim() -> &'static Self {
        let free = |entry: &&Self| !entry.claimed.swap(true, Ordering::Acquire);
        if let Some(entry) = entries().find(free) {
            return entry;
        }
        let entry: &'static Self =
            Box::leak(Box::new(Self { claimed: AtomicBool::new(true), ..Self::default() }));
        let this = std::ptr::from_ref(entry).cast_mut();
        let mut first = ENTRIES.load(Ordering::Relaxed);
        loop {
            entry.next.store(first, Ordering::Relaxed);
            match ENTRIES.compare_exchange_weak(first, this, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return entry,
                Err(other) => first = other,
            }
        }
    }

    fn guards(&self, address: usize) -> bool {
        let end = self.end.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Acquire);
        // The end again, as the entry may be given to another mapping in between.
        (start..end).contains(&address) && self.end.load(Ordering::Relaxed) == end
    }
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    let follow = |place: &AtomicPtr<Entry>| {
        // SAFETY: null, or an entry that was leaked and so lives for ever.
        unsafe { place.load(Ordering::Acquire).as_ref() }
    };
    std::iter::successors(follow(&ENTRIES), move |entry| follow(&entry.next))
}

/// Installs the handler, once a process.
fn install() -> Result<()> {
    static INSTALLED: OnceLock<std::result::Result<(), i32>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            // SAFETY: a `sigaction` of zeros is valid: no flags, an empty mask, no handler.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = handle as extern "C" fn(_, _, _) as usize;
            // On the alternate stack, which std gives its threads.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: as above.
            let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
            // SAFETY: the pointers are valid for the calls, and `handle` does in a handler only what
            // is permitted there. What was there before is stored before the handler can need it.
            let code = unsafe {
                libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut previous);
                let _ = PREVIOUS.set(previous);
                libc::sigaction(libc::SIGBUS, &raw const action, null_mut())
            };
            let error = std::io::Error::last_os_error();
            if code == 0 { Ok(()) } else { Err(error.raw_os_error().unwrap_or(libc::EINVAL)) }
        })
        .map_err(Errno::from_raw_os_error)
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t`, which for SIGBUS has an address.
    let (address, code) = unsafe { ((*info).si_addr().addr(), (*info).si_code) };
    let guarded = |entry: &&Entry| system::is_missing_page(code) && entry.guards(address);
    match entries().find(guarded) {
        Some(entry) if fill(entry, address) => {}
        _ => pass_on(signal, info, context),
    }
}

/// Puts zeros where the fault was, and on all pages behind: what was cut off is cut off to the end,
/// and one mapping a page would soon be more than the kernel permits.
fn fill(entry: &Entry, address: usize) -> bool {
    let page = address & !(page_size() - 1);
    let protection = ProtFlags::from_bits_retain(entry.protection.load(Ordering::Relaxed));
    let place = std::ptr::without_provenance_mut(page);
    let len = entry.end.load(Ordering::Relaxed).saturating_sub(page);
    // SAFETY: replaces the end of a mapping that this module guards, which can't be read or written
    // any more. `mmap` is a plain system call, which a handler may make.
    let filled =
        unsafe { mmap_anonymous(place, len, protection, MapFlags::PRIVATE | MapFlags::FIXED) };
    entry.truncated.store(true, Ordering::Relaxed);
    filled.is_ok()
}

/// Does what would have been done without this module.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    type Detailed = extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);
    type Plain = extern "C" fn(c_int);
    // SAFETY: as in `handle`.
    let sent = system::was_sent(unsafe { (*info).si_code });
    let previous = PREVIOUS.get();
    match previous.map(|action| (action.sa_sigaction, action.sa_flags)) {
        Some((handler, flags)) if handler != libc::SIG_DFL && handler != libc::SIG_IGN => {
            if flags & libc::SA_SIGINFO != 0 {
                // SAFETY: the kernel would have called it with these arguments.
                unsafe { std::mem::transmute::<usize, Detailed>(handler)(signal, info, context) }
            } else {
                // SAFETY: as above, without SA_SIGINFO.
                unsafe { std::mem::transmute::<usize, Plain>(handler)(signal) }
            }
        }
        Some((libc::SIG_IGN, _)) if sent => {}
        _ => {
            // The access is repeated after the return, and then ends the process as it should. One
            // that was sent by a process is sent again.
            // SAFETY: sets a disposition and raises a signal, which a handler may do.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if sent {
                    libc::raise(signal);
                }
            }
        }
    }
}
