//! Who has a name: a few words under it, in a section of their own, that say which memory is called so now.
//!
//! # The rules
//!
//! 1. The memory is made under a random name, filled, and its *holder* made, an event; then it is entered in the
//!    register. So nobody ever opens a part of it, and what a creator that is killed before has made goes with it.
//! 2. What the register says holds only as long as the holder of that memory exists. It is held by the creator, or for
//!    `LastDetach` by all who have it open. The kernel closes it when they die: so no name is stale for long.
//! 3. Whoever holds the holder has the register and its mutex open too, so that others find them.
//! 4. Who looks or changes does so in their *turn*: while they own the mutex. What is opened only to look is closed
//!    before the turn ends, so that nobody takes it for a sign of life. A mutex whose owner died is taken over: the
//!    worst that it has left is a number that no memory has.

use crate::{
    named, object, random,
    security::Security,
    trailer::{id_from_words, id_to_words},
    turn::Turn,
    user::User,
    view::{PAGE, View},
};
use std::{io, os::windows::io::OwnedHandle, sync::atomic::Ordering};
use strait_core::{Access, Error, ErrorKind, Lifetime, Mapping, Name, Result};

/// Where a name leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a Name,
    /// The number of the user whose it is.
    pub(crate) user: u32,
    /// What is being done: `create shared memory`.
    pub(crate) operation: &'static str,
}

impl<'a> Place<'a> {
    /// Among the names of this user, or of that with the number `owner`.
    pub(crate) fn new(name: &'a Name, owner: Option<u32>, operation: &'static str) -> Result<Self> {
        let user = owner.map_or_else(|| User::own().map(User::number), Ok)?;
        Ok(Self { name, user, operation })
    }

    /// Whether it is this user's.
    pub(crate) fn is_own(&self) -> bool {
        User::own().is_ok_and(|own| own.number() == self.user)
    }

    /// What the object of this sort is called that belongs to the name.
    pub(crate) fn object(&self, sort: &str) -> String {
        object::name(self.user, sort, &object::file_name(self.name))
    }

    /// What the object of this sort is called that belongs to one very memory.
    pub(crate) fn object_of(&self, sort: &str, id: u128) -> String {
        object::name(self.user, sort, &format!("{id:032x}"))
    }

    pub(crate) fn failed(&self, error: io::Error) -> Error {
        named::failed(self.operation, error).on(self.name)
    }

    pub(crate) fn not_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, self.operation, "it does not exist").on(self.name)
    }

    pub(crate) fn taken(&self, why: &str) -> Error {
        let error = Error::new(ErrorKind::AlreadyExists, self.operation, why);
        error.on(self.name).hint("open it, remove it, or choose another name")
    }
}

/// This process' part in the life of a name. Dropping it ends that.
#[derive(Debug)]
#[expect(dead_code, reason = "held for what their drop does, the holder first")]
pub(crate) struct Stay {
    holder: OwnedHandle,
    register: OwnedHandle,
    mutex: Option<OwnedHandle>,
}

/// Memory that has a name.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: u128,
    pub(crate) section: OwnedHandle,
    /// Where opening it keeps the name alive.
    pub(crate) stay: Option<Stay>,
}

/// Whether memory has the name.
pub(crate) fn is_taken(place: &Place<'_>) -> Result<bool> {
    let Some(turn) = Turn::join(place)? else { return Ok(false) };
    let register = Register::open(place, Mapping::ReadOnly)?;
    let taken = register.map_or(Ok(None), |register| register.holder(place))?.is_some();
    drop(turn);
    Ok(taken)
}

/// Enters memory that is complete under the name. `may_enter` is asked when nobody else can change it any more.
pub(crate) fn enter(
    place: &Place<'_>,
    id: u128,
    access: Access,
    lifetime: Lifetime,
    may_enter: impl FnOnce() -> Result<()>,
) -> Result<Stay> {
    let failed = |error| place.failed(error);
    let (to_use, to_read) = (Security::of(access)?, Security::to_read(access)?);
    let holder = named::event(&place.object_of("segment-holder", id), &to_use).map_err(failed)?;
    let turn = Turn::make(place, &to_use)?;
    let register = Register::make(place, &to_read)?;
    if register.holder(place)?.is_some() {
        return Err(place.taken("it already exists"));
    }
    may_enter()?;
    // They may have been made for memory of the same name that others could not open, or could.
    turn.open_to(&to_use).and_then(|()| to_read.set_on(&register.section)).map_err(failed)?;
    register.write(id, lifetime);
    let Register { section, .. } = register;
    Ok(Stay { holder: holder.handle, register: section, mutex: turn.end() })
}

