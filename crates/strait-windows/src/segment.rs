//! Shared memory: named and anonymous in sections of memory, persistent in files, and any plain file.
#![expect(unsafe_code, reason = "promises where the memory is")]

use crate::{
    WindowsHandle,
    claim::WindowsClaim,
    file, handle,
    mapping::Mapped,
    named, persistent,
    register::{self, Place, Stay},
    seat::WindowsSeat,
    section,
    security::Security,
    trailer::Trailer,
    view::View,
};
use std::{
    fs::{self, File},
    io,
    os::windows::io::OwnedHandle,
    path::Path,
    ptr::NonNull,
};
use strait_core::{
    Access, Deadline, Error, ErrorKind, ForkHooks, Lifetime, Mapping, Name, NewSegment, Result,
    Segment, Transfer,
};

/// Mapped shared memory.
#[derive(Debug)]
pub struct WindowsSegment {
    mapped: Mapped,
    source: Source,
}

/// What is behind the memory.
#[derive(Debug)]
#[expect(dead_code, reason = "held for what their drop does")]
enum Source {
    /// A section, and this process' part in the life of its name.
    Named(Option<Stay>, OwnedHandle),
    /// A section without a name, to be sent to others.
    Anonymous(OwnedHandle),
    /// A file, which nobody can cut off while it is mapped.
    File(File),
}

// SAFETY: `Mapped` owns the view, never changes it, and unmaps it when it is dropped; the kernel maps whole pages,
// from a page's start on, and nobody can shorten a section. Seats are objects of the kernel's that only their holder
// has open for longer than a look. There is no fork.
unsafe impl Segment for WindowsSegment {
    type Seat = WindowsSeat;
    type Claim = WindowsClaim;

    fn create(name: &Name, new: &NewSegment<'_>) -> Result<Self> {
        const CREATE: &str = "create shared memory";
        let place = Place::new(name, None, CREATE)?;
        if new.lifetime == Lifetime::Persistent {
            let (mapped, file) = persistent::create(&place, new)?;
            return Ok(Self { mapped, source: Source::File(file) });
        }
        if new.len >= LARGE && register::is_taken(&place).or_else(|e| refused(&place, e))? {
            return Err(place.taken("it already exists"));
        }
        let not_persistent = || match persistent::exists(&place)? {
            true => Err(place.taken("it already exists")),
            false => Ok(()),
        };
        let id = register::new_id();
        let object = place.object_of("memory", id);
        let (mapped, section) = make(CREATE, Some(&object), id, new.len, new.access, new.content)
            .map_err(|error| error.on(name))?;
        let stay = register::enter(&place, id, new.access, new.lifetime, not_persistent)?;
        Ok(Self { mapped, source: Source::Named(Some(stay), section) })
    }

    fn open(name: &Name, owner: Option<u32>, mapping: Mapping) -> Result<Self> {
        const OPEN: &str = "open shared memory";
        let place = Place::new(name, owner, OPEN)?;
        let Some(found) = register::find(&place, mapping)? else {
            let (mapped, file) =
                persistent::open(&place, mapping)?.ok_or_else(|| place.not_found())?;
            return Ok(Self { mapped, source: Source::File(file) });
        };
        let foreign = |why| Error::new(ErrorKind::Foreign, OPEN, why).on(name);
        let (view, whole) = map_section(&found.section, mapping, OPEN)
            .map_err(|error| error.on(name))?
            .ok_or_else(|| foreign("it is no memory of strait's"))?;
        let trailer = Trailer::read(&view, whole).filter(|trailer| trailer.id == found.id);
        let Trailer { len, id, access } =
            trailer.ok_or_else(|| foreign("strait did not make it"))?;
        view.touch();
        let mapped = Mapped::new(view, len, mapping, id, access);
        Ok(Self { mapped, source: Source::Named(found.stay, found.section) })
    }

    fn anonymous(len: usize) -> Result<Self> {
        const CREATE: &str = "create anonymous shared memory";
        let (mapped, section) = make(CREATE, None, register::new_id(), len, Access::Private, &[])?;
        Ok(Self { mapped, source: Source::Anonymous(section) })
    }

    fn map_file(path: &Path, len: Option<usize>, mapping: Mapping) -> Result<Self> {
        const MAP: &str = "map the file";
        let on = |error: Error| error.on(path.display());
        let (file, made) = file::open_or_make(path, len.is_some(), mapping)
            .map_err(|error| on(file::failed(MAP, error, 0)))?;
        let mut now = file::len(&file, MAP).map_err(on)?;
        let longer = len.map(|len| len as u64).filter(|&len| len > now);
        if let Some(len) = longer.filter(|_| mapping == Mapping::ReadWrite) {
            // The system takes the space for it.
            if let Err(error) = file.set_len(len) {
                drop(file);
                if made {
                    let _ = fs::remove_file(path);
                }
                return Err(on(file::failed(MAP, error, len as usize)));
            }
            now = len;
        }
        if now == 0 {
            let error = Error::new(ErrorKind::InvalidInput, MAP, "it is empty");
            return Err(on(error).hint("say how long it is to be"));
        }
        let mapped = file::map(&file, mapping, MAP).map_err(on)?;
        Ok(Self { mapped, source: Source::File(file) })
    }

