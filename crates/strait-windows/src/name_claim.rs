//! Who has a name, and what it is of: receivers, listeners and pipes share their names.
//!
//! # The rules
//!
//! 1. Under the name is a *register*: a section with one record, which owners keep open. What the name is of is what
//!    the record says while its check is right, its process lives and its *holder* exists.
//! 2. The holder is an event that has the record's random id in its name, which the owner keeps open. So what a dead
//!    process left is nobody's, and nothing has to be cleaned up.
//! 3. A record is written by who has the mutex of the name, and only where the name is nobody's; the check comes last.
//!    Who looks needs no mutex: a record that is just being written is as good as none.
//! 4. A record is given up by clearing its check, where that is still the same: by the owner, or who removes the name.
//! 5. Who waits for a change of a name has its *bell* open, an event that is rung after the change. Of an owner's
//!    death nothing tells, and two who wait may take it from each other, so they look now and then too.
#![expect(unsafe_code, reason = "maps the register")]

use crate::{
    object::{self, owned, wide},
    process::{self, Process},
    random,
    security::Security,
    user::User,
    wait,
};
use std::{
    io,
    os::windows::io::{AsRawHandle, OwnedHandle},
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use strait_core::{Access, Deadline, Error, ErrorKind, Fingerprint, Name, ProcessIdentity, Result};
use windows_sys::Win32::{
    Foundation::{ERROR_FILE_NOT_FOUND, INVALID_HANDLE_VALUE},
    System::{
        Memory::{
            CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS,
            MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
        },
        Threading::{
            CreateEventW, CreateMutexW, EVENT_MODIFY_STATE, OpenEventW, ReleaseMutex,
            SYNCHRONIZATION_SYNCHRONIZE,
        },
    },
};

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A receiver of a channel, or whatever else listens for connections of a rendezvous.
    Rendezvous = 1,
    /// A listener for streams.
    Stream = 2,
    /// A listener for datagrams.
    Datagram = 3,
    /// A named pipe.
    Pipe = 4,
}

/// What was found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it is of.
    pub(crate) sort: Sort,
    /// The random number of this claim.
    pub(crate) id: u128,
}

/// The right to a name. Dropping it, or the end of the process, frees the name.
#[derive(Debug)]
pub(crate) struct Owned {
    id: u128,
    /// For its bell.
    name: String,
    register: View,
    holder: OwnedHandle,
}

impl Owned {
    /// Takes a name of this user's; `None` where somebody who lives has it, whatever it is of.
    ///
    /// # Errors
    ///
    /// `Busy` where another process is taking it and doesn't go on.
    pub(crate) fn create(name: &Name, sort: Sort, operation: &'static str) -> Result<Option<Self>> {
        let failed = |error| Error::os(operation, error).on(name);
        let (user, name) = (User::own()?.number(), object::file_name(name));
        let security = Security::of(Access::Private)?;
        let turn = Turn::wait(user, &name, &security).map_err(failed)?;
        let Some(_turn) = turn else {
            let why = "another process is changing that name and does not go on";
            return Err(Error::new(ErrorKind::Busy, operation, why).on(name));
        };
        let register = View::create(user, &name, &security).map_err(failed)?;
        if register.found(user).map_err(failed)?.is_some() {
            return Ok(None);
        }
        let id = random::number();
        let holder = make_event(&holder_name(user, id), &security).map_err(failed)?;
        register.write(sort, id, &process::current()?);
        ring(user, &name);
        Ok(Some(Self { id, name, register, holder }))
    }

    /// What lives under a name of the user with that number; `None` where that is nothing.
    pub(crate) fn look(user: u32, name: &Name, operation: &'static str) -> Result<Option<Found>> {
        let found = look_for(user, &object::file_name(name));
        found.map_err(|error| Error::os(operation, error).on(name))
    }

    /// Frees a name of this user's, where it is still that of what was found there; `false` where it isn't.
    pub(crate) fn remove(name: &Name, found: Found, operation: &'static str) -> Result<bool> {
        let failed = |error| Error::os(operation, error).on(name);
        let (user, name) = (User::own()?.number(), object::file_name(name));
        let register = View::open(user, &name, FILE_MAP_READ | FILE_MAP_WRITE).map_err(failed)?;
        let freed = register.is_some_and(|register| register.clear(found.id));
        ring(user, &name);
        Ok(freed)
    }

