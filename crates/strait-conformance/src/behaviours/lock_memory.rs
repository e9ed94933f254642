//! The memory that locks lie in: of every size, under many names, with few seats, or shared with nobody.

use super::{
    locking::{PATIENCE, SOME_NAPS, joined, lock_kind, obey, order},
    mutex::SharedMutex,
};
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours,
    fixtures::{open_files, with_room_for},
    unique,
};
use std::{hint::black_box, panic::resume_unwind, thread};
use strait::{
    ErrorKind, Mapping, Name, Shareable,
    backend::Segment,
    generic::{Condvar, Mutex, RwLock, Shared},
    sync::LockError,
};

behaviours! {
    lock_memory;
    values_of_every_size_are_guarded needs [NamedSegments, WaitAddress, Seats],
    a_mutex_in_memory_of_ones_own_works_between_threads needs [WaitAddress, Seats],
    an_rwlock_in_memory_of_ones_own_works_between_threads needs [WaitAddress, Seats],
    a_condition_in_memory_of_ones_own_works_between_threads needs [WaitAddress, Seats],
    one_thread_holds_the_locks_of_many_names needs [NamedSegments, WaitAddress, Seats],
    where_all_seats_are_taken_nobody_joins needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![change_every_size::<B>, try_many::<B>, take_all_seats::<B>]
}

/// Of locks whose size is no multiple of their value's, and of a derive that is for no generic type.
#[derive(Shareable)]
#[repr(C)]
struct Sizes {
    byte: strait::sync::Mutex<u8>,
    bytes: [strait::sync::Mutex<[u8; 3]>; 3],
    halves: strait::sync::RwLock<[u16; 3]>,
    changed: strait::sync::Condvar,
    large: strait::sync::Mutex<[u64; 100]>,
}

type SharedSizes<B> = Shared<Sizes, B>;
type ManyBytes<B> = Shared<[Mutex<[u8; 5], B>; 7], B>;

fn values_of_every_size_are_guarded<B: Backend>() -> Verdict {
    let (name, many) = (unique("sizes"), unique("many-bytes"));
    let bytes = [1, 2, 3].map(|byte| Mutex::new([byte; 3]));
    let (byte, halves) = (Mutex::new(7), strait::sync::RwLock::new([8; 3]));
    let (changed, large) = (strait::sync::Condvar::new(), Mutex::new([9; 100]));
    let sizes = Sizes { byte, bytes, halves, changed, large };
    let sizes = SharedSizes::<B>::create(&name, sizes)?;
    let many_bytes = [0, 1, 2, 3, 4, 5, 6].map(|byte| Mutex::new([byte; 5]));
    let many_bytes = ManyBytes::<B>::create(&many, many_bytes)?;
    let mut peer = Peer::with_args(change_every_size::<B>, [&name, &many])?;
    peer.expect("changed")?;
    assert_eq!(*sizes.byte.lock()?, 8);
    for (i, mutex) in (1..).zip(&sizes.bytes) {
        assert_eq!(*mutex.lock()?, [i, i + 1, i]);
    }
    assert_eq!(*sizes.halves.read()?, [8, 8, 9]);
    assert!(sizes.large.lock()?.iter().all(|&number| number == 10));
    for (i, mutex) in (0..).zip(&*many_bytes) {
        // The last one is still held.
        match mutex.try_lock() {
            Ok(value) => assert_eq!(*value, [i, i, i, i, i + 1]),
            Err(error) => assert_eq!((error.kind(), i), (ErrorKind::WouldBlock, 6)),
        }
    }
    Ok(())
}

fn change_every_size<B: Backend>(stage: &mut Stage) -> Verdict {
    let sizes = SharedSizes::<B>::open(stage.arg(0))?;
    let many_bytes = ManyBytes::<B>::open(stage.arg(1))?;
    *sizes.byte.lock()? += 1;
    for mutex in &sizes.bytes {
        mutex.lock()?[1] += 1;
    }
    sizes.halves.write()?[2] += 1;
    sizes.large.lock()?.iter_mut().for_each(|number| *number += 1);
    for mutex in &*many_bytes {
        mutex.lock()?[4] += 1;
    }
    let _held = many_bytes[6].lock()?;
    stage.say("changed");
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_mutex_in_memory_of_ones_own_works_between_threads<B: Backend>() -> Verdict {
    let mut mutex = Mutex::<u64, B>::from(0);
    thread::scope(|scope| {
        let count = || {
            for _ in 0..20_000 {
                *mutex.lock_timeout(PATIENCE)? += 1;
            }
            Ok(())
        };
        let threads = [scope.spawn(count), scope.spawn(count)];
        threads.into_iter().try_for_each(joined)
    })?;
    let held = mutex.lock()?;
    assert_eq!(lock_kind(mutex.lock_timeout(PATIENCE)), ErrorKind::Deadlock);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            assert_eq!(lock_kind(mutex.lock_timeout(SOME_NAPS)), ErrorKind::TimedOut);
            Ok(())
        });
        joined(other)
    })?;
    drop(held);
    thread::scope(|scope| {
        let panics = scope.spawn(|| {
            let _held = mutex.lock();
            resume_unwind(Box::new("as it is meant to"));
        });
        assert!(panics.join().is_err());
    });
    assert!(matches!(mutex.lock(), Err(LockError::OwnerDied(value)) if *value == 40_000));
    assert_eq!(lock_kind(mutex.lock()), ErrorKind::NotRecoverable);
    assert_eq!((*mutex.get_mut(), mutex.into_inner()), (40_000, 40_000));
    assert_eq!(*Mutex::<u64, B>::default().lock()?, 0);
    Ok(())
}

