//! The latest value, which one writes and many read.

use super::{
    kind_of, signal,
    waiting::{PATIENCE, needs_signals},
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, kill_point, unique,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Instant,
};
use strait::{
    ErrorKind,
    generic::{SeqLock, Shared},
};

behaviours! {
    seqlock;
    readers_in_several_processes_see_whole_values_only needs [NamedSegments, Seats],
    readers_in_several_processes_see_whole_large_values_only needs [NamedSegments, Seats],
    a_written_value_is_the_latest needs [NamedSegments, Seats],
    one_at_a_time_writes needs [NamedSegments, Seats],
    a_writer_that_is_killed_leaves_its_last_value needs [NamedSegments, Seats],
    a_writer_that_is_killed_anywhere_leaves_a_whole_value needs [NamedSegments, Seats],
    a_stopped_writer_holds_up_no_reader needs [NamedSegments, Seats],
    a_stopped_writer_is_the_writer_still needs [NamedSegments, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![read_many::<2, B>, read_many::<64, B>, write_when_told::<B>, write_on_and_on::<B>]
}

fn readers_in_several_processes_see_whole_values_only<B: Backend>() -> Verdict {
    is_read_whole::<2, B>("small")
}

fn readers_in_several_processes_see_whole_large_values_only<B: Backend>() -> Verdict {
    is_read_whole::<64, B>("large")
}

/// Writes values of `N` equal words as fast as it can, while others read.
fn is_read_whole<const N: usize, B: Backend>(label: &str) -> Verdict {
    let name = unique(label);
    let latest = SharedValue::<N, B>::create(&name, SeqLock::new([0; N]))?;
    let done = Shared::<AtomicU32, B>::create(format!("{name}/done"), AtomicU32::new(0))?;
    let start = |_| Peer::with_args(read_many::<N, B>, [&name]);
    let peers = (0..3).map(start).collect::<Result<Vec<_>, _>>()?;
    let begin = Instant::now();
    let mut writer = latest.writer()?;
    for i in 1.. {
        writer.write([i; N]);
        if done.load(Ordering::Relaxed) == 3 {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "the readers read for too long");
    }
    peers.into_iter().try_for_each(Peer::finish)?;
    Ok(())
}

fn read_many<const N: usize, B: Backend>(stage: &mut Stage) -> Verdict {
    let latest = SharedValue::<N, B>::open(stage.arg(0))?;
    let done = Shared::<AtomicU32, B>::open(format!("{}/done", stage.arg(0)))?;
    let (mut last, mut reads, mut changes) = (0, 0, 0);
    while reads < 5_000 || changes < 100 {
        let now = whole(latest.read()?)?;
        assert!(now >= last, "{now} after {last}");
        changes += u32::from(now > last);
        reads += 1;
        last = now;
    }
    done.fetch_add(1, Ordering::Relaxed);
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_written_value_is_the_latest<B: Backend>() -> Verdict {
    let name = unique("latest");
    let latest = SharedValue::<3, B>::create(&name, SeqLock::new([7, 8, 9]))?;
    let again = SharedValue::<3, B>::open(&name)?;
    assert_eq!(again.read()?, [7, 8, 9]);
    for turn in 0..3 {
        let mut writer = latest.writer()?;
        for i in 0..5 {
            writer.write([turn, i, 1]);
            assert_eq!(latest.read()?, [turn, i, 1]);
            assert_eq!(again.read()?, [turn, i, 1]);
        }
        drop(writer);
        assert_eq!(again.read()?, [turn, 4, 1]);
    }
    Ok(())
}

fn one_at_a_time_writes<B: Backend>() -> Verdict {
    let name = unique("writer");
    let latest = SharedValue::<3, B>::create(&name, SeqLock::new([0; 3]))?;
    let mut peer = Peer::with_args(write_when_told::<B>, [&name, ""])?;
    peer.expect("writes")?;
    assert_eq!(kind_of(latest.writer()), ErrorKind::Busy);
    peer.finish()?;
    let _writer = latest.writer()?;
    assert_eq!(kind_of(latest.writer()), ErrorKind::Deadlock);
    // The same by another mapping.
    let again = SharedValue::<3, B>::open(&name)?;
    assert_eq!(kind_of(again.writer()), ErrorKind::Deadlock);
    let other = thread::scope(|scope| scope.spawn(|| kind_of(latest.writer())).join());
    assert_eq!(other.map_err(|_| "a thread panicked")?, ErrorKind::Busy);
    let mut peer = Peer::with_args(write_when_told::<B>, [&name, ""])?;
    peer.expect("Busy")?;
    Ok(())
}

fn a_writer_that_is_killed_leaves_its_last_value<B: Backend>() -> Verdict {
    let name = unique("killed");
    let latest = SharedValue::<3, B>::create(&name, SeqLock::new([0; 3]))?;
    for turn in [1, 3, 5] {
        let mut peer =
            Peer::with_args(write_when_told::<B>, [&name, "seqlock: written, not said"])?;
        peer.expect("writes")?;
        // It is stopped in the second write.
        peer.tell(turn);
        peer.expect("wrote it")?;
        peer.tell(turn + 1);
        peer.expect("at seqlock: written, not said")?;
        assert_eq!(latest.read()?, [turn; 3]);
        assert_eq!(kind_of(latest.writer()), ErrorKind::Busy);
        peer.kill()?;
        assert_eq!(latest.read()?, [turn; 3]);
        let mut writer = latest.writer()?;
        assert_eq!(latest.read()?, [turn; 3]);
        writer.write([turn + 1; 3]);
        assert_eq!(latest.read()?, [turn + 1; 3]);
    }
    Ok(())
}

/// Is the writer, and writes what it is told; the second time it stops at the kill point.
fn write_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let latest = SharedValue::<3, B>::open(stage.arg(0))?;
    let mut writer = match latest.writer() {
        Ok(writer) => writer,
        Err(error) => {
            stage.say(format!("{:?}", error.kind()));
            return Ok(());
        }
    };
    stage.say("writes");
    while let Some(line) = stage.hear() {
        writer.write([line.parse()?; 3]);
        stage.say("wrote it");
        kill_point::arm(stage.arg(1));
    }
    Ok(())
}

fn a_writer_that_is_killed_anywhere_leaves_a_whole_value<B: Backend>() -> Verdict {
    let name = unique("anywhere");
    let latest = SharedValue::<64, B>::create(&name, SeqLock::new([0; 64]))?;
    let mut last = 0;
    for turn in 0..20_u64 {
        let mut peer = Peer::with_args(write_on_and_on::<B>, [&name])?;
        peer.expect("writes")?;
        let begin = last;
        // As long as makes the kill fall somewhere else each time.
        while last < begin + 10 + 37 * turn {
            last = no_less_than(last, &latest)?;
        }
        peer.kill()?;
        last = no_less_than(last, &latest)?;
        assert_eq!(no_less_than(last, &latest)?, last, "somebody writes still");
    }
    let mut writer = latest.writer()?;
    writer.write([last + 1; 64]);
    assert_eq!(whole(latest.read()?)?, last + 1);
    Ok(())
}

fn a_stopped_writer_holds_up_no_reader<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("stopped");
    let latest = SharedValue::<64, B>::create(&name, SeqLock::new([0; 64]))?;
    let mut peer = Peer::with_args(write_on_and_on::<B>, [&name])?;
    peer.expect("writes")?;
    let mut last = 0;
    for turn in 0..20_u64 {
        let begin = last;
        while last < begin + 10 + 37 * turn {
            last = no_less_than(last, &latest)?;
        }
        signal("-STOP", peer.id())?;
        let begin = Instant::now();
        for _ in 0..1_000 {
            last = no_less_than(last, &latest)?;
        }
        assert!(begin.elapsed() < PATIENCE / 20, "a reader was held up");
        signal("-CONT", peer.id())?;
    }
    peer.kill()?;
    Ok(())
}

