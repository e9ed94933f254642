//! Where signals are put for a process: a page of shared memory with a slot for each, and an event.
//!
//! 1. A process makes its mailbox with the first subscription, or when it first decides what a signal does, and
//!    has it to its end. Its name says which process it is, by number and beginning. Only the same user may
//!    open it.
//! 2. A slot has one word: what becomes of the signal ([`State`]), whether one has come (`PENDING`), and who
//!    sent it. The process itself writes the state; it does so by exchanging the word, so that what has
//!    come until then is found, and what comes later finds the new state. Whether it is read at once or later,
//!    no signal is lost.
//! 3. Who sends sets `PENDING` where the state is [`State::Received`], and then the event, also where one
//!    was pending already: who put that there may have been killed in between. As with other systems, one that
//!    comes again before the process has looked is one.
//! 4. Who sends does what the state says, and so decides when it reads that. Where there is no mailbox, the
//!    process has never decided anything: each signal does what it does at first.
//! 5. Both sides read a word once, check it, and then use it; nothing in it makes anybody wait or loop.
#![expect(unsafe_code, reason = "maps memory that other processes share")]

use super::{
    action, bell,
    number::{self, NUMBERS},
    owner,
};
use crate::{
    object::{owned, set, wide},
    security::Security,
};
use std::{
    io,
    ops::Deref,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::NonNull,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};
use strait_core::{Error, ErrorKind, ProcessIdentity, Result, Signal};
use windows_sys::Win32::{
    Foundation::{ERROR_ALREADY_EXISTS, ERROR_FILE_NOT_FOUND, GetLastError, INVALID_HANDLE_VALUE},
    Storage::FileSystem::READ_CONTROL,
    System::Memory::{
        CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEM_MAPPED,
        MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, OpenFileMappingW,
        PAGE_READWRITE, UnmapViewOfFile, VirtualQuery,
    },
};

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// What it does by default.
    Default = 1,
    /// Nothing.
    Ignored = 2,
    /// Somebody receives it.
    Received = 3,
}

/// A mailbox: of this process, or of one that a signal is sent to.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// Set when something was put in.
    event: OwnedHandle,
    page: View,
    /// The name goes with the last handle, although the memory is mapped.
    _section: OwnedHandle,
}

impl Mailbox {
    /// That of this process, if it has one.
    pub(super) fn own() -> Option<&'static Self> {
        OWN.get()
    }

    /// That of this process, which is made where it has none: by one thread at a time.
    pub(super) fn make(this: &ProcessIdentity, operation: &'static str) -> Result<&'static Self> {
        if let Some(own) = OWN.get() {
            return Ok(own);
        }
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let why = "something else in this process has its place for signals: another \
                           version of strait, perhaps";
                Error::new(ErrorKind::AlreadyExists, operation, why)
            }
            _ => Error::os(operation, error),
        };
        let made = Self::create(this, &owner::own()?).map_err(failed)?;
        Ok(OWN.get_or_init(|| made))
    }

    /// That of another process, if it has one.
    pub(super) fn of(process: &ProcessIdentity, operation: &'static str) -> Result<Option<Self>> {
        let failed = |error| Error::os(operation, error).on(process.pid);
        let section = match open_section(&name(process, SECTION)) {
            Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND as i32) => {
                return Ok(None);
            }
            opened => opened.map_err(failed)?,
        };
        if !owner::is_own(&section).map_err(failed)? {
            let why = "the place of its mailbox was taken by another user";
            return Err(Error::new(ErrorKind::PeerCorrupt, operation, why).on(process.pid));
        }
        let page = View::of(&section).map_err(failed)?;
        match page.magic.load(SeqCst) {
            // It is just being made.
            0 => return Ok(None),
            MAGIC => {}
            _ => return Err(corrupt(operation).on(process.pid)),
        }
        let event = bell::open(&name(process, EVENT)).map_err(failed)?;
        Ok(Some(Self { event, page, _section: section }))
    }

    /// Whether anything has come that wasn't taken.
    pub(super) fn has_mail(&self) -> bool {
        self.page.slots.iter().any(|slot| slot.load(SeqCst) & PENDING != 0)
    }

    /// Says what becomes of a signal from now on: rule 2. The number of who sent it, if it has come until now.
    pub(super) fn exchange(&self, signal: Signal, state: State) -> Option<u32> {
        let word = self.slot(signal)?.swap(state as u64, SeqCst);
        (word & PENDING != 0).then_some((word >> 32) as u32)
    }

    /// Takes a signal out that has come, of which `state` is what becomes of it.
    pub(super) fn take(&self, signal: Signal, state: State) -> Option<u32> {
        match self.slot(signal)?.load(SeqCst) & PENDING {
            0 => None,
            _ => self.exchange(signal, state),
        }
    }

    /// Puts a signal in, from the process of that number, if somebody receives it; what becomes of it.
    pub(super) fn post(&self, signal: Signal, from: u32) -> Option<State> {
        let (slot, mut state) = (self.slot(signal)?, None);
        let put = |word| {
            state = State::of(word);
            let comes = state == Some(State::Received) && word & PENDING == 0;
            comes.then_some(State::Received as u64 | PENDING | u64::from(from) << 32)
        };
        update(slot, put)?;
        if state == Some(State::Received) {
            set(&self.event);
        }
        state
    }

    /// Makes it, and shows that it is there when it is whole.
    fn create(this: &ProcessIdentity, security: &Security) -> io::Result<Self> {
        let event = bell::create(&name(this, EVENT), security)?;
        let section = create_section(&name(this, SECTION), security)?;
        let page = View::of(&section)?;
        let made = Self { event, page, _section: section };
        for signal in number::each(u32::MAX) {
            let is_ignored = action::IGNORED_AT_FIRST & number::bit(signal) != 0;
            made.exchange(signal, if is_ignored { State::Ignored } else { State::Default });
        }
        made.page.magic.store(MAGIC, SeqCst);
        Ok(made)
    }

    fn slot(&self, signal: Signal) -> Option<&AtomicU64> {
        self.page.slots.get(number::number(signal)? as usize)
    }
}