/// Has `enter` give the name to what isn't in the register, where nothing in it has the name.
pub(crate) fn enter_other(place: &Place<'_>, enter: impl FnOnce() -> Result<()>) -> Result<()> {
    let _turn = Turn::make(place, &Security::of(Access::Private)?)?;
    let register = Register::open(place, Mapping::ReadOnly)?;
    if register.map_or(Ok(None), |register| register.holder(place))?.is_some() {
        return Err(place.taken("it already exists"));
    }
    enter()
}

/// Finds the memory that has the name.
pub(crate) fn find(place: &Place<'_>, mapping: Mapping) -> Result<Option<Found>> {
    let Some(turn) = Turn::join(place)? else { return Ok(None) };
    let Some(register) = Register::open(place, Mapping::ReadOnly)? else { return Ok(None) };
    let Some((holder, entry)) = register.holder(place)? else { return Ok(None) };
    let name = place.object_of("memory", entry.id);
    let write = mapping == Mapping::ReadWrite;
    let section = named::open_section(&name, place.user, write).map_err(|e| place.failed(e))?;
    // Who held it has let go of it just now.
    let Some(section) = section else { return Ok(None) };
    let stay = match entry.lifetime {
        Lifetime::LastDetach => {
            let Register { section: register, .. } = register;
            Some(Stay { holder, register, mutex: turn.end() })
        }
        _ => {
            drop((holder, register));
            drop(turn);
            None
        }
    };
    Ok(Some(Found { id: entry.id, section, stay }))
}

/// Frees the name, whoever has the memory; `false` where it has none.
pub(crate) fn remove(place: &Place<'_>) -> Result<bool> {
    let Some(_turn) = Turn::join(place)? else { return Ok(false) };
    let Some(register) = Register::open(place, Mapping::ReadWrite)? else { return Ok(false) };
    let there = register.holder(place)?.is_some();
    register.write(0, Lifetime::Creator);
    Ok(there)
}

/// A number for memory that is about to be made.
pub(crate) fn new_id() -> u128 {
    random::number()
}

/// The register of a name, in the turn of who has it.
struct Register {
    section: OwnedHandle,
    view: View,
}

/// What it says.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u128,
    lifetime: Lifetime,
}

impl Register {
    /// The register, which is made where it isn't there.
    fn make(place: &Place<'_>, security: &Security) -> Result<Self> {
        let made = named::section(Some(&place.object("segment")), security, PAGE);
        let section = match made.and_then(|made| made.of(place.user)) {
            Ok(section) => section,
            Err(error) => return Err(refused(place, error)),
        };
        Self::of(section, Mapping::ReadWrite).map_err(|error| place.failed(error))
    }

    /// The register, if it is there.
    fn open(place: &Place<'_>, mapping: Mapping) -> Result<Option<Self>> {
        let write = mapping == Mapping::ReadWrite;
        let section = named::open_section(&place.object("segment"), place.user, write);
        let of = |section| Self::of(section, mapping);
        section.and_then(|section| section.map(of).transpose()).map_err(|e| place.failed(e))
    }

    fn of(section: OwnedHandle, mapping: Mapping) -> io::Result<Self> {
        let view = View::new(&section, PAGE, mapping)?;
        Ok(Self { section, view })
    }

    /// What it says, and the holder of it, where that is still there.
    fn holder(&self, place: &Place<'_>) -> Result<Option<(OwnedHandle, Entry)>> {
        let Some(entry) = self.read() else { return Ok(None) };
        let holder = named::open_event(&place.object_of("segment-holder", entry.id));
        let holder = holder.map_err(|error| place.failed(error))?;
        Ok(holder.map(|holder| (holder, entry)))
    }

    fn read(&self) -> Option<Entry> {
        let mut words = [0; WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.view.word(4 * index)?.load(Ordering::Relaxed);
        }
        let [version, lifetime, id @ ..] = words;
        let id = id_from_words(id);
        let lifetime = match lifetime {
            LAST_DETACH => Lifetime::LastDetach,
            _ => Lifetime::Creator,
        };
        (version == VERSION && id != 0).then_some(Entry { id, lifetime })
    }

    fn write(&self, id: u128, lifetime: Lifetime) {
        let lifetime = if lifetime == Lifetime::LastDetach { LAST_DETACH } else { 1 };
        let [a, b, c, d] = id_to_words(id);
        for (index, word) in [VERSION, lifetime, a, b, c, d].into_iter().enumerate() {
            if let Some(place) = self.view.word(4 * index) {
                place.store(word, Ordering::Relaxed);
            }
        }
    }
}

/// The error of something that isn't this user's or strait's, where something is to be created.
pub(crate) fn refused(place: &Place<'_>, error: io::Error) -> Error {
    if named::is_of_other_sort(&error) {
        return place.taken("something that this version of strait did not make has that name");
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => place.taken("another user has that name"),
        _ => place.failed(error),
    }
}

const WORDS: usize = 6;
const VERSION: u32 = 1;
const LAST_DETACH: u32 = 2;
