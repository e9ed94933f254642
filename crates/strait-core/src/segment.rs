//! Mapped shared memory.
#![expect(unsafe_code, reason = "what is above relies on where the memory is")]

use crate::{Deadline, ForkHooks, Name, Result};
use std::{fmt::Debug, path::Path, ptr::NonNull};

/// Shared memory, mapped into this process. Dropping it unmaps.
///
/// The bytes of a new segment are zero but for what its creator wrote before anybody could open it.
///
/// # Portability
///
/// | system | named | anonymous | file |
/// |---|---|---|---|
/// | Linux | an unnamed file in `/dev/shm` that is linked when ready | memfd with seals | `mmap` |
/// | Windows | a file mapping in `Local\` | an unnamed section | a file mapping |
/// | macOS | a file in `/var/tmp` | such a file, unlinked at once | `mmap` |
/// | FreeBSD | a file in `/tmp` | `memfd`, with a sealed size | `mmap` |
///
/// # Safety
///
/// [`start`](Self::start), [`len`](Self::len) and [`mapping`](Self::mapping) return the same each
/// time. As long as the segment lives, wherever it is moved, the `len` bytes from `start` on are
/// mapped, can be read, and with [`Mapping::ReadWrite`] be written; `start` is aligned to a page, and `len`
/// is at most `isize::MAX`, which a process of 32 bits could map more than.
///
/// Of all processes that have the same memory one has a seat at a time, and as long as it lives, runs the
/// same program, and hasn't dropped it, nobody is told that the seat is free; a forked child isn't given
/// its parent's. The hooks of [`watch_forks`](Self::watch_forks) are called.
#[expect(clippy::len_without_is_empty, reason = "a segment is never empty")]
pub unsafe trait Segment: Sized + Send + Sync + Debug + 'static {
    /// A seat that this process has taken. Dropping it gives it back; dropping its copy in a forked child
    /// does nothing.
    type Seat: Send + Sync + Debug + 'static;

    /// The right to create what has a name, which one process has at a time. Dropping it gives it
    /// back, and so does the end of the process.
    type Claim: Debug;

    /// Creates a segment called `name`. Nobody can open it before it is complete.
    ///
    /// A stale one that a killed creator left under the name is reclaimed.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`; `OutOfMemory` where the space can't be reserved.
    fn create(name: &Name, new: &NewSegment<'_>) -> Result<Self>;

    /// Opens the segment called `name`, of the user with the number `owner` (`None`: this one).
    ///
    /// # Errors
    ///
    /// `NotFound`, also where the name is stale; `PermissionDenied`; `Foreign`.
    fn open(name: &Name, owner: Option<u32>, mapping: Mapping) -> Result<Self>;

    /// Creates a segment without a name. No peer can change its size.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` where the space can't be reserved.
    fn anonymous(len: usize) -> Result<Self>;

    /// Maps a whole file, which is first made and extended to `len` bytes where that is given.
    ///
    /// # Errors
    ///
    /// `NotFound`, `PermissionDenied`; `InvalidInput` where the file is empty or no plain file.
    fn map_file(path: &Path, len: Option<usize>, mapping: Mapping) -> Result<Self>;

    /// Frees `name`. Those who have the segment open keep it.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    fn remove(name: &Name) -> Result<()>;

    /// Waits until nobody else is about to create a segment called `name`, and makes others wait for
    /// this process.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `PermissionDenied` where nothing can be created.
    fn claim(name: &Name, deadline: Deadline<'_>) -> Result<Self::Claim>;

    /// Takes the seat with this number, one of [`SEATS`], if nobody has it, in this process or
    /// another. The system frees it when the process ends or runs another program, and only then.
    ///
    /// A seat is known by its number to all who have the segment open, in whichever space of process
    /// numbers they live.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` where the segment is mapped for reading only; `Os`.
    fn take_seat(&self, number: u32) -> Result<Option<Self::Seat>>;

    /// Whether somebody has the seat with this number.
    ///
    /// # Errors
    ///
    /// `Os`, where the system doesn't tell.
    fn is_seat_taken(&self, number: u32) -> Result<bool>;

    /// Has `hooks` called around each fork of this process, for as long as it lives. Does nothing where
    /// there is no fork.
    ///
    /// # Errors
    ///
    /// `OutOfMemory`.
    fn watch_forks(hooks: ForkHooks) -> Result<()>;

    /// Where the memory begins. It is page-aligned, and stays there until the segment is dropped.
    fn start(&self) -> NonNull<u8>;

    /// How many bytes are mapped; never 0, and never more than `isize::MAX`.
    fn len(&self) -> usize;

    /// How it is mapped.
    fn mapping(&self) -> Mapping;

    /// Whether all of the memory is still there. Where a peer has truncated what is behind it, what
    /// was cut off reads as zeros, and this says `false` once somebody has touched it.
    fn is_intact(&self) -> bool;
}

/// How many seats a segment has, numbered from 0: as many processes can have it open and hold locks.
pub const SEATS: u32 = 1024;

/// What [`Segment::create`] makes.
#[derive(Debug, Clone, Copy)]
pub struct NewSegment<'a> {
    /// The length of the whole, in bytes.
    pub len: usize,
    /// What its memory begins with when others can first open it. The backend reads the lifetime
    /// of what it opens out of it.
    pub content: &'a [u8],
    /// Who may open it.
    pub access: Access,
    /// How long its name lives.
    pub lifetime: Lifetime,
}

/// Who may open a thing. Wider access than the creator's has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Access {
    /// The creating user.
    #[default]
    Private,
    /// The creating user and the members of their group.
    Group,
    /// Every user of this computer.
    Everyone,
}

/// How long the name of shared memory lives. The memory itself lives as long as anybody maps it.
///
/// Whichever it is, a name whose holders were killed is recognised as stale, and reclaimed by the
/// next `create` or `open`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Lifetime {
    /// Until the creator drops it or dies.
    #[default]
    Creator,
    /// Until the last process that has it open drops it or dies.
    LastDetach,
    /// Until it is removed or the computer restarts; on Windows it survives that.
    Persistent,
}

/// How memory is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mapping {
    /// For reading and writing.
    #[default]
    ReadWrite,
    /// For reading only.
    ReadOnly,
}
