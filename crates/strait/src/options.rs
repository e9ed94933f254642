//! How shared memory is created or opened.

use crate::{first, generic::Shared, memory::SharedMemory};
use std::{cell::LazyCell, marker::PhantomData, path::Path, time::Duration};
use strait_core::{
    Access, Backend, Capability, Deadline, Error, ErrorKind, Fingerprint, Lifetime, Mapping, Name,
    NewSegment, Result, Segment,
};
use strait_protocol::{
    Header, Kind, Shareable,
    shared::{self, Value},
};

/// How shared memory is created or opened, where that differs from the usual.
///
/// ```
/// use strait::{Access, Lifetime, SharedMemory};
///
/// let name = format!("doc/log-{}", std::process::id());
/// let log = SharedMemory::options()
///     .len(4096)
///     .access(Access::Group)
///     .lifetime(Lifetime::Persistent)
///     .create(&name)?;
/// # SharedMemory::remove(&name)?;
/// # Ok::<(), strait::Error>(())
/// ```
#[derive(Debug)]
pub struct Options<B> {
    len: Option<usize>,
    access: Access,
    lifetime: Option<Lifetime>,
    mapping: Mapping,
    owner: Option<u32>,
    timeout: Option<Duration>,
    backend: PhantomData<B>,
}

impl<B: Backend> Options<B> {
    /// The usual: private, for reading and writing.
    pub const fn new() -> Self {
        Self {
            len: None,
            access: Access::Private,
            lifetime: None,
            mapping: Mapping::ReadWrite,
            owner: None,
            timeout: None,
            backend: PhantomData,
        }
    }

    /// How many bytes to create. A file that is mapped is extended to as many.
    #[must_use]
    pub const fn len(mut self, bytes: usize) -> Self {
        self.len = Some(bytes);
        self
    }