    /// Lets those users find what is under the name to whom it is open.
    pub(crate) fn show_to(&self, access: Access) -> io::Result<()> {
        let readers = Security::to_read(access)?;
        readers.set_on(&self.register.section).and_then(|()| readers.set_on(&self.holder))
    }

    /// The random number of this claim.
    pub(crate) fn id(&self) -> u128 {
        self.id
    }

    /// Whether nobody has removed it.
    #[cfg(test)]
    pub(crate) fn is_current(&self) -> bool {
        self.register.read().is_some_and(|record| record.found.id == self.id)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.register.clear(self.id);
        if let Ok(user) = User::own() {
            ring(user.number(), &self.name);
        }
    }
}

/// Asks `look` until it finds something, or the deadline has passed: after every change of that name that is told
/// with [`ring`], and now and then. It is asked once more when the deadline has passed.
pub(crate) fn wait_for<T>(
    user: u32,
    name: &Name,
    deadline: Deadline<'_>,
    operation: &'static str,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    if let Some(found) = look()? {
        return Ok(Some(found));
    }
    let failed = |error| Error::os(operation, error).on(name);
    let bell = bell(user, name, operation)?;
    loop {
        let is_last = deadline.has_passed();
        // Before the look, so that no change after it is missed.
        object::reset(&bell);
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if is_last {
            return Ok(None);
        }
        wait::one(&bell, deadline.within(LOOK_EVERY)).map_err(failed)?;
    }
}

/// What lives under what stands for a name in the names of objects.
pub(crate) fn look_for(user: u32, name: &str) -> io::Result<Option<Found>> {
    match View::open(user, name, FILE_MAP_READ)? {
        Some(register) => register.found(user),
        None => Ok(None),
    }
}

/// Tells those who wait for a change of a name, which is as above.
pub(crate) fn ring(user: u32, name: &str) {
    let bell = wide(&object::name(user, "bell", name));
    // SAFETY: the name ends with a zero.
    if let Ok(bell) = owned(unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, bell.as_ptr()) }) {
        object::set(&bell);
    }
}

/// The bell of a name (rule 5); where another user has that, one that nobody rings.
pub(crate) fn bell(user: u32, name: &Name, operation: &'static str) -> Result<OwnedHandle> {
    let security = Security::of(Access::Private)?;
    let bell = object::name(user, "bell", &object::file_name(name));
    let bell = make_event(&bell, &security).or_else(|_| object::event());
    bell.map_err(|error| Error::os(operation, error).on(name))
}

/// How often to look for changes that nothing tells of.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(40);

/// How long somebody who takes the name may take for it.
const LONGEST_TURN: Duration = Duration::from_secs(10);

fn holder_name(user: u32, id: u128) -> String {
    object::name(user, "holder", &format!("{id:032x}"))
}

/// An event with a name, made or opened. Once it is set it stays so.
fn make_event(name: &str, security: &Security) -> io::Result<OwnedHandle> {
    let (name, attributes) = (wide(name), security.attributes());
    // SAFETY: the attributes are valid during the call, and the name ends with a zero.
    owned(unsafe { CreateEventW(&raw const attributes, 1, 0, name.as_ptr()) })
}

/// Being the only one who writes the record of a name (rule 3), in this thread.
struct Turn(OwnedHandle);

