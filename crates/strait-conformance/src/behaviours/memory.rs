//! Bytes in shared memory: named, anonymous, and of files.

use super::kind_of;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours,
    fixtures::impossible_lengths, unique,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};
use strait::{ErrorKind, Mapping, generic::SharedMemory};

behaviours! {
    memory;
    what_one_process_writes_another_reads needs [NamedSegments],
    atomics_count_exactly_across_processes needs [NamedSegments],
    what_lies_outside_is_an_error needs [AnonymousSegments],
    what_is_not_aligned_is_an_error needs [AnonymousSegments],
    anonymous_memory_is_zero_and_has_its_exact_length needs [AnonymousSegments],
    anonymous_memory_of_impossible_length_is_an_error needs [AnonymousSegments, Reservation],
    a_read_only_mapping_reads_and_refuses_to_write needs [NamedSegments, ReadOnlyMappings],
    a_mapped_file_is_the_file needs [FileSegments],
    a_mapped_file_is_made_and_extended_where_asked needs [FileSegments],
    a_file_that_can_not_be_mapped_is_an_error needs [FileSegments],
    a_read_only_file_is_not_written needs [FileSegments, ReadOnlyMappings],
    a_peer_that_truncates_a_mapped_file_can_not_crash_us needs [FileSegments, TruncationGuard],
    what_was_truncated_can_be_touched_anywhere needs [FileSegments, TruncationGuard],
    what_can_not_be_created_as_asked_is_refused needs [NamedSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![answer::<B>, count::<B>, truncate_when_told]
}

fn what_one_process_writes_another_reads<B: Backend>() -> Verdict {
    let name = unique("bytes");
    let memory = SharedMemory::<B>::create(&name, 100_000)?;
    let bytes: Vec<u8> = (0..99_999_u32).map(|i| (i * 31 % 251) as u8).collect();
    memory.write(1, &bytes)?;
    let mut peer = Peer::with_args(answer::<B>, [&name])?;
    peer.expect("answered")?;
    peer.finish()?;
    let mut reversed = vec![0; bytes.len()];
    memory.read(1, &mut reversed)?;
    reversed.reverse();
    assert!(reversed == bytes);
    Ok(())
}

fn answer<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = SharedMemory::<B>::open(stage.arg(0))?;
    let mut bytes = vec![0; memory.len() - 1];
    memory.read(1, &mut bytes)?;
    bytes.reverse();
    memory.write(1, &bytes)?;
    stage.say("answered");
    Ok(())
}

fn atomics_count_exactly_across_processes<B: Backend>() -> Verdict {
    let name = unique("count");
    let memory = SharedMemory::<B>::create(&name, 64)?;
    let mut peers =
        (0..4).map(|_| Peer::with_args(count::<B>, [&name])).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("counted")?;
    }
    assert_eq!(memory.atomic_u32(4)?.load(Ordering::SeqCst), 4 * 100_000);
    assert_eq!(memory.atomic_u64(8)?.load(Ordering::SeqCst), 4 * 100_000);
    Ok(())
}

fn count<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = SharedMemory::<B>::open(stage.arg(0))?;
    let (small, large) = (memory.atomic_u32(4)?, memory.atomic_u64(8)?);
    for _ in 0..100_000 {
        small.fetch_add(1, Ordering::Relaxed);
        large.fetch_add(1, Ordering::Relaxed);
    }
    stage.say("counted");
    Ok(())
}

fn what_lies_outside_is_an_error<B: Backend>() -> Verdict {
    let memory = SharedMemory::<B>::anonymous(100)?;
    let mut two = [0; 2];
    for offset in [99, 100, 101, usize::MAX - 1, usize::MAX] {
        assert_eq!(kind_of(memory.read(offset, &mut two)), ErrorKind::InvalidInput);
        assert_eq!(kind_of(memory.write(offset, &two)), ErrorKind::InvalidInput);
    }
    for offset in [97, 100, usize::MAX - 3] {
        assert_eq!(kind_of(memory.atomic_u32(offset)), ErrorKind::InvalidInput);
    }
    memory.read(98, &mut two)?;
    memory.read(100, &mut [])?;
    Ok(())
}

