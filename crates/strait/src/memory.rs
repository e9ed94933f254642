//! Raw shared memory.

use crate::options::Options;
use std::{
    path::Path,
    ptr::NonNull,
    sync::atomic::{AtomicU32, AtomicU64},
};
use strait_core::{
    Backend, Capability, Error, ErrorKind, Fingerprint, Lifetime, Mapping, Name, Result, Segment,
};
use strait_protocol::{Header, Kind, shared};

/// Shared memory: bytes that several processes have mapped. Dropping it unmaps them.
///
/// It is zeros at first. Nothing here keeps processes from writing at the same time: atomics do,
/// [`atomic_u32`](Self::atomic_u32) and [`atomic_u64`](Self::atomic_u64), and channels that say when
/// the bytes are whole.
///
/// ```
/// use strait::SharedMemory;
///
/// let name = format!("doc/frame-{}", std::process::id());
/// let frame = SharedMemory::create(&name, 1 << 20)?;
/// frame.write(0, b"pixels")?;
///
/// // In any other process of this user:
/// let again = SharedMemory::open(&name)?;
/// let mut pixels = [0; 6];
/// again.read(0, &mut pixels)?;
/// assert_eq!(&pixels, b"pixels");
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Portability
///
/// Space is reserved when it is created: where memory is full, creation fails, and no access does
/// later. A peer that truncates what is behind named memory or a file can't end this process: what
/// is gone reads as zeros, and [`read`](Self::read) and [`write`](Self::write) return
/// `PeerCorrupt` once they have touched a page that is gone; a cut within a page reads as zeros
/// too, and isn't noticed. For that, on POSIX systems a handler for SIGBUS is installed with the first such
/// mapping, which passes on what isn't its own.
#[derive(Debug)]
pub struct SharedMemory<B: Backend> {
    segment: B::Segment,
    name: Option<Name>,
    /// Where the user's bytes begin: after the header, where there is one.
    payload: usize,
}

impl<B: Backend> SharedMemory<B> {
    /// Creates `len` bytes under `name`, which is freed when the value returned here is dropped.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where the name is taken; `OutOfMemory` where the space can't be reserved;
    /// `InvalidInput` for a bad name or a length of zero.
    pub fn create(name: impl AsRef<str>, len: usize) -> Result<Self> {
        Self::options().len(len).create(name)
    }

    /// Opens the memory called `name`, for reading and writing.
    ///
    /// # Errors
    ///
    /// `NotFound`; `PermissionDenied`; `TypeMismatch` where it holds a typed value; `Foreign` and
    /// `VersionMismatch` where it isn't strait's.
    pub fn open(name: impl AsRef<str>) -> Result<Self> {
        Self::options().open(name)
    }

    /// Opens the memory called `name`, or creates `len` bytes. The name is freed when the last
    /// process that has it open drops it.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`create`](Self::create), and `TypeMismatch` where it has
    /// another length.
    pub fn open_or_create(name: impl AsRef<str>, len: usize) -> Result<Self> {
        Self::options().len(len).open_or_create(name)
    }

    /// Creates `len` bytes without a name, which the kernel frees with the last process that has
    /// them. Nobody can change their size.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`; `InvalidInput` for a length of zero.
    pub fn anonymous(len: usize) -> Result<Self> {
        const CREATE: &str = "create anonymous shared memory";
        B::CAPABILITIES.require(Capability::AnonymousSegments, CREATE)?;
        if len == 0 {
            let why = "its length can't be zero";
            return Err(Error::new(ErrorKind::InvalidInput, CREATE, why));
        }
        let header = Header {
            kind: Kind::Memory,
            lifetime: Lifetime::Creator,
            payload_len: len as u64,
            fingerprint: Fingerprint::NONE,
            creator: B::current_process()?,
            name: None,
        };
        let whole = len.checked_add(Header::LEN).ok_or_else(|| {
            let why = format!("{len} bytes are more than memory can have");
            Error::new(ErrorKind::OutOfMemory, CREATE, why)
        })?;
        let segment = B::Segment::anonymous(whole)?;
        shared::write(&segment, 0, &header.to_bytes())?;
        Ok(Self::of_strait(segment, None))
    }

