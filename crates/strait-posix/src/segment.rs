//! Shared memory: named in `/dev/shm`, anonymous in a memory file, and any plain file.
#![expect(unsafe_code, reason = "promises where the memory is")]

use crate::{
    PosixHandle,
    claim::PosixClaim,
    fork, handle,
    mapping::{Backing, Mapped},
    named_file::{Address, NamedFile},
    seat::PosixSeat,
    sys::{memory, shm},
};
use rustix::{
    fs::{self, FileType, Mode, OFlags},
    io::Errno,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    ptr::NonNull,
};
use strait_core::{
    Deadline, Error, ErrorKind, ForkHooks, Lifetime, Mapping, Name, NewSegment, Result, Segment,
    Transfer,
};
use strait_protocol::Header;

/// Mapped shared memory.
#[derive(Debug)]
pub struct PosixSegment {
    mapped: Mapped,
    source: Source,
}

/// What is behind the memory.
#[derive(Debug)]
enum Source {
    /// A file in `/dev/shm`, and this process' part in its life.
    Named(NamedFile),
    /// A memory file, to be sent to others.
    Anonymous(OwnedFd),
    /// A file of the user's.
    File(OwnedFd),
}

// SAFETY: `Mapped` owns the mapping, never changes it, and unmaps it when it is dropped; the kernel
// maps whole pages. Seats are locks of the kernel's, by descriptors that are closed by exec and in forked
// children, and nowhere else before they are dropped.
unsafe impl Segment for PosixSegment {
    type Seat = PosixSeat;
    type Claim = PosixClaim;

    fn create(name: &Name, new: &NewSegment<'_>) -> Result<Self> {
        const CREATE: &str = "create shared memory";
        let place = Place::new(name, None);
        let mut mapped = None;
        let file = NamedFile::create(
            place.address(CREATE),
            new.access,
            new.lifetime,
            lifetime_of,
            |file| {
                let failed =
                    |error| out_of_space(CREATE, error, new.len, Some(shm::DIRECTORY)).on(name);
                check_available(CREATE, new.len).map_err(|error| error.on(name))?;
                shm::reserve(file, new.len as u64).map_err(failed)?;
                write_at_start(file, new.content).map_err(failed)?;
                mapped = Some(map_named(file, new.len, Mapping::ReadWrite, CREATE)?);
                Ok(())
            },
        )?;
        match mapped {
            Some(mapped) => Ok(Self { mapped, source: Source::Named(file) }),
            None => Err(Error::new(ErrorKind::Os, CREATE, "nothing was mapped").on(name)),
        }
    }

    fn open(name: &Name, owner: Option<u32>, mapping: Mapping) -> Result<Self> {
        const OPEN: &str = "open shared memory";
        let place = Place::new(name, owner);
        let file = NamedFile::open(place.address(OPEN), place.owner, mapping, lifetime_of)?;
        let len = file_len(file.as_fd(), OPEN).map_err(|error| error.on(name))?;
        let mapped = map_named(file.as_fd(), len, mapping, OPEN).map_err(|error| error.on(name))?;
        Ok(Self { mapped, source: Source::Named(file) })
    }

    fn anonymous(len: usize) -> Result<Self> {
        const CREATE: &str = "create anonymous shared memory";
        let failed = |errno| out_of_space(CREATE, errno, len, None);
        check_available(CREATE, len)?;
        let file = shm::memory_file().map_err(failed)?;
        shm::reserve(&file, len as u64).map_err(failed)?;
        shm::seal_size(&file).map_err(failed)?;
        let mapped = Mapped::new(&file, len, Mapping::ReadWrite, shm::ANONYMOUS).map_err(failed)?;
        Ok(Self { mapped, source: Source::Anonymous(file) })
    }

    fn map_file(path: &Path, len: Option<usize>, mapping: Mapping) -> Result<Self> {
        const MAP: &str = "map the file";
        let on = |error: Error| error.on(path.display());
        let (file, made) = open_or_make(path, len.is_some(), mapping)
            .map_err(|errno| on(Error::os(MAP, errno)))?;
        let mut now = file_len_or_zero(file.as_fd(), MAP).map_err(on)?;
        if let Some(len) = len.filter(|&len| len > now && mapping == Mapping::ReadWrite) {
            let directory = path.parent().and_then(Path::to_str);
            let full = |errno| {
                if made {
                    let _ = fs::unlink(path);
                }
                on(out_of_space(MAP, errno, len, directory))
            };
            match shm::reserve(&file, len as u64) {
                // A file system that can't reserve. A full one shows as truncation then.
                Err(Errno::OPNOTSUPP) => fs::ftruncate(&file, len as u64).map_err(full)?,
                result => result.map_err(full)?,
            }
            now = len;
        }
        if now == 0 {
            let error = Error::new(ErrorKind::InvalidInput, MAP, "it is empty");
            return Err(on(error).hint("say how long it is to be"));
        }
        let mapped = Mapped::new(&file, now, mapping, Backing::File)
            .map_err(|errno| on(not_mapped(MAP, errno, now)))?;
        Ok(Self { mapped, source: Source::File(file) })
    }