    /// Who may open what is created. Usually only this user.
    #[must_use]
    pub const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// How long the name of what is created lives.
    ///
    /// Usually until its creator drops it, [`Lifetime::Creator`]; with `open_or_create`, where any
    /// process may be the first, until the last one drops it, [`Lifetime::LastDetach`].
    #[must_use]
    pub const fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Maps what is opened for reading only.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.mapping = Mapping::ReadOnly;
        self
    }

    /// Opens what belongs to the user with this number, who must have given access to it.
    ///
    /// That user is trusted not to be hostile about it: names of other users are opened only where
    /// that is said.
    #[must_use]
    pub const fn owner(mut self, user: u32) -> Self {
        self.owner = Some(user);
        self
    }

    /// How long [`open_or_create_shared`](Self::open_or_create_shared) waits for another process that is
    /// about to create the value. Usually for ever: if that process dies the wait ends.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Creates shared memory of the [length](Self::len) given.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where the name is taken; `OutOfMemory` where the space can't be reserved;
    /// `InvalidInput` for a bad name or no length.
    pub fn create(&self, name: impl AsRef<str>) -> Result<SharedMemory<B>> {
        let name = Name::new(name.as_ref())?;
        let len = self.wanted_len(CREATE)?;
        self.create_named(&name, len, Lifetime::Creator)
    }

    /// Opens shared memory.
    ///
    /// # Errors
    ///
    /// `NotFound`; `PermissionDenied`; `TypeMismatch` where a length was given and it has another,
    /// or it holds a typed value; `Foreign` and `VersionMismatch` where it isn't strait's.
    pub fn open(&self, name: impl AsRef<str>) -> Result<SharedMemory<B>> {
        self.open_named(&Name::new(name.as_ref())?)
    }

    /// Opens shared memory, or creates it where there is none.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(&self, name: impl AsRef<str>) -> Result<SharedMemory<B>> {
        let name = Name::new(name.as_ref())?;
        self.refuse_owner(&name)?;
        let len = self.wanted_len(CREATE)?;
        first::open_or_create(
            &name,
            || self.open_named(&name),
            || self.create_named(&name, len, Lifetime::LastDetach),
        )
    }

    /// Maps a whole file. Where a [length](Self::len) is given it is made if it isn't there, and
    /// extended.
    ///
    /// # Errors
    ///
    /// `NotFound`, `PermissionDenied`; `InvalidInput` where it is empty or no plain file;
    /// `OutOfMemory` where it can't be extended.
    pub fn map_file(&self, path: impl AsRef<Path>) -> Result<SharedMemory<B>> {
        const MAP: &str = "map the file";
        B::CAPABILITIES.require(Capability::FileSegments, MAP)?;
        self.require_mapping(MAP)?;
        let path = path.as_ref();
        if self.len == Some(0) {
            let error = Error::new(ErrorKind::InvalidInput, MAP, "its length can't be zero");
            return Err(error.on(path.display()));
        }
        Ok(SharedMemory::of_file(B::Segment::map_file(path, self.len, self.mapping)?))
    }

    /// Creates a shared value.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    pub fn create_shared<T: Shareable>(
        &self,
        name: impl AsRef<str>,
        mut value: T,
    ) -> Result<Shared<T, B>> {
        let content = Value::<T, B::Segment>::bytes_of(&mut value);
        self.create_value(&Name::new(name.as_ref())?, &content, Lifetime::Creator)
    }

    /// Opens a shared value.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and `TypeMismatch` where it is a value of another type.
    pub fn open_shared<T: Shareable>(&self, name: impl AsRef<str>) -> Result<Shared<T, B>> {
        self.open_value(&Name::new(name.as_ref())?)
    }

    /// Opens a shared value, or creates it where there is none. Of several processes that come first at
    /// the same time one runs `init`, and the others wait for it, for as long as
    /// [`timeout`](Self::timeout) says; where it dies or panics, the next one does.
    ///
    /// # Errors
    ///
    /// Those of [`open_shared`](Self::open_shared) and [`create_shared`](Self::create_shared);
    /// `TimedOut`; `Deadlock` where `init` comes here again itself.
    pub fn open_or_create_shared<T: Shareable>(
        &self,
        name: impl AsRef<str>,
        init: impl FnOnce() -> T,
    ) -> Result<Shared<T, B>> {
        let deadline = self.timeout.map_or(Deadline::NEVER, Deadline::after);
        self.open_or_create_shared_deadline(name, deadline, init)
    }

    /// The same, but waits for others only until the deadline, whatever [`timeout`](Self::timeout) says.
    ///
    /// # Errors
    ///
    /// Those of [`open_or_create_shared`](Self::open_or_create_shared), and `Cancelled`.
    pub fn open_or_create_shared_deadline<'d, T: Shareable>(
        &self,
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
        init: impl FnOnce() -> T,
    ) -> Result<Shared<T, B>> {
        let name = Name::new(name.as_ref())?;
        self.refuse_owner(&name)?;
        let deadline = deadline.into().check(OPEN).map_err(|error| error.on(&name))?;
        // It may have to be tried again, with the same value, where somebody created it otherwise.
        let content = LazyCell::new(|| Value::<T, B::Segment>::bytes_of(&mut init()));
        first::open_or_create_alone::<B, _>(
            &name,
            deadline,
            || self.open_value(&name),
            || self.create_value(&name, &content, Lifetime::LastDetach),
        )
    }

    fn create_named(&self, name: &Name, len: usize, usual: Lifetime) -> Result<SharedMemory<B>> {
        let segment =
            self.create_segment(name, Kind::Memory, Fingerprint::NONE, &[], len, usual)?;
        Ok(SharedMemory::of_strait(segment, Some(name.clone())))
    }

    fn create_value<T: Shareable>(
        &self,
        name: &Name,
        content: &[u8],
        usual: Lifetime,
    ) -> Result<Shared<T, B>> {
        require_seats::<T, B>(CREATE)?;
        let (kind, len) = (Kind::Value, Value::<T, B::Segment>::PAYLOAD_LEN);
        let segment = self.create_segment(name, kind, T::FINGERPRINT, content, len, usual)?;
        let value = Value::open::<B>(segment, CREATE).map_err(|error| error.on(name))?;
        Ok(Shared::new(value, name.clone()))
    }

    fn create_segment(
        &self,
        name: &Name,
        kind: Kind,
        fingerprint: Fingerprint,
        content: &[u8],
        len: usize,
        usual: Lifetime,
    ) -> Result<B::Segment> {
        B::CAPABILITIES.require(Capability::NamedSegments, CREATE)?;
        if self.access != Access::Private {
            B::CAPABILITIES.require(Capability::SharedAccess, CREATE)?;
        }
        if self.mapping == Mapping::ReadOnly {
            let why = "what is created can't be mapped for reading only";
            return Err(Error::new(ErrorKind::InvalidInput, CREATE, why).on(name));
        }
        self.refuse_owner(name)?;
        let lifetime = self.lifetime.unwrap_or(usual);
        let header = Header {
            kind,
            lifetime,
            payload_len: len as u64,
            fingerprint,
            creator: B::current_process()?,
            name: Some(name.clone()),
        };
        let content = [&header.to_bytes(), content].concat();
        let len = len.checked_add(Header::LEN).ok_or_else(|| {
            let why = format!("{len} bytes are more than memory can have");
            Error::new(ErrorKind::OutOfMemory, CREATE, why).on(name)
        })?;
        let new = NewSegment { len, content: &content, access: self.access, lifetime };
        B::Segment::create(name, &new)
    }

    fn open_named(&self, name: &Name) -> Result<SharedMemory<B>> {
        let on = |error: Error| error.on(name);
        let segment = self.open_segment(name)?;
        let header = shared::read_header(&segment, OPEN).map_err(on)?;
        let len = self.len.map_or(header.payload_len, |len| len as u64);
        header.expect(Kind::Memory, Fingerprint::NONE, len, OPEN).map_err(on)?;
        check_name(&header, name)?;
        Ok(SharedMemory::of_strait(segment, Some(name.clone())))
    }

    fn open_value<T: Shareable>(&self, name: &Name) -> Result<Shared<T, B>> {
        require_seats::<T, B>(OPEN)?;
        let segment = self.open_segment(name)?;
        check_name(&shared::read_header(&segment, OPEN).map_err(|error| error.on(name))?, name)?;
        let value = Value::open::<B>(segment, OPEN).map_err(|error| error.on(name))?;
        Ok(Shared::new(value, name.clone()))
    }

    fn open_segment(&self, name: &Name) -> Result<B::Segment> {
        B::CAPABILITIES.require(Capability::NamedSegments, OPEN)?;
        self.require_mapping(OPEN)?;
        B::Segment::open(name, self.owner, self.mapping)
    }

    fn refuse_owner(&self, name: &Name) -> Result<()> {
        if self.owner.is_none() {
            return Ok(());
        }
        let why = "nothing can be created for another user";
        Err(Error::new(ErrorKind::InvalidInput, CREATE, why).on(name).hint("open it"))
    }

    fn require_mapping(&self, operation: &'static str) -> Result<()> {
        match self.mapping {
            Mapping::ReadWrite => Ok(()),
            Mapping::ReadOnly => B::CAPABILITIES.require(Capability::ReadOnlyMappings, operation),
        }
    }

    fn wanted_len(&self, operation: &'static str) -> Result<usize> {
        match self.len {
            Some(0) => {
                let why = "its length can't be zero";
                Err(Error::new(ErrorKind::InvalidInput, operation, why))
            }
            Some(len) => Ok(len),
            None => {
                let why = "no length was given";
                Err(Error::new(ErrorKind::InvalidInput, operation, why).hint("say `.len(bytes)`"))
            }
        }
    }
}

impl<B: Backend> Default for Options<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Clone for Options<B> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

const CREATE: &str = "create shared memory";
const OPEN: &str = "open shared memory";

/// A value with locks needs to know their owners.
fn require_seats<T: Shareable, B: Backend>(operation: &'static str) -> Result<()> {
    if T::SEATED { B::CAPABILITIES.require(Capability::Seats, operation) } else { Ok(()) }
}

/// Where a backend had to hash the name, another name may have the same hash.
fn check_name(header: &Header, name: &Name) -> Result<()> {
    match &header.name {
        Some(real) if real == name => Ok(()),
        real => {
            let real = real.as_ref().map_or("nothing", Name::as_str);
            let why = format!("what is there is called {real:?}");
            Err(Error::new(ErrorKind::Foreign, OPEN, why).on(name))
        }
    }
}