    /// Maps a whole file that exists, for reading and writing: what is written here is written
    /// there. The file is the user's own, with nothing added to it.
    ///
    /// # Errors
    ///
    /// `NotFound`; `PermissionDenied`; `InvalidInput` where it is empty or no plain file.
    pub fn map_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().map_file(path)
    }

    /// Frees `name`, whoever has it. Those who have the memory open keep it.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub fn remove(name: impl AsRef<str>) -> Result<()> {
        B::CAPABILITIES.require(Capability::NamedSegments, "remove shared memory")?;
        B::Segment::remove(&Name::new(name.as_ref())?)
    }

    /// Other ways to create and open.
    pub fn options() -> Options<B> {
        Options::new()
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// The length in bytes; never 0.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.segment.len() - self.payload
    }

    /// How it is mapped.
    pub fn mapping(&self) -> Mapping {
        self.segment.mapping()
    }

    /// Copies bytes out of the memory. Where another process writes them at the same time, what is
    /// read may be a mixture of old and new.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where they don't lie inside; `PeerCorrupt` where a peer has truncated what is
    /// behind the memory.
    pub fn read(&self, offset: usize, buffer: &mut [u8]) -> Result<()> {
        self.check(offset, buffer.len())?;
        shared::read(&self.segment, self.payload + offset, buffer)?;
        self.check_intact()
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where they don't fit inside; `PermissionDenied` where it is mapped for reading
    /// only; `PeerCorrupt` where a peer has truncated what is behind the memory.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        self.check(offset, bytes.len())?;
        shared::write(&self.segment, self.payload + offset, bytes)?;
        self.check_intact()
    }

    /// The 32-bit word at `offset`, a multiple of 4.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where it doesn't lie inside or isn't aligned; `PermissionDenied` where the
    /// memory is mapped for reading only.
    pub fn atomic_u32(&self, offset: usize) -> Result<&AtomicU32> {
        self.check(offset, 4)?;
        shared::atomic_u32(&self.segment, self.payload + offset)
    }

    /// The 64-bit word at `offset`, a multiple of 8.
    ///
    /// # Errors
    ///
    /// Those of [`atomic_u32`](Self::atomic_u32).
    pub fn atomic_u64(&self, offset: usize) -> Result<&AtomicU64> {
        self.check(offset, 8)?;
        shared::atomic_u64(&self.segment, self.payload + offset)
    }

    /// Where the memory begins in this process, aligned to 512 bytes at least. It stays there until
    /// `self` is dropped.
    ///
    /// Whoever makes a reference out of it has to see to it that no other process writes at the
    /// same time, and writes only where [`mapping`](Self::mapping) permits it.
    pub fn as_ptr(&self) -> NonNull<u8> {
        let start = self.segment.start();
        // The payload lies inside, so this is no place that isn't mapped.
        NonNull::new(start.as_ptr().wrapping_add(self.payload)).unwrap_or(start)
    }

    /// Whether all of the memory is still there, as far as it was touched: `false` once a peer is
    /// seen to have truncated what is behind it.
    pub fn is_intact(&self) -> bool {
        self.segment.is_intact()
    }

    pub(crate) fn of_strait(segment: B::Segment, name: Option<Name>) -> Self {
        Self { segment, name, payload: Header::LEN }
    }

    /// What a peer has sent.
    pub(crate) fn of_peer(segment: B::Segment, operation: &'static str) -> Result<Self> {
        let header = shared::read_header(&segment, operation)?;
        let len = header.payload_len;
        header.expect(Kind::Memory, Fingerprint::NONE, len, operation)?;
        if len == 0 {
            return Err(Error::new(ErrorKind::PeerCorrupt, operation, "it is empty"));
        }
        Ok(Self::of_strait(segment, None))
    }

    pub(crate) fn into_segment(self) -> B::Segment {
        self.segment
    }

    pub(crate) fn of_file(segment: B::Segment) -> Self {
        Self { segment, name: None, payload: 0 }
    }

    fn check(&self, offset: usize, len: usize) -> Result<()> {
        if offset.checked_add(len).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let why = format!("{len} bytes at {offset} are outside of its {}", self.len());
        Err(self.failed(ErrorKind::InvalidInput, why))
    }

    fn check_intact(&self) -> Result<()> {
        if self.is_intact() {
            return Ok(());
        }
        Err(self.failed(ErrorKind::PeerCorrupt, "another process has truncated it".to_owned()))
    }

    fn failed(&self, kind: ErrorKind, why: String) -> Error {
        let error = Error::new(kind, "access shared memory", why);
        match &self.name {
            Some(name) => error.on(name),
            None => error,
        }
    }
}