fn a_stopped_writer_is_the_writer_still<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("still");
    let latest = SharedValue::<3, B>::create(&name, SeqLock::new([0; 3]))?;
    let mut peer = Peer::with_args(write_when_told::<B>, [&name, ""])?;
    peer.expect("writes")?;
    signal("-STOP", peer.id())?;
    assert_eq!(kind_of(latest.writer()), ErrorKind::Busy);
    peer.kill()?;
    latest.writer()?.write([1; 3]);
    assert_eq!(latest.read()?, [1; 3]);
    Ok(())
}

type SharedValue<const N: usize, B> = Shared<SeqLock<[u64; N], B>, B>;

/// Writes values that go up by one, from the latest on.
fn write_on_and_on<B: Backend>(stage: &mut Stage) -> Verdict {
    let latest = SharedValue::<64, B>::open(stage.arg(0))?;
    let mut writer = latest.writer()?;
    let next = whole(latest.read()?)? + 1;
    stage.say("writes");
    for i in next.. {
        writer.write([i; 64]);
    }
    Ok(())
}

/// The word of which the value consists.
fn whole<const N: usize>(value: [u64; N]) -> Result<u64, Failure> {
    match value.iter().all(|word| *word == value[0]) {
        true => Ok(value[0]),
        false => Err(format!("a torn value: {value:?}").into()),
    }
}

/// What is read, which is no older than `last`.
fn no_less_than<B: Backend>(last: u64, latest: &SeqLock<[u64; 64], B>) -> Result<u64, Failure> {
    let now = whole(latest.read()?)?;
    assert!(now >= last, "{now} after {last}");
    Ok(now)
}