    fn remove(name: &Name) -> Result<()> {
        NamedFile::remove(Place::new(name, None).address("remove shared memory"))
    }

    fn claim(name: &Name, deadline: Deadline<'_>) -> Result<PosixClaim> {
        PosixClaim::take(Place::new(name, None).address("create shared memory"), deadline)
    }

    fn take_seat(&self, number: u32) -> Result<Option<PosixSeat>> {
        PosixSeat::take(self.file(), number).map_err(|e| Error::os("join shared memory", e))
    }

    fn is_seat_taken(&self, number: u32) -> Result<bool> {
        PosixSeat::is_taken(self.file(), number).map_err(|e| Error::os("look for a process", e))
    }

    fn watch_forks(hooks: ForkHooks) -> Result<()> {
        fork::watch(hooks)
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

    fn is_intact(&self) -> bool {
        self.mapped.is_intact()
    }
}

impl Transfer<PosixHandle> for PosixSegment {
    fn to_handle(&self) -> Result<PosixHandle> {
        match self.descriptor() {
            Some(file) => PosixHandle::duplicate(file),
            None => Err(not_anonymous()),
        }
    }

    fn into_handle(self) -> Result<PosixHandle> {
        match self.source {
            Source::Anonymous(file) => Ok(file.into()),
            Source::Named(_) | Source::File(_) => Err(not_anonymous()),
        }
    }

    fn from_handle(handle: PosixHandle) -> Result<Self> {
        Self::received(handle.into())
    }
}

impl PosixSegment {
    /// The memory file that a peer has sent, if it is one that can't hurt: of a size that stays, for
    /// which the peer has taken the space. Nothing is taken here on its word.
    pub(crate) fn received(file: OwnedFd) -> Result<Self> {
        const RECEIVE: &str = "receive shared memory";
        let refused = |why| Error::new(ErrorKind::PeerCorrupt, RECEIVE, why);
        if !shm::is_sealed_memory(&file) {
            return Err(refused("the peer sent something whose size it could still change"));
        }
        if !shm::is_writable_memory(&file) {
            return Err(refused("the peer sent memory that can't be written to"));
        }
        let len = file_len(file.as_fd(), RECEIVE)?;
        // Touching a hole would take the space that the peer has only spoken of.
        if shm::has_holes(&file).map_err(|errno| Error::os(RECEIVE, errno))? {
            return Err(refused("the peer sent memory for which there is no space"));
        }
        let mapped = Mapped::new(&file, len, Mapping::ReadWrite, Backing::PeerMemory)
            .map_err(|errno| out_of_space(RECEIVE, errno, len, None))?;
        Ok(Self { mapped, source: Source::Anonymous(file) })
    }

    fn file(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Named(file) => file.as_fd(),
            Source::Anonymous(file) | Source::File(file) => file.as_fd(),
        }
    }

    /// What is sent to a peer so that it can share the memory.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.source {
            Source::Anonymous(file) => Some(file.as_fd()),
            Source::Named(_) | Source::File(_) => None,
        }
    }
}

fn not_anonymous() -> Error {
    let why = "only anonymous shared memory can be handed over";
    Error::new(ErrorKind::InvalidInput, handle::HAND_OVER, why)
        .hint("the other process can open what has a name")
}

/// Opens a file; or makes it, where that is asked for and it isn't there, and says so.
fn open_or_make(path: &Path, make: bool, mapping: Mapping) -> rustix::io::Result<(OwnedFd, bool)> {
    // Not blocking, for the case that it is a pipe.
    let always = OFlags::CLOEXEC | OFlags::NONBLOCK;
    if mapping == Mapping::ReadOnly {
        return Ok((fs::open(path, OFlags::RDONLY | always, Mode::empty())?, false));
    }
    match fs::open(path, OFlags::RDWR | always, Mode::empty()) {
        Err(Errno::NOENT) if make => {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | always;
            match fs::open(path, flags, Mode::from_raw_mode(0o666)) {
                // Somebody made it in between.
                Err(Errno::EXIST) => {
                    Ok((fs::open(path, OFlags::RDWR | always, Mode::empty())?, false))
                }
                file => Ok((file?, true)),
            }
        }
        file => Ok((file?, false)),
    }
}

/// Where a name leads to.
struct Place<'a> {
    name: &'a Name,
    owner: u32,
    path: PathBuf,
}