    fn remove(name: &Name) -> Result<()> {
        let place = Place::new(name, None, "remove shared memory")?;
        match register::remove(&place)? || persistent::remove(&place)? {
            true => Ok(()),
            false => Err(place.not_found()),
        }
    }

    fn claim(name: &Name, deadline: Deadline<'_>) -> Result<WindowsClaim> {
        WindowsClaim::take(&Place::new(name, None, "create shared memory")?, deadline)
    }

    fn take_seat(&self, number: u32) -> Result<Option<WindowsSeat>> {
        if self.mapping() == Mapping::ReadOnly {
            let why = "it is mapped for reading only";
            return Err(Error::new(ErrorKind::PermissionDenied, "join shared memory", why));
        }
        WindowsSeat::take(self.mapped.id(), number)
    }

    fn is_seat_taken(&self, number: u32) -> Result<bool> {
        WindowsSeat::is_taken(self.mapped.id(), number)
    }

    fn watch_forks(_: ForkHooks) -> Result<()> {
        Ok(())
    }

    fn start(&self) -> NonNull<u8> {
        self.mapped.start()
    }

    fn len(&self) -> usize {
        self.mapped.len()
    }

    fn mapping(&self) -> Mapping {
        self.mapped.mapping()
    }

    /// Always: the system refuses to cut off what is mapped.
    fn is_intact(&self) -> bool {
        true
    }
}

impl Transfer<WindowsHandle> for WindowsSegment {
    fn to_handle(&self) -> Result<WindowsHandle> {
        match &self.source {
            Source::Anonymous(section) => WindowsHandle::duplicate(section),
            Source::Named(..) | Source::File(_) => Err(not_anonymous()),
        }
    }

    fn into_handle(self) -> Result<WindowsHandle> {
        match self.source {
            Source::Anonymous(section) => Ok(section.into()),
            Source::Named(..) | Source::File(_) => Err(not_anonymous()),
        }
    }

    fn from_handle(handle: WindowsHandle) -> Result<Self> {
        Self::received(handle.into())
    }
}

impl WindowsSegment {
    /// The memory that a peer has sent, if it is some that can't hurt: no file, in which accesses can fail, and of
    /// which all is there. Nothing of it is touched here but the last page.
    pub(crate) fn received(section: OwnedHandle) -> Result<Self> {
        const RECEIVE: &str = "receive shared memory";
        let refused = |why| Error::new(ErrorKind::PeerCorrupt, RECEIVE, why);
        let (view, whole) = match map_section(&section, Mapping::ReadWrite, RECEIVE) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let error = refused("the peer sent memory that can't be written to");
                return Err(error);
            }
            mapped => mapped?.ok_or_else(|| refused("the peer sent no memory, or a file's"))?,
        };
        let Trailer { len, id, access } = Trailer::read(&view, whole)
            .ok_or_else(|| refused("the peer sent memory that strait did not make"))?;
        let mapped = Mapped::new(view, len, Mapping::ReadWrite, id, access);
        Ok(Self { mapped, source: Source::Anonymous(section) })
    }
}

/// What isn't made in vain where its name is taken, in bytes: for less, asking takes longer.
const LARGE: usize = 1 << 20;

/// Makes a section, whose content begins so when others can first open it.
fn make(
    operation: &'static str,
    name: Option<&str>,
    id: u128,
    len: usize,
    access: Access,
    content: &[u8],
) -> Result<(Mapped, OwnedHandle)> {
    let failed = |error| section::failed(operation, error, len);
    let whole =
        Trailer::whole(len).ok_or_else(|| failed(io::Error::from(io::ErrorKind::OutOfMemory)))?;
    section::check_available(operation, len)?;
    let made = named::section(name, &Security::of(access)?, whole).map_err(failed)?;
    let mut view = View::new(&made.handle, whole, Mapping::ReadWrite).map_err(failed)?;
    if !made.new {
        // Its name was random.
        return Err(Error::new(ErrorKind::AlreadyExists, operation, "it already exists"));
    }
    view.touch();
    view.fill(content);
    Trailer { len, id, access }.write(&view, whole);
    Ok((Mapped::new(view, len, Mapping::ReadWrite, id, access), made.handle))
}

/// Maps a whole section of memory; `None` where it is something else, as a file.
fn map_section(
    section: &OwnedHandle,
    mapping: Mapping,
    operation: &'static str,
) -> Result<Option<(View, usize)>> {
    let facts = section::query(section, operation)?;
    let whole = usize::try_from(facts.len).ok().filter(|&whole| whole > 0);
    let Some(whole) = whole.filter(|_| facts.is_memory()) else { return Ok(None) };
    let view = View::new(section, whole, mapping);
    Ok(Some((view.map_err(|error| section::failed(operation, error, whole))?, whole)))
}