fn one_thread_holds_the_locks_of_many_names<B: Backend>() -> Verdict {
    const NAMES: usize = 12;
    let name = unique("names");
    let names: Vec<String> = (0..NAMES).map(|i| format!("{name}/{i}")).collect();
    let create = |name| SharedMutex::<B>::create(name, Mutex::new(0));
    let _creators = names.iter().map(create).collect::<Result<Vec<_>, _>>()?;
    let mut peer = Peer::with_args(try_many::<B>, &names)?;
    for round in 0..4 {
        // Each was opened another number of times before, so that this process is another owner to each
        // memory; and lies where something else lay before.
        let open = |i: usize| {
            let name = &names[(i + 5 * round) % NAMES];
            for _ in 0..i {
                SharedMutex::<B>::open(name)?;
            }
            SharedMutex::<B>::open(name)
        };
        let all = (0..NAMES).map(open).collect::<Result<Vec<_>, _>>()?;
        for (stride, released) in [(1, 0), (5, 3), (7, 11)] {
            let lock = |i: usize| all[stride * i % NAMES].lock();
            let mut held = (0..NAMES).map(lock).collect::<Result<Vec<_>, _>>()?;
            order(&mut peer, "try", "0")?;
            drop(held.remove(released));
            order(&mut peer, "try", "1")?;
        }
        order(&mut peer, "try", &NAMES.to_string())?;
    }
    Ok(())
}

/// Says how many of the locks nobody holds.
fn try_many<B: Backend>(stage: &mut Stage) -> Verdict {
    let open = SharedMutex::<B>::open;
    let all = stage.args().iter().map(open).collect::<Result<Vec<_>, _>>()?;
    obey(stage, |_| {
        let tries: Vec<_> = all.iter().map(|mutex| mutex.try_lock()).collect();
        let wrong = tries.iter().filter_map(|tried| tried.as_ref().err());
        match wrong.map(LockError::kind).find(|kind| *kind != ErrorKind::WouldBlock) {
            None => tries.iter().filter(|tried| tried.is_ok()).count().to_string(),
            Some(kind) => format!("{kind:?}"),
        }
    })
}

fn where_all_seats_are_taken_nobody_joins<B: Backend>() -> Verdict {
    let mut peer = with_room_for(4096, take_all_seats::<B>, [unique("seats")])?;
    peer.expect("done")?;
    Ok(peer.finish()?)
}

/// As many as there are at any memory.
const SEATS: u32 = 1024;

fn take_all_seats<B: Backend>(stage: &mut Stage) -> Verdict {
    let name = stage.arg(0);
    let created = SharedMutex::<B>::create(name, Mutex::new(7))?;
    let before = open_files()?;
    let memory = B::Segment::open(&Name::new(name)?, None, Mapping::ReadWrite)?;
    let take = |number| memory.take_seat(number);
    let mut seats = (0..SEATS).map(take).collect::<Result<Vec<_>, _>>()?;
    // All but that of the creator.
    assert_eq!(seats.iter().flatten().count(), SEATS as usize - 1);
    let held = created.lock()?;
    for number in (0..SEATS).step_by(300) {
        let refused = SharedMutex::<B>::open(name).err().ok_or("it was opened")?;
        assert_eq!(refused.kind(), ErrorKind::LimitReached);
        let Some(seat) = seats[number as usize].take() else { continue };
        drop(seat);
        let joined = SharedMutex::<B>::open(name)?;
        assert_eq!(lock_kind(joined.try_lock()), ErrorKind::Deadlock);
        drop(joined);
        seats[number as usize] = take(number)?;
        assert!(seats[number as usize].is_some());
    }
    drop((held, seats));
    let taken = (0..SEATS).map(|number| memory.is_seat_taken(number));
    let taken = taken.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    drop(memory);
    assert_eq!(open_files()?, before);
    stage.say("done");
    Ok(())
}
fn an_rwlock_in_memory_of_ones_own_works_between_threads<B: Backend>() -> Verdict {
    let mut lock = RwLock::<[u64; 2], B>::default();
    thread::scope(|scope| {
        let write = || {
            for _ in 0..5_000 {
                let mut both = lock.write_timeout(PATIENCE)?;
                both[0] += 1;
                black_box(&mut *both)[1] += 1;
            }
            Ok(())
        };
        let read = || {
            while lock.read_timeout(PATIENCE)?[0] < 10_000 {
                let both = lock.read_timeout(PATIENCE)?;
                assert_eq!(both[0], both[1]);
            }
            Ok(())
        };
        let threads = [scope.spawn(write), scope.spawn(read), scope.spawn(write)];
        threads.into_iter().try_for_each(joined)
    })?;
    let held = lock.write()?;
    assert_eq!(lock_kind(lock.read_timeout(PATIENCE)), ErrorKind::Deadlock);
    drop(held);
    assert_eq!((*lock.get_mut(), lock.into_inner()), ([10_000; 2], [10_000; 2]));
    Ok(())
}

fn a_condition_in_memory_of_ones_own_works_between_threads<B: Backend>() -> Verdict {
    let (turn, changed) = (Mutex::<u64, B>::new(0), Condvar::<B>::new());
    let take_turns = |mine: u64| {
        for _ in 0..2_000 {
            let others = |turn: &mut u64| *turn % 2 != mine;
            let (mut turn, result) =
                changed.wait_timeout_while(turn.lock_timeout(PATIENCE)?, PATIENCE, others)?;
            assert!(!result.timed_out(), "a notice was lost");
            *turn += 1;
            changed.notify_one();
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads = [0, 1].map(|mine| scope.spawn(move || take_turns(mine)));
        threads.into_iter().try_for_each(joined)
    })?;
    assert_eq!(*turn.lock()?, 4_000);
    Ok(())
}
