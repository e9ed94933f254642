//! The seats that processes have at shared memory, by which locks know their owners.

use super::{
    kind_of,
    waiting::{NOTICED, PATIENCE, SEVERAL_LOOKS},
};
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use strait::{
    ErrorKind, Mapping, Name,
    backend::{SEATS, Segment},
    generic::{Mutex, Shared},
    sync::LockError,
};

behaviours! {
    seats;
    the_seats_of_killed_processes_are_free_again needs [NamedSegments, WaitAddress, Seats],
    what_is_closed_has_no_seat needs [NamedSegments, WaitAddress, Seats],
    a_leaked_guard_keeps_the_lock_until_its_process_closes_the_memory needs [NamedSegments, WaitAddress, Seats],
    as_many_as_there_are_seats_can_have_it_open needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![open_many::<B>, take_seats::<B>, leak_and_close::<B>]
}

fn the_seats_of_killed_processes_are_free_again<B: Backend>() -> Verdict {
    let name = unique("free");
    let value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    // More than there are seats, all in all.
    const OPEN: usize = 100;
    for _ in 0..12 {
        let mut peer = Peer::with_args(open_many::<B>, [name.clone(), OPEN.to_string()])?;
        peer.expect("open")?;
        peer.kill()?;
    }
    *SharedMutex::<B>::open(&name)?.lock()? += 1;
    assert_eq!(*value.lock()?, 1);
    Ok(())
}

fn a_leaked_guard_keeps_the_lock_until_its_process_closes_the_memory<B: Backend>() -> Verdict {
    let name = unique("leaked");
    let value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    let mut peer = Peer::with_args(leak_and_close::<B>, [&name])?;
    peer.expect("leaked")?;
    assert!(matches!(value.lock_timeout(SEVERAL_LOOKS), Err(LockError::TimedOut)));
    peer.tell("close");
    peer.expect("closed")?;
    assert!(matches!(value.lock_timeout(NOTICED), Err(LockError::OwnerDied(_))));
    Ok(peer.finish()?)
}

fn leak_and_close<B: Backend>(stage: &mut Stage) -> Verdict {
    let value = SharedMutex::<B>::open(stage.arg(0))?;
    std::mem::forget(value.lock_timeout(PATIENCE)?);
    stage.say("leaked");
    stage.expect("close")?;
    drop(value);
    stage.say("closed");
    stage.wait_for_end_of_input();
    Ok(())
}

fn what_is_closed_has_no_seat<B: Backend>() -> Verdict {
    let name = unique("closed");
    let value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    // More often than there are seats.
    for _ in 0..SEATS + 100 {
        *SharedMutex::<B>::open(&name)?.lock()? += 1;
    }
    assert_eq!(*value.lock()?, u64::from(SEATS) + 100);
    Ok(())
}

fn as_many_as_there_are_seats_can_have_it_open<B: Backend>() -> Verdict {
    let name = unique("all");
    let value = SharedMutex::<B>::create(&name, Mutex::new(0))?;
    let mut peers = Vec::new();
    let mut taken = 0;
    for quarter in 0..4 {
        let mut peer = Peer::with_args(take_seats::<B>, [name.clone(), quarter.to_string()])?;
        taken += peer.hear()?.parse::<u32>()?;
        peers.push(peer);
    }
    // All but this process' own.
    assert_eq!(taken, SEATS - 1);
    assert_eq!(kind_of(SharedMutex::<B>::open(&name)), ErrorKind::LimitReached);
    // Who has it open isn't hurt.
    *value.lock()? += 1;
    peers[2].kill()?;
    *SharedMutex::<B>::open(&name)?.lock()? += 1;
    assert_eq!(*value.lock()?, 2);
    Ok(())
}

/// Takes the seats of a quarter of all that there are, where they are free.
fn take_seats<B: Backend>(stage: &mut Stage) -> Verdict {
    let quarter: u32 = stage.arg(1).parse()?;
    let memory = B::Segment::open(&Name::new(stage.arg(0))?, None, Mapping::ReadWrite)?;
    let numbers = quarter * SEATS / 4..(quarter + 1) * SEATS / 4;
    let take = |number| memory.take_seat(number);
    let seats = numbers.map(take).collect::<Result<Vec<_>, _>>()?;
    stage.say(seats.iter().flatten().count());
    stage.wait_for_end_of_input();
    Ok(())
}

fn open_many<B: Backend>(stage: &mut Stage) -> Verdict {
    let count: usize = stage.arg(1).parse()?;
    let open = |_| SharedMutex::<B>::open(stage.arg(0));
    let _open = (0..count).map(open).collect::<Result<Vec<_>, _>>()?;
    stage.say("open");
    stage.wait_for_end_of_input();
    Ok(())
}

type SharedMutex<B> = Shared<Mutex<u64, B>, B>;