impl<'a> Place<'a> {
    fn new(name: &'a Name, owner: Option<u32>) -> Self {
        let owner = owner.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        // With the longest name it is 218 bytes long, of the 255 that a file name may have.
        let file = format!("strait.{owner}.{}", name.to_file_name());
        Self { name, owner, path: Path::new(shm::DIRECTORY).join(file) }
    }

    fn address(&self, operation: &'static str) -> Address<'_> {
        let (directory, path) = (Path::new(shm::DIRECTORY), self.path.as_path());
        Address { directory, path, operation, name: self.name.as_str() }
    }
}

/// The lifetime, out of the header that the file begins with.
fn lifetime_of(file: BorrowedFd<'_>) -> Result<Lifetime> {
    const OPEN: &str = "open shared memory";
    let mut bytes = [0; Header::LEN];
    // What is shorter than a header isn't one.
    let read = rustix::io::pread(file, &mut bytes[..], 0).map_err(|e| Error::os(OPEN, e))?;
    bytes[read..].fill(0);
    match Header::from_bytes(&bytes, OPEN) {
        Ok(header) => Ok(header.lifetime),
        Err(error) if error.kind() == ErrorKind::Foreign => {
            Err(error.hint("another program has that name: choose another one"))
        }
        Err(error) => Err(error),
    }
}

fn map_named(
    file: BorrowedFd<'_>,
    len: usize,
    mapping: Mapping,
    operation: &'static str,
) -> Result<Mapped> {
    Mapped::new(file, len, mapping, Backing::NamedMemory)
        .map_err(|errno| not_mapped(operation, errno, len))
}

/// The error of memory that can't be mapped, with how much it was.
fn not_mapped(operation: &'static str, errno: Errno, len: usize) -> Error {
    match errno {
        Errno::NOMEM => out_of_space(operation, errno, len, None),
        errno => Error::os(operation, errno),
    }
}

fn write_at_start(file: BorrowedFd<'_>, mut content: &[u8]) -> rustix::io::Result<()> {
    let mut at = 0;
    while !content.is_empty() {
        match rustix::io::pwrite(file, content, at) {
            Ok(written) => {
                content = &content[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn file_len(file: BorrowedFd<'_>, operation: &'static str) -> Result<usize> {
    match file_len_or_zero(file, operation)? {
        0 => Err(Error::new(ErrorKind::PeerCorrupt, operation, "it is empty")),
        len => Ok(len),
    }
}

fn file_len_or_zero(file: BorrowedFd<'_>, operation: &'static str) -> Result<usize> {
    let stat = fs::fstat(file).map_err(|errno| Error::os(operation, errno))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Error::new(ErrorKind::InvalidInput, operation, "it is no plain file"));
    }
    usize::try_from(stat.st_size)
        .map_err(|_| Error::new(ErrorKind::OutOfMemory, operation, "it is larger than memory"))
}

/// Refuses what no process can map and what memory can't hold, before the kernel tries and kills somebody
/// for it.
fn check_available(operation: &'static str, len: usize) -> Result<()> {
    if isize::try_from(len).is_err() {
        let why = format!("it needs {len} bytes, and no process can map as many");
        return Err(Error::new(ErrorKind::OutOfMemory, operation, why));
    }
    // Asking takes longer than making a small one.
    const WORTH_ASKING: usize = 1 << 20;
    if len < WORTH_ASKING {
        return Ok(());
    }
    match memory::available() {
        Some(available) if len as u64 > available => {
            let why = format!("it needs {len} bytes and {available} are available");
            Err(Error::new(ErrorKind::OutOfMemory, operation, why))
        }
        _ => Ok(()),
    }
}

/// The error of space that can't be reserved, with how much there is.
fn out_of_space(
    operation: &'static str,
    errno: Errno,
    len: usize,
    directory: Option<&str>,
) -> Error {
    if !matches!(errno, Errno::NOSPC | Errno::FBIG | Errno::INVAL | Errno::NOMEM | Errno::DQUOT) {
        return Error::os(operation, errno);
    }
    let left = directory.and_then(|directory| {
        let system = fs::statvfs(directory).ok()?;
        Some((directory, system.f_bavail.saturating_mul(system.f_frsize)))
    });
    let error = match left {
        Some((directory, left)) => {
            let why = format!("it needs {len} bytes and {directory} has {left} left");
            Error::new(ErrorKind::OutOfMemory, operation, why)
        }
        None => {
            let why = format!("there is no room for {len} bytes");
            Error::new(ErrorKind::OutOfMemory, operation, why)
        }
    };
    match directory {
        Some(shm::DIRECTORY) => {
            error.hint("remove what is not needed; give a container more --shm-size")
        }
        _ => error,
    }
    .with_source(errno)
}