fn what_is_not_aligned_is_an_error<B: Backend>() -> Verdict {
    let memory = SharedMemory::<B>::anonymous(64)?;
    assert_eq!(kind_of(memory.atomic_u32(2)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(memory.atomic_u64(4)), ErrorKind::InvalidInput);
    memory.atomic_u32(4)?;
    memory.atomic_u64(8)?;
    Ok(())
}

fn anonymous_memory_is_zero_and_has_its_exact_length<B: Backend>() -> Verdict {
    for len in [1, 7, 4096, 4097, 1 << 20] {
        let memory = SharedMemory::<B>::anonymous(len)?;
        assert_eq!((memory.len(), memory.mapping()), (len, Mapping::ReadWrite));
        assert!(memory.name().is_none());
        let mut bytes = vec![1; len];
        memory.read(0, &mut bytes)?;
        assert!(bytes.iter().all(|&byte| byte == 0));
    }
    Ok(())
}

fn anonymous_memory_of_impossible_length_is_an_error<B: Backend>() -> Verdict {
    assert_eq!(kind_of(SharedMemory::<B>::anonymous(0)), ErrorKind::InvalidInput);
    for len in impossible_lengths() {
        assert_eq!(kind_of(SharedMemory::<B>::anonymous(len)), ErrorKind::OutOfMemory);
    }
    Ok(())
}

fn a_read_only_mapping_reads_and_refuses_to_write<B: Backend>() -> Verdict {
    let name = unique("read-only");
    let writer = SharedMemory::<B>::create(&name, 64)?;
    let reader = SharedMemory::<B>::options().read_only().open(&name)?;
    writer.write(3, b"seen")?;
    let mut seen = [0; 4];
    reader.read(3, &mut seen)?;
    assert_eq!(&seen, b"seen");
    assert_eq!(reader.mapping(), Mapping::ReadOnly);
    assert_eq!(kind_of(reader.write(3, b"oops")), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(reader.atomic_u32(0)), ErrorKind::PermissionDenied);
    assert_eq!(kind_of(reader.atomic_u64(0)), ErrorKind::PermissionDenied);
    Ok(())
}

fn a_mapped_file_is_the_file<B: Backend>() -> Verdict {
    let file = File::new("is", b"before")?;
    let memory = SharedMemory::<B>::map_file(&file)?;
    let mut bytes = [0; 6];
    memory.read(0, &mut bytes)?;
    assert_eq!((&bytes, memory.len()), (b"before", 6));
    memory.write(0, b"after!")?;
    assert_eq!(fs::read(&file)?, b"after!");
    drop(memory);
    assert_eq!(fs::read(&file)?, b"after!");
    Ok(())
}

fn a_mapped_file_is_made_and_extended_where_asked<B: Backend>() -> Verdict {
    let file = File::new("extended", b"begin")?;
    let options = SharedMemory::<B>::options().len(10_000);
    let memory = options.map_file(&file)?;
    memory.write(9_999, b"!")?;
    let bytes = fs::read(&file)?;
    assert_eq!((bytes.len(), &bytes[..6], bytes[9_999]), (10_000, &b"begin\0"[..], b'!'));
    drop(memory);
    fs::remove_file(&file)?;
    assert_eq!(options.map_file(&file)?.len(), 10_000);
    assert_eq!(fs::metadata(&file)?.len(), 10_000);
    Ok(())
}

fn a_file_that_can_not_be_mapped_is_an_error<B: Backend>() -> Verdict {
    let file = File::new("empty", b"")?;
    assert_eq!(kind_of(SharedMemory::<B>::map_file(&file)), ErrorKind::InvalidInput);
    let zero = SharedMemory::<B>::options().len(0).map_file(&file);
    assert_eq!(kind_of(zero), ErrorKind::InvalidInput);
    fs::remove_file(&file)?;
    assert_eq!(kind_of(SharedMemory::<B>::map_file(&file)), ErrorKind::NotFound);
    assert!(SharedMemory::<B>::map_file(env::temp_dir()).is_err());
    Ok(())
}

fn a_read_only_file_is_not_written<B: Backend>() -> Verdict {
    let file = File::new("frozen", b"frozen")?;
    let mut permissions = fs::metadata(&file)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions)?;
    let memory = SharedMemory::<B>::options().read_only().map_file(&file)?;
    assert_eq!(kind_of(memory.write(0, b"x")), ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&file)?, b"frozen");
    Ok(())
}