/// Set when there is mail.
impl AsHandle for Mailbox {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}

impl State {
    fn of(word: u64) -> Option<Self> {
        match word & 0xff {
            1 => Some(Self::Default),
            2 => Some(Self::Ignored),
            3 => Some(Self::Received),
            _ => None,
        }
    }
}

pub(super) fn corrupt(operation: &'static str) -> Error {
    let why = "what lies in its mailbox is not what strait writes there";
    Error::new(ErrorKind::PeerCorrupt, operation, why)
}

static OWN: OnceLock<Mailbox> = OnceLock::new();

const MAGIC: u64 = u64::from_le_bytes(*b"strsig\0\x01");
const PENDING: u64 = 1 << 8;
const SECTION: &str = "signals";
const EVENT: &str = "signals-event";

/// What the memory holds. All of it is valid whatever is written there.
#[repr(C)]
#[derive(Debug)]
struct Page {
    magic: AtomicU64,
    /// The words, each at the number of its signal.
    slots: [AtomicU64; NUMBERS],
}

/// A number is nobody else's in this session, so that the user's isn't needed.
fn name(process: &ProcessIdentity, sort: &str) -> String {
    format!("Local\\strait.{sort}.{}.{:x}", process.pid, process.start)
}

/// Changes a word as `change` says, if it says anything; `None` where others change it all the time, which nobody
/// does who keeps to the rules.
fn update(slot: &AtomicU64, mut change: impl FnMut(u64) -> Option<u64>) -> Option<()> {
    const PATIENCE: u32 = 10_000;
    let mut word = slot.load(SeqCst);
    for _ in 0..PATIENCE {
        let Some(new) = change(word) else { return Some(()) };
        match slot.compare_exchange(word, new, SeqCst, SeqCst) {
            Ok(_) => return Some(()),
            Err(other) => word = other,
        }
    }
    None
}

fn create_section(name: &str, security: &Security) -> io::Result<OwnedHandle> {
    let (name, attributes) = (wide(name), security.attributes());
    let len = size_of::<Page>() as u32;
    // SAFETY: the attributes are valid as long as `security`, and the name ends with a zero.
    let (section, code) = unsafe {
        let attributes = &raw const attributes;
        let file = INVALID_HANDLE_VALUE;
        let made = CreateFileMappingW(file, attributes, PAGE_READWRITE, 0, len, name.as_ptr());
        (owned(made), GetLastError())
    };
    let section = section?;
    match code {
        ERROR_ALREADY_EXISTS => Err(io::ErrorKind::AlreadyExists.into()),
        _ => Ok(section),
    }
}

fn open_section(name: &str) -> io::Result<OwnedHandle> {
    let name = wide(name);
    let rights = FILE_MAP_READ | FILE_MAP_WRITE | READ_CONTROL;
    // SAFETY: the name ends with a zero.
    owned(unsafe { OpenFileMappingW(rights, 0, name.as_ptr()) })
}

/// A page, mapped.
#[derive(Debug)]
struct View(NonNull<Page>);

// SAFETY: it is memory, mapped until this is dropped, in which there are atomics only.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    fn of(section: &OwnedHandle) -> io::Result<Self> {
        let (rights, len) = (FILE_MAP_READ | FILE_MAP_WRITE, size_of::<Page>());
        // SAFETY: the handle is open. A view from the beginning is asked for, where there is room.
        let view = unsafe { MapViewOfFile(section.as_raw_handle(), rights, 0, 0, len) };
        let page = NonNull::new(view.Value.cast()).ok_or_else(io::Error::last_os_error)?;
        let mapped = Self(page);
        match mapped.is_backed() {
            true => Ok(mapped),
            false => Err(io::Error::other("the memory is not all there")),
        }
    }

    /// Whether touching it can't fail: who made it may have reserved it only.
    fn is_backed(&self) -> bool {
        let mut found = MEMORY_BASIC_INFORMATION::default();
        let len = size_of_val(&found);
        // SAFETY: the place has as many bytes as is said.
        let filled = unsafe { VirtualQuery(self.0.as_ptr().cast(), &raw mut found, len) };
        filled != 0
            && found.State == MEM_COMMIT
            && found.Type == MEM_MAPPED
            && found.Protect == PAGE_READWRITE
            && found.RegionSize >= size_of::<Page>()
    }
}