/// What stands in the way of creating under a name that can't be looked at.
fn refused(place: &Place<'_>, error: Error) -> Result<bool> {
    match error.kind() {
        ErrorKind::Foreign => {
            Err(place.taken("something that this version of strait did not make has that name"))
        }
        ErrorKind::PermissionDenied => Err(place.taken("another user has that name")),
        _ => Err(error),
    }
}

fn not_anonymous() -> Error {
    let why = "only anonymous shared memory can be handed over";
    Error::new(ErrorKind::InvalidInput, handle::HAND_OVER, why)
        .hint("the other process can open what has a name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{object, user::User, view::PAGE};
    use std::{env, ptr::null};
    use windows_sys::Win32::{
        Foundation::INVALID_HANDLE_VALUE,
        System::Memory::{CreateFileMappingW, PAGE_READWRITE, SEC_RESERVE},
    };

    fn name(label: &str) -> Name {
        Name::new(&format!("unit/{label}-{}", std::process::id())).unwrap()
    }

    fn received(handle: OwnedHandle) -> ErrorKind {
        WindowsSegment::from_handle(handle.into()).unwrap_err().kind()
    }

    fn private() -> Security {
        Security::of(Access::Private).unwrap()
    }

    #[test]
    fn memory_that_was_sent_is_the_same_memory() {
        let sent = WindowsSegment::anonymous(10_001).unwrap();
        let there = WindowsSegment::from_handle(sent.to_handle().unwrap()).unwrap();
        assert_eq!((there.len(), there.mapped.id()), (10_001, sent.mapped.id()));
        assert!(sent.take_seat(7).unwrap().is_some_and(|_| there.is_seat_taken(7).unwrap()));
        assert!(!there.is_seat_taken(7).unwrap());
    }

    #[test]
    fn what_is_no_memory_of_strait_is_not_taken() {
        assert_eq!(received(object::event().unwrap()), ErrorKind::TypeMismatch);
        let blank = named::section(None, &private(), 3 * PAGE).unwrap();
        assert_eq!(received(blank.handle), ErrorKind::PeerCorrupt);
    }

    #[test]
    fn memory_of_which_a_part_may_be_missing_is_not_taken() {
        let (memory, protection) = (INVALID_HANDLE_VALUE, PAGE_READWRITE | SEC_RESERVE);
        // SAFETY: there are neither attributes nor a name.
        let reserved =
            unsafe { CreateFileMappingW(memory, null(), protection, 0, 1 << 20, null()) };
        assert_eq!(received(object::owned(reserved).unwrap()), ErrorKind::PeerCorrupt);
    }

    #[test]
    fn a_file_is_not_taken_for_memory() {
        let path = env::temp_dir().join(format!("strait-unit-{}", std::process::id()));
        let segment = WindowsSegment::map_file(&path, Some(2 * PAGE), Mapping::ReadWrite).unwrap();
        let Source::File(file) = &segment.source else { unreachable!("it is a file's") };
        assert_eq!(
            received(file::section_of(file, Mapping::ReadWrite).unwrap()),
            ErrorKind::PeerCorrupt
        );
        drop(segment);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn memory_that_can_only_be_read_is_not_taken() {
        let (user, id) = (User::own().unwrap().number(), register::new_id());
        let object = object::name(user, "test", &format!("{id:032x}"));
        let made = make("test", Some(&object), id, 10, Access::Private, &[]).unwrap();
        let to_read = named::open_section(&object, user, false).unwrap().unwrap();
        assert_eq!(received(to_read), ErrorKind::PeerCorrupt);
        drop(made);
    }

    #[test]
    fn a_name_that_something_else_has_is_foreign() {
        for sort in ["segment-turn", "segment"] {
            let name = name(sort);
            let place = Place::new(&name, None, "test").unwrap();
            let _turn = (sort == "segment")
                .then(|| named::mutex(&place.object("segment-turn"), &private()).unwrap());
            let _squatter = named::event(&place.object(sort), &private()).unwrap();
            let new = NewSegment {
                len: 10,
                content: &[],
                access: Access::Private,
                lifetime: Lifetime::Creator,
            };
            let created = WindowsSegment::create(&name, &new).unwrap_err();
            assert_eq!(created.kind(), ErrorKind::AlreadyExists, "{created}");
            let opened = WindowsSegment::open(&name, None, Mapping::ReadWrite).unwrap_err();
            assert_eq!(opened.kind(), ErrorKind::Foreign, "{opened}");
        }
    }

    #[test]
    fn a_thread_does_not_claim_a_name_twice() {
        let name = name("claim");
        let claim = || WindowsSegment::claim(&name, Deadline::now());
        let first = claim().unwrap();
        assert_eq!(claim().unwrap_err().kind(), ErrorKind::Deadlock);
        std::thread::scope(|scope| {
            let kind = || claim().map(drop).unwrap_err().kind();
            assert_eq!(scope.spawn(kind).join().unwrap(), ErrorKind::TimedOut);
        });
        drop(first);
        assert!(claim().is_ok());
    }
}