fn a_peer_that_truncates_a_mapped_file_can_not_crash_us<B: Backend>() -> Verdict {
    let file = File::new("truncated", &[7; 1 << 20])?;
    let memory = SharedMemory::<B>::map_file(&file)?;
    let untouched = File::new("untouched", &[8; 1 << 16])?;
    let other = SharedMemory::<B>::map_file(&untouched)?;
    let mut peer = Peer::with_args(truncate_when_told, [file.as_ref().display()])?;
    let said = peer.hear()?;
    peer.finish()?;
    let mut bytes = vec![1; 1 << 20];
    if said == "refused" {
        // This system doesn't let go of what is mapped.
        memory.read(0, &mut bytes)?;
        assert!(memory.is_intact() && bytes.iter().all(|&byte| byte == 7));
        return Ok(());
    }
    assert_eq!(said, "truncated");
    assert_eq!(kind_of(memory.read(0, &mut bytes)), ErrorKind::PeerCorrupt);
    assert!(bytes[1 << 16..].iter().all(|&byte| byte == 0));
    assert_eq!(kind_of(memory.write(1 << 19, &[1; 4096])), ErrorKind::PeerCorrupt);
    assert!(!memory.is_intact());
    // Nothing else has suffered.
    other.read(0, &mut bytes[..1 << 16])?;
    assert!(other.is_intact() && bytes[..1 << 16].iter().all(|&byte| byte == 8));
    Ok(())
}

fn what_was_truncated_can_be_touched_anywhere<B: Backend>() -> Verdict {
    // Far more pages than a process may have mappings.
    const LEN: usize = 1 << 30;
    const STRIDE: usize = 8192;
    let file = File::new("far", b"")?;
    // Not reserved: it takes no space, here or in memory.
    fs::OpenOptions::new().write(true).open(&file)?.set_len(LEN as u64)?;
    let memory = SharedMemory::<B>::map_file(&file)?;
    if !truncate(&file, 0)? {
        assert!(memory.is_intact());
        assert_eq!(memory.atomic_u64(LEN - 8)?.load(Ordering::Relaxed), 0);
        return Ok(());
    }
    for offset in (0..LEN).step_by(STRIDE) {
        assert_eq!(memory.atomic_u64(offset)?.load(Ordering::Relaxed), 0);
    }
    assert!(!memory.is_intact());
    Ok(())
}

fn what_can_not_be_created_as_asked_is_refused<B: Backend>() -> Verdict {
    let name = unique("as-asked");
    let options = SharedMemory::<B>::options().len(64);
    assert_eq!(kind_of(options.clone().read_only().create(&name)), ErrorKind::InvalidInput);
    let others = options.owner(12_345);
    assert_eq!(kind_of(others.create(&name)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(others.open_or_create(&name)), ErrorKind::InvalidInput);
    let value = others.open_or_create_shared(&name, || 1_u64);
    assert_eq!(value.err().map(|error| error.kind()), Some(ErrorKind::InvalidInput));
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn truncate_when_told(stage: &mut Stage) -> Verdict {
    let truncated = truncate(stage.arg(0), 100)?;
    stage.say(if truncated { "truncated" } else { "refused" });
    Ok(())
}

/// Cuts a file off; `false` where the system refuses that of one that is mapped.
fn truncate(path: impl AsRef<Path>, len: u64) -> Result<bool, Failure> {
    // ERROR_USER_MAPPED_FILE of winerror.h; Linux has no such number.
    const IS_MAPPED: i32 = 1224;
    match fs::OpenOptions::new().write(true).open(path)?.set_len(len) {
        Err(error) if error.raw_os_error() == Some(IS_MAPPED) => Ok(false),
        done => Ok(done.map(|()| true)?),
    }
}

/// A file that is removed in the end.
struct File(PathBuf);

impl File {
    fn new(label: &str, content: &[u8]) -> Result<Self, Failure> {
        let path = env::temp_dir().join(unique(label).replace('/', "-"));
        fs::write(&path, content)?;
        Ok(Self(path))
    }
}

impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