impl Deref for View {
    type Target = Page;

    fn deref(&self) -> &Page {
        // SAFETY: it is mapped, committed, and long enough until this is dropped, at the beginning of a
        // memory page and so aligned; any bytes are valid, and they change by atomic operations only: what
        // others do there is as if they used other ones, as the processors that there are make no difference.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.0.as_ptr().cast() };
        // SAFETY: it was mapped for this value alone, and nothing borrows from it any more.
        unsafe { UnmapViewOfFile(view) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::System::Memory::SEC_RESERVE;

    const TEST: &str = "test";

    /// No process has this number, and each test another beginning.
    fn process(start: u64) -> ProcessIdentity {
        ProcessIdentity { pid: u32::MAX, start, ..ProcessIdentity::default() }
    }

    fn pair(start: u64) -> (Mailbox, Mailbox) {
        let security = owner::own().unwrap();
        let made = Mailbox::create(&process(start), &security).unwrap();
        (made, Mailbox::of(&process(start), TEST).unwrap().unwrap())
    }

    fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn what_is_sent_does_what_the_process_has_said() {
        let (own, theirs) = pair(1);
        assert_eq!(theirs.post(Signal::User1, 7), Some(State::Default));
        assert_eq!(theirs.post(Signal::Pipe, 7), Some(State::Ignored));
        assert_eq!(own.exchange(Signal::User1, State::Ignored), None);
        assert_eq!(theirs.post(Signal::User1, 7), Some(State::Ignored));
        assert!(!own.has_mail());
        assert_eq!(own.take(Signal::User1, State::Ignored), None);
    }

    #[test]
    fn a_signal_that_comes_again_before_it_is_looked_at_is_one() {
        let (own, theirs) = pair(2);
        own.exchange(Signal::User1, State::Received);
        for sender in [7, 8] {
            assert_eq!(theirs.post(Signal::User1, sender), Some(State::Received));
        }
        assert!(own.has_mail());
        assert_eq!(own.take(Signal::User1, State::Received), Some(7));
        assert_eq!(own.take(Signal::User1, State::Received), None);
        assert_eq!(theirs.post(Signal::User1, 9), Some(State::Received));
        // It isn't lost where nobody receives it from now on.
        assert_eq!(own.exchange(Signal::User1, State::Default), Some(9));
        assert_eq!(theirs.post(Signal::User1, 9), Some(State::Default));
    }

    #[test]
    fn there_is_one_for_each_process() {
        let (_own, _theirs) = pair(3);
        let again = Mailbox::create(&process(3), &owner::own().unwrap());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        drop((_own, _theirs));
        assert!(Mailbox::of(&process(3), TEST).unwrap().is_none());
    }

    #[test]
    fn what_is_not_strait_s_is_an_error() {
        let (own, theirs) = pair(4);
        for garbage in [0, 4, 0xff, u64::MAX] {
            own.page.slots[10].store(garbage, SeqCst);
            assert_eq!(theirs.post(Signal::User1, 7), None, "{garbage:#x}");
        }
        own.page.magic.store(MAGIC + 1, SeqCst);
        assert_eq!(kind(Mailbox::of(&process(4), TEST)), Some(ErrorKind::PeerCorrupt));
        own.page.magic.store(0, SeqCst);
        assert!(Mailbox::of(&process(4), TEST).unwrap().is_none());
    }

    #[test]
    fn whatever_is_written_there_its_process_says_what_becomes_of_a_signal() {
        let (own, theirs) = pair(5);
        own.exchange(Signal::User2, State::Received);
        theirs.page.slots[12].store(u64::MAX, SeqCst);
        assert_eq!(own.take(Signal::User2, State::Received), Some(u32::MAX));
        assert_eq!(theirs.post(Signal::User2, 7), Some(State::Received));
    }

    #[test]
    fn memory_that_is_not_there_is_not_touched() {
        let name = wide(&name(&process(6), SECTION));
        // SAFETY: there are no attributes, and the name ends with a zero.
        let _reserved = owned(unsafe {
            let (file, how) = (INVALID_HANDLE_VALUE, PAGE_READWRITE | SEC_RESERVE);
            CreateFileMappingW(file, std::ptr::null(), how, 0, 4096, name.as_ptr())
        })
        .unwrap();
        assert_eq!(kind(Mailbox::of(&process(6), TEST)), Some(ErrorKind::Os));
    }
}
