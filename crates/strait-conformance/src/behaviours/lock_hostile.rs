//! Locks in memory into which a peer writes what it likes.

use super::{
    condvar::{Gate, wait_as_told},
    locking::{PATIENCE, Random, begin_to_wait, keep, kill, lock_kind, order},
    mutex::{SharedMutex, lock_as_told},
    rwlock::SharedRwLock,
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::time::{Duration, Instant};
use strait::{
    ErrorKind, Mapping, Name, Shareable,
    backend::Segment,
    generic::{Mutex, RwLock, Shared},
    sync::LockResult,
};
use strait_protocol::{Header, shared};

behaviours! {
    lock_hostile;
    whatever_a_peer_writes_into_a_mutex_locking_ends needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_an_rwlock_locking_ends needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_condition_waiting_ends
        needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_the_seats_locking_ends needs [NamedSegments, WaitAddress, Seats],
    a_peer_that_scribbles_without_end_hangs_nobody needs [NamedSegments, WaitAddress, Seats],
    a_lock_that_a_peer_says_is_ones_own_is_a_deadlock needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![scribble_without_end::<B>]
}

/// Memory, and the bytes in it that a peer overwrites.
struct Scribbled<B: Backend> {
    memory: B::Segment,
    len: usize,
}

impl<B: Backend> Scribbled<B> {
    /// The first `len` bytes of what lies behind the name.
    fn new(name: &Name, len: usize) -> Result<Self, Failure> {
        Ok(Self { memory: B::Segment::open(name, None, Mapping::ReadWrite)?, len })
    }

    /// All that is behind the header.
    fn all(name: &Name) -> Result<Self, Failure> {
        let memory = B::Segment::open(name, None, Mapping::ReadWrite)?;
        let len = memory.len() - Header::LEN;
        Ok(Self { memory, len })
    }

    fn write(&self, offset: usize, bytes: &[u8]) -> Verdict {
        let fitting = bytes.len().min(self.len - offset);
        Ok(shared::write(&self.memory, Header::LEN + offset, &bytes[..fitting])?)
    }

    fn fill(&self, word: u64) -> Verdict {
        self.write(0, &word.to_ne_bytes().repeat(self.len / 8))
    }

    /// Each word by itself, all words, and each byte, become whatever a peer thinks of; `check` follows
    /// each time, and then the memory is made as it was.
    fn with_all(&self, mut check: impl FnMut() -> Verdict) -> Verdict {
        let mut before = vec![0; self.len];
        shared::read(&self.memory, Header::LEN, &mut before)?;
        let mut then = |written: Verdict| {
            written?;
            check()?;
            self.write(0, &before)
        };
        for word in words() {
            then(self.fill(word))?;
            // The last ones stand for all that are alike.
            for offset in (0..self.len.min(24)).step_by(8).chain([self.len - 8]) {
                then(self.write(offset, &word.to_ne_bytes()))?;
            }
        }
        for offset in 0..self.len.min(24) {
            for byte in [1, 0x80, 0xff] {
                then(self.write(offset, &[byte]))?;
            }
        }
        Ok(())
    }
}

/// Flags alone; owners that were, that are to come, that can't be; and anything.
fn words() -> Vec<u64> {
    let mut random = Random(17);
    let mut words = vec![0, u64::MAX, 1, 2, 3, 4, 5, 0x80, 0xff, 1 << 8, 0xfff << 8];
    words.extend([1, 2, 0x400, 0x401, 0xfff].map(|seat| seat << 52 | 1 << 28 | 1 << 8));
    words.extend((0..8).map(|_| random.next()));
    words.extend((0..8).map(|_| random.next() & !7));
    words
}

/// Locking ended; and not by a failure of the system.
fn assert_ended<G>(result: LockResult<G>) {
    if let Err(error) = result {
        let kinds = [
            ErrorKind::OwnerDied,
            ErrorKind::NotRecoverable,
            ErrorKind::Deadlock,
            ErrorKind::WouldBlock,
            ErrorKind::TimedOut,
        ];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
}

/// As short as a wait may be that is one.
const SHORTLY: Duration = Duration::from_micros(200);

fn whatever_a_peer_writes_into_a_mutex_locking_ends<B: Backend>() -> Verdict {
    let mutex = SharedMutex::<B>::create(unique("mutex"), Mutex::new(7))?;
    let scribbled = Scribbled::<B>::new(mutex.name(), 16)?;
    // Each for itself, as the first repairs some things.
    let ways: [fn(&Mutex<u64, B>); 2] =
        [|mutex| assert_ended(mutex.try_lock()), |mutex| assert_ended(mutex.lock_timeout(SHORTLY))];
    for lock in ways {
        scribbled.with_all(|| {
            lock(&mutex);
            lock(&mutex);
            Ok(())
        })?;
    }
    assert_eq!(*mutex.lock()?, 7);
    // While it is held.
    for (word, lock) in words().into_iter().flat_map(|word| ways.map(|lock| (word, lock))) {
        let held = mutex.lock()?;
        scribbled.fill(word)?;
        lock(&mutex);
        drop(held);
        lock(&mutex);
        scribbled.fill(0)?;
    }
    assert_eq!(*mutex.lock()?, 7);
    Ok(())
}

fn whatever_a_peer_writes_into_an_rwlock_locking_ends<B: Backend>() -> Verdict {
    let lock = SharedRwLock::<B>::create(unique("rwlock"), RwLock::new(7))?;
    let scribbled = Scribbled::<B>::new(lock.name(), size_of::<RwLock<u64, B>>() - 8)?;
    let ways: [fn(&RwLock<u64, B>); 4] = [
        |lock| assert_ended(lock.try_read()),
        |lock| assert_ended(lock.try_write()),
        |lock| assert_ended(lock.read_timeout(SHORTLY)),
        |lock| assert_ended(lock.write_timeout(SHORTLY)),
    ];
    for way in ways {
        scribbled.with_all(|| {
            way(&lock);
            way(&lock);
            Ok(())
        })?;
    }
    assert_eq!(*lock.write()?, 7);
    for (word, way) in words().into_iter().flat_map(|word| ways.map(|way| (word, way))) {
        let held = (lock.read()?, lock.read()?);
        scribbled.fill(word)?;
        way(&lock);
        drop(held);
        scribbled.fill(0)?;
        let held = lock.write()?;
        scribbled.fill(word)?;
        way(&lock);
        drop(held);
        way(&lock);
        scribbled.fill(0)?;
    }
    assert_eq!(*lock.write()?, 7);
    Ok(())
}

fn whatever_a_peer_writes_into_a_condition_waiting_ends<B: Backend>() -> Verdict {
    let name = unique("condition");
    let gate = Gate::<B>::create(&name)?;
    let scribbled = Scribbled::<B>::new(gate.changed.name(), 8)?;
    let mut peer = Peer::with_args(wait_as_told::<B>, [&name])?;
    let mut value = 0;
    scribbled.with_all(|| {
        let waited = gate.changed[0].wait_timeout(gate.lock()?, SHORTLY)?;
        drop(waited);
        gate.changed[0].notify_one();
        gate.changed[0].notify_all();
        Ok(())
    })?;
    // While somebody waits, who finds out anyway.
    for word in words() {
        begin_to_wait(&mut peer, "wait")?;
        scribbled.fill(word)?;
        value += 1;
        gate.lock()?[0] = value;
        gate.changed[0].notify_all();
        peer.expect(&value.to_string())?;
    }
    Ok(())
}

fn whatever_a_peer_writes_into_the_seats_locking_ends<B: Backend>() -> Verdict {
    for word in words() {
        let name = unique("seats");
        let mutex = SharedMutex::<B>::create(&name, Mutex::new(7))?;
        let mut peer = Peer::with_args(lock_as_told::<B>, [&name])?;
        order(&mut peer, "lock", "Locked")?;
        let scribbled = Scribbled::<B>::all(mutex.name())?;
        let seats = size_of::<Mutex<u64, B>>();
        scribbled.write(seats, &word.to_ne_bytes().repeat(scribbled.len / 8))?;
        assert_ended(mutex.try_lock());
        assert_ended(mutex.lock_timeout(SHORTLY));
        // One more can take a seat, and lock.
        let again = SharedMutex::<B>::open(&name)?;
        assert_ended(again.lock_timeout(SHORTLY));
        order(&mut peer, "release", "done")?;
        scribbled.write(0, &[0; 16])?;
        assert_eq!(*again.lock()?, 7);
        order(&mut peer, "lock", "Locked")?;
        kill(&mut peer)?;
        assert_ended(mutex.lock_timeout(SHORTLY));
    }
    Ok(())
}

fn a_peer_that_scribbles_without_end_hangs_nobody<B: Backend>() -> Verdict {
    let mutex = SharedMutex::<B>::create(unique("without-end"), Mutex::new(7))?;
    against_scribbling::<B, _>(&mutex, |mutex| {
        assert_ended(mutex.try_lock());
        assert_ended(mutex.lock_timeout(SHORTLY));
    })?;
    assert_ended(mutex.lock_timeout(SHORTLY));
    let lock = SharedRwLock::<B>::create(unique("without-end"), RwLock::new(7))?;
    against_scribbling::<B, _>(&lock, |lock| {
        assert_ended(lock.try_read());
        assert_ended(lock.try_write());
        assert_ended(lock.read_timeout(SHORTLY));
        assert_ended(lock.write_timeout(SHORTLY));
    })
}

/// Uses a value while a peer writes anything anywhere; also when it was opened only then.
fn against_scribbling<B: Backend, T: Shareable>(value: &Shared<T, B>, act: impl Fn(&T)) -> Verdict {
    let name = value.name().as_str();
    let mut peer = Peer::with_args(scribble_without_end::<B>, [name])?;
    peer.expect("scribbling")?;
    let begin = Instant::now();
    for _ in 0..150 {
        act(value);
        act(&*Shared::<T, B>::open(name)?);
    }
    assert!(begin.elapsed() < PATIENCE);
    kill(&mut peer)?;
    // What is left hangs nobody either, and can be made new.
    act(value);
    let scribbled = Scribbled::<B>::all(value.name())?;
    scribbled.fill(0)?;
    act(&*Shared::<T, B>::open(name)?);
    Ok(())
}

fn scribble_without_end<B: Backend>(stage: &mut Stage) -> Verdict {
    let scribbled = Scribbled::<B>::all(&Name::new(stage.arg(0))?)?;
    let (mut random, words) = (Random(23), words());
    stage.say("scribbling");
    loop {
        let word = match random.next() % 4 {
            0 => random.next(),
            1 => random.next() & !7,
            _ => words[random.next() as usize % words.len()],
        };
        // Often the words of the lock, and among them the first.
        let places = [2, 70, scribbled.len as u64 / 8][random.next() as usize % 3];
        let offset = 8 * (random.next() % places) as usize;
        scribbled.write(offset.min(scribbled.len - 8), &word.to_ne_bytes())?;
    }
}

fn a_lock_that_a_peer_says_is_ones_own_is_a_deadlock<B: Backend>() -> Verdict {
    let mutex = SharedMutex::<B>::create(unique("own"), Mutex::new(7))?;
    let scribbled = Scribbled::<B>::new(mutex.name(), 8)?;
    let held = mutex.lock()?;
    let mut own = [0; 8];
    shared::read(&scribbled.memory, Header::LEN, &mut own)?;
    drop(held);
    scribbled.write(0, &own)?;
    assert_eq!(lock_kind(mutex.try_lock()), ErrorKind::Deadlock);
    assert_eq!(lock_kind(mutex.lock_timeout(PATIENCE)), ErrorKind::Deadlock);
    // Who held it once doesn't release what another holds.
    scribbled.write(0, &[0; 8])?;
    let held = mutex.lock()?;
    let mut peer = Peer::with_args(lock_as_told::<B>, [mutex.name().as_str()])?;
    scribbled.write(0, &[0; 8])?;
    order(&mut peer, "lock", "Locked")?;
    drop(held);
    assert_eq!(keep(&mut None, mutex.try_lock()), "WouldBlock");
    Ok(())
}