impl Turn {
    fn wait(user: u32, name: &str, security: &Security) -> io::Result<Option<Self>> {
        let (name, attributes) = (wide(&object::name(user, "turn", name)), security.attributes());
        // SAFETY: the attributes are valid during the call, and the name ends with a zero.
        let mutex = owned(unsafe { CreateMutexW(&raw const attributes, 0, name.as_ptr()) })?;
        // Where its owner has died, the record is an old one, or its check is wrong.
        let is_owned = wait::one(&mutex, Deadline::after(LONGEST_TURN))?;
        Ok(is_owned.then(|| Self(mutex)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // SAFETY: this thread owns the mutex, as the value can't leave it.
        unsafe { ReleaseMutex(self.0.as_raw_handle()) };
    }
}

/// A register that is mapped: eight words, which any process of this user may write.
#[derive(Debug)]
struct View {
    start: NonNull<AtomicU64>,
    /// Without a handle it would lose its name.
    section: OwnedHandle,
}

/// What a register says.
#[derive(Clone, Copy)]
struct Record {
    found: Found,
    process: ProcessIdentity,
}

// SAFETY: it is shared memory that is only touched by atomic operations, and mapped until it is dropped.
unsafe impl Send for View {}
// SAFETY: as above.
unsafe impl Sync for View {}

impl View {
    const WORDS: usize = 8;
    const LEN: usize = Self::WORDS * size_of::<u64>();
    const CHECK: usize = 7;

    /// That of a name, which is made where it isn't there: with zeros.
    fn create(user: u32, name: &str, security: &Security) -> io::Result<Self> {
        let (name, attributes) =
            (wide(&object::name(user, "listener", name)), security.attributes());
        // SAFETY: the attributes are valid during the call, and the name ends with a zero.
        let section = owned(unsafe {
            let (len, name) = (Self::LEN as u32, name.as_ptr());
            let memory = INVALID_HANDLE_VALUE;
            CreateFileMappingW(memory, &raw const attributes, PAGE_READWRITE, 0, len, name)
        })?;
        Self::map(section, FILE_MAP_READ | FILE_MAP_WRITE)
    }

    /// That of a name; `None` where there is none.
    fn open(user: u32, name: &str, access: u32) -> io::Result<Option<Self>> {
        let name = wide(&object::name(user, "listener", name));
        // SAFETY: the name ends with a zero.
        match owned(unsafe { OpenFileMappingW(access, 0, name.as_ptr()) }) {
            Ok(section) => Self::map(section, access).map(Some),
            Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND as i32) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn map(section: OwnedHandle, access: u32) -> io::Result<Self> {
        // SAFETY: the handle is open. It fails where the section is shorter.
        let view = unsafe { MapViewOfFile(section.as_raw_handle(), access, 0, 0, Self::LEN) };
        let start = NonNull::new(view.Value.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { start, section })
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: as many words are mapped, from the beginning of a page, until this is dropped; whoever else has
        // them mapped touches them as atomics too, or may at worst give them other values.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), Self::WORDS) }
    }

    fn write(&self, sort: Sort, id: u128, process: &ProcessIdentity) {
        let record = [
            MAGIC,
            sort as u64,
            (id >> 64) as u64,
            id as u64,
            process.pid.into(),
            process.start,
            0,
        ];
        let (check, words) = (&self.words()[Self::CHECK], self.words());
        check.store(0, Ordering::SeqCst);
        for (word, value) in words.iter().zip(record) {
            word.store(value, Ordering::SeqCst);
        }
        check.store(check_of(&record), Ordering::SeqCst);
    }

    /// What it says, alive or not; `None` where that is nothing, or is just being written.
    fn read(&self) -> Option<Record> {
        let mut record = [0; Self::CHECK];
        for (value, word) in record.iter_mut().zip(self.words()) {
            *value = word.load(Ordering::SeqCst);
        }
        let check = self.words()[Self::CHECK].load(Ordering::SeqCst);
        let [magic, sort, high, low, pid, start, _] = record;
        let sorts = [Sort::Rendezvous, Sort::Stream, Sort::Datagram, Sort::Pipe];
        let sort = sorts.into_iter().find(|known| *known as u64 == sort)?;
        if magic != MAGIC || check != check_of(&record) {
            return None;
        }
        let id = u128::from(high) << 64 | u128::from(low);
        let pid = u32::try_from(pid).ok()?;
        let process = ProcessIdentity { pid, reserved: 0, start, space: 0 };
        Some(Record { found: Found { sort, id }, process })
    }

    /// What it says, where that is alive (rule 1).
    fn found(&self, user: u32) -> io::Result<Option<Found>> {
        let Some(record) = self.read() else { return Ok(None) };
        // Whoever else looks may have the holder open for a moment, so it alone doesn't say that.
        if let Ok(None) = Process::open_very(&record.process, 0, "look for an owner") {
            return Ok(None);
        }
        let holder = wide(&holder_name(user, record.found.id));
        // SAFETY: the name ends with a zero.
        match owned(unsafe { OpenEventW(SYNCHRONIZATION_SYNCHRONIZE, 0, holder.as_ptr()) }) {
            Ok(_) => Ok(Some(record.found)),
            Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND as i32) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives up the record with this id, where it is still that (rule 4).
    fn clear(&self, id: u128) -> bool {
        let check = &self.words()[Self::CHECK];
        let was = check.load(Ordering::SeqCst);
        // The check belongs to one id alone, so where it was right after it was read, it is right of this.
        self.read().is_some_and(|record| record.found.id == id)
            && check.compare_exchange(was, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.start.as_ptr().cast() };
        // SAFETY: it is mapped there, and nothing refers to it any more.
        unsafe { UnmapViewOfFile(view) };
    }
}

/// `strait-n`.
const MAGIC: u64 = u64::from_le_bytes(*b"strait-n");

/// Never 0, which is that of no record.
fn check_of(record: &[u64; View::CHECK]) -> u64 {
    let bytes: Vec<u8> = record.iter().flat_map(|word| word.to_le_bytes()).collect();
    let [a, b, c, d, e, f, g, h, ..] = Fingerprint::of_bytes(&bytes).to_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(what: &str) -> Name {
        Name::new(&format!("claim-{what}-{}", std::process::id())).unwrap()
    }

    fn look(name: &Name) -> Option<Found> {
        Owned::look(User::own().unwrap().number(), name, "look").unwrap()
    }

    #[test]
    fn a_name_is_one_owners_until_it_is_dropped() {
        let name = unique("one");
        assert_eq!(look(&name), None);
        let owner = Owned::create(&name, Sort::Pipe, "create").unwrap().unwrap();
        assert_eq!(look(&name), Some(Found { sort: Sort::Pipe, id: owner.id() }));
        assert!(Owned::create(&name, Sort::Stream, "create").unwrap().is_none());
        drop(owner);
        assert_eq!(look(&name), None);
        let next = Owned::create(&name, Sort::Stream, "create").unwrap().unwrap();
        assert_eq!(look(&name).unwrap().sort, Sort::Stream);
        assert!(next.is_current());
    }

    #[test]
    fn an_owner_whose_name_was_removed_spares_the_next() {
        let name = unique("removed");
        let first = Owned::create(&name, Sort::Pipe, "create").unwrap().unwrap();
        let found = look(&name).unwrap();
        assert!(Owned::remove(&name, found, "remove").unwrap());
        assert!(!Owned::remove(&name, found, "remove").unwrap());
        assert!(!first.is_current());
        let second = Owned::create(&name, Sort::Pipe, "create").unwrap().unwrap();
        assert!(!Owned::remove(&name, found, "remove").unwrap());
        drop(first);
        assert_eq!(look(&name).unwrap().id, second.id());
    }

    #[test]
    fn one_of_many_threads_gets_it() {
        for round in 0..20 {
            let name = unique(&format!("race-{round}"));
            let create = || Owned::create(&name, Sort::Datagram, "create").unwrap();
            let owners: Vec<_> = std::thread::scope(|scope| {
                let racers: Vec<_> = (0..4).map(|_| scope.spawn(create)).collect();
                racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
            });
            assert_eq!(owners.len(), 1);
        }
    }

    #[test]
    fn who_waits_for_a_name_is_told() {
        let (name, user) = (unique("waits"), User::own().unwrap().number());
        std::thread::scope(|scope| {
            let wait = || {
                let patience = Deadline::after(Duration::from_secs(20));
                wait_for(user, &name, patience, "wait", || Ok(look(&name)))
            };
            let waiter = scope.spawn(wait);
            let owner = Owned::create(&name, Sort::Rendezvous, "create").unwrap().unwrap();
            assert_eq!(waiter.join().unwrap().unwrap().unwrap().id, owner.id());
        });
        let soon = Deadline::after(Duration::from_millis(10));
        assert_eq!(wait_for(user, &name, soon, "wait", || Ok(look(&name))).unwrap(), None);
    }
}
