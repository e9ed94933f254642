//! Synchronisation into whose words a peer writes anything: every call ends, with an error or in time.

use super::{locking::Random, waiting::NOTICED};
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    ops::Range,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Mapping, Name, Shareable,
    backend::Segment,
    generic::{Barrier, Once, OnceLock, Semaphore, SeqLock, Shared},
};
use strait_protocol::{Header, shared};

behaviours! {
    sync_hostile;
    whatever_a_peer_writes_into_a_semaphore_acquiring_ends needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_counting_semaphore_acquiring_ends needs [NamedSegments, WaitAddress, Seats],
    permits_that_a_peer_has_written_away_are_to_be_had_again needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_barrier_waiting_ends needs [NamedSegments, WaitAddress, Seats],
    a_peer_that_changes_a_barrier_without_end_holds_up_nobody needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_once_calling_it_ends needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_once_lock_its_use_ends needs [NamedSegments, WaitAddress, Seats],
    whatever_a_peer_writes_into_a_seqlock_reading_and_writing_end needs [NamedSegments, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        scribble::<B>,
        use_semaphore::<B>,
        use_barrier::<B>,
        use_changing_barrier::<B>,
        change::<B>,
        use_once::<B>,
        use_once_lock::<B>,
        use_seqlock::<B>
    ]
}

fn whatever_a_peer_writes_into_a_semaphore_acquiring_ends<B: Backend>() -> Verdict {
    let name = unique("semaphore");
    let semaphore = Shared::<Semaphore<B>, B>::create(&name, Semaphore::new(2))?;
    // So that there is a seat that matters.
    let _permit = semaphore.acquire()?;
    is_withstood::<B>(use_semaphore::<B>, &name)
}

fn whatever_a_peer_writes_into_a_counting_semaphore_acquiring_ends<B: Backend>() -> Verdict {
    let name = unique("counting");
    let _semaphore = Shared::<Semaphore<B>, B>::create(&name, Semaphore::counting(1))?;
    is_withstood::<B>(use_semaphore::<B>, &name)
}

fn use_semaphore<B: Backend>(stage: &mut Stage) -> Verdict {
    withstand::<Semaphore<B>, B>(stage, |semaphore, timeout| {
        drop(semaphore.acquire_timeout(timeout));
        drop(semaphore.try_acquire());
        let permit = semaphore.acquire_timeout(timeout)?;
        semaphore.available();
        semaphore.release(1)?;
        drop(permit);
        Ok(())
    })
}

fn permits_that_a_peer_has_written_away_are_to_be_had_again<B: Backend>() -> Verdict {
    // Where the holders stand: behind the kind, how many permits there are, and the bell.
    const HOLDERS: usize = 16;
    // A permit that nobody holds, and one whose holder can't exist.
    for word in [1, u64::MAX << 8] {
        let name = unique("away");
        let semaphore = Shared::<Semaphore<B>, B>::create(&name, Semaphore::new(1))?;
        let memory = memory::<B>(&name)?;
        for at in (HOLDERS..size_of::<Semaphore<B>>()).step_by(8) {
            shared::write(&memory, Header::LEN + at, &word.to_ne_bytes())?;
        }
        assert_eq!(semaphore.available(), 0);
        drop(semaphore.acquire_timeout(NOTICED)?);
        drop(semaphore.try_acquire()?);
    }
    Ok(())
}

fn whatever_a_peer_writes_into_a_barrier_waiting_ends<B: Backend>() -> Verdict {
    let name = unique("barrier");
    let barrier = Shared::<Barrier<B>, B>::create(&name, Barrier::new(2))?;
    let _party = barrier.join()?;
    is_withstood::<B>(use_barrier::<B>, &name)
}

fn use_barrier<B: Backend>(stage: &mut Stage) -> Verdict {
    withstand::<Barrier<B>, B>(stage, |barrier, timeout| {
        let party = barrier.join();
        drop(barrier.wait_timeout(timeout));
        if barrier.is_broken() {
            barrier.repair();
        }
        barrier.wait_timeout(timeout)?;
        party.map(drop)
    })
}

fn a_peer_that_changes_a_barrier_without_end_holds_up_nobody<B: Backend>() -> Verdict {
    // Its first word: one has come in this round, of two; what differs is how often it was repaired.
    const STATES: [u64; 2] = [1, 1 << 16 | 1];
    // The same, and broken.
    const BROKEN: [u64; 2] = [1 << 15 | 1, 1 << 16 | 1 << 15 | 1];
    // The first and last place of those that have come: one that can't exist, and nobody.
    const ENTRY: [u64; 2] = [u64::MAX << 8, 0];
    for (at, values) in [(0, STATES), (0, BROKEN), (24, ENTRY), (24 + 8 * 127, ENTRY)] {
        let name = unique("without-end");
        let _barrier = Shared::<Barrier<B>, B>::create(&name, Barrier::new(2))?;
        let [one, other] = values.map(|value| value.to_string());
        let args = [name.clone(), at.to_string(), one, other];
        let mut peer = Peer::with_args(change::<B>, args)?;
        peer.expect("changes")?;
        let mut user = Peer::with_args(use_changing_barrier::<B>, [&name])?;
        user.set_deadline(Duration::from_secs(10));
        user.expect("withstood")?;
        peer.kill()?;
    }
    Ok(())
}

/// Writes first one value, and then the other, and so on until it is killed.
fn change<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = memory::<B>(stage.arg(0))?;
    let word = shared::atomic_u64(&memory, Header::LEN + stage.arg(1).parse::<usize>()?)?;
    let (one, other) = (stage.arg(2).parse()?, stage.arg(3).parse()?);
    stage.say("changes");
    loop {
        word.store(one, Ordering::Relaxed);
        word.store(other, Ordering::Relaxed);
    }
}

fn use_changing_barrier<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = Shared::<Barrier<B>, B>::open(stage.arg(0))?;
    for _ in 0..100 {
        let timeout = Duration::from_millis(1);
        ends_in_time(|| barrier.wait_timeout(timeout).map(drop), timeout);
        let begin = Instant::now();
        barrier.repair();
        ends_in_time(|| barrier.join().map(drop), Duration::ZERO);
        assert!(begin.elapsed() < NOTICED, "took {:?}", begin.elapsed());
    }
    stage.say("withstood");
    Ok(())
}

fn whatever_a_peer_writes_into_a_once_calling_it_ends<B: Backend>() -> Verdict {
    let name = unique("once");
    let once = Shared::<Once<B>, B>::create(&name, Once::new())?;
    let mut verdict = Ok(());
    once.call_once(|| verdict = is_withstood::<B>(use_once::<B>, &name))?;
    verdict
}

fn use_once<B: Backend>(stage: &mut Stage) -> Verdict {
    withstand::<Once<B>, B>(stage, |once, timeout| once.call_once_deadline(timeout, || ()))
}

fn whatever_a_peer_writes_into_a_once_lock_its_use_ends<B: Backend>() -> Verdict {
    let name = unique("once-lock");
    let _value = Shared::<OnceLock<u64, B>, B>::create(&name, OnceLock::new())?;
    is_withstood::<B>(use_once_lock::<B>, &name)
}

fn use_once_lock<B: Backend>(stage: &mut Stage) -> Verdict {
    withstand::<OnceLock<u64, B>, B>(stage, |value, timeout| {
        value.get_or_init_deadline(timeout, || 1)?;
        value.get();
        Ok(())
    })
}

fn whatever_a_peer_writes_into_a_seqlock_reading_and_writing_end<B: Backend>() -> Verdict {
    let name = unique("seqlock");
    let latest = Shared::<SeqLock<[u64; 4], B>, B>::create(&name, SeqLock::new([7; 4]))?;
    let mut writer = latest.writer()?;
    writer.write([8; 4]);
    is_withstood::<B>(use_seqlock::<B>, &name)
}

fn use_seqlock<B: Backend>(stage: &mut Stage) -> Verdict {
    withstand::<SeqLock<[u64; 4], B>, B>(stage, |latest, _| {
        latest.read()?;
        latest.writer()?.write([9; 4]);
        latest.read()?;
        Ok(())
    })
}

/// Has one peer use what is called `name`, first while it writes there itself, and then while another one
/// does.
fn is_withstood<B: Backend>(user: impl Fn(&mut Stage) -> Verdict, name: &str) -> Verdict {
    let mut user = Peer::with_args(user, [name])?;
    user.expect("withstood")?;
    let mut scribbler = Peer::with_args(scribble::<B>, [name])?;
    scribbler.expect("scribbles")?;
    user.tell("go on");
    user.expect("withstood")?;
    scribbler.kill()?;
    Ok(())
}

/// The part of the user, which does `attempt` again and again.
fn withstand<T: Shareable, B: Backend>(
    stage: &mut Stage,
    attempt: impl Fn(&T, Duration) -> strait::Result<()>,
) -> Verdict {
    let value = Shared::<T, B>::open(stage.arg(0))?;
    let memory = memory::<B>(stage.arg(0))?;
    let mut image = vec![0; memory.len() - Header::LEN];
    shared::read(&memory, Header::LEN, &mut image)?;
    let mut turn = 0;
    for range in places(&image, size_of::<T>()) {
        for pattern in [0xff, 1 << (turn % 8)] {
            let bytes: Vec<u8> = image[range.clone()].iter().map(|byte| byte ^ pattern).collect();
            shared::write(&memory, Header::LEN + range.start, &bytes)?;
            turn += 1;
            // Sometimes it may sleep, and look who has died.
            let timeout = Duration::from_millis(if turn % 50 == 0 { 2 } else { 0 });
            ends_in_time(|| attempt(&value, timeout), timeout);
            shared::write(&memory, Header::LEN + range.start, &image[range.clone()])?;
            shared::write(&memory, Header::LEN, &image[..size_of::<T>()])?;
        }
    }
    stage.say("withstood");
    stage.expect("go on")?;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(300) {
        let timeout = Duration::from_millis(1);
        ends_in_time(|| attempt(&value, timeout), timeout);
    }
    stage.say("withstood");
    Ok(())
}

/// Where to write, one after another: each byte of the value and of the seats that were taken ever, and
/// each other seat as a whole.
fn places(image: &[u8], value: usize) -> Vec<Range<usize>> {
    const SEAT: usize = 32;
    let bytes = |range: Range<usize>| range.map(|at| at..at + 1);
    let mut places: Vec<_> = bytes(0..value).collect();
    for start in (value..image.len()).step_by(SEAT) {
        let seat = start..image.len().min(start + SEAT);
        if image[seat.clone()].iter().all(|byte| *byte == 0) {
            places.push(seat);
        } else {
            places.extend(bytes(seat));
        }
    }
    places
}

fn ends_in_time(attempt: impl FnOnce() -> strait::Result<()>, timeout: Duration) {
    const KINDS: [ErrorKind; 8] = [
        ErrorKind::TimedOut,
        ErrorKind::WouldBlock,
        ErrorKind::Deadlock,
        ErrorKind::Busy,
        ErrorKind::Disconnected,
        ErrorKind::InvalidInput,
        ErrorKind::LimitReached,
        ErrorKind::PeerCorrupt,
    ];
    let begin = Instant::now();
    if let Err(error) = attempt() {
        assert!(KINDS.contains(&error.kind()), "{error}");
    }
    let took = begin.elapsed();
    // Each of some calls may use the time up.
    assert!(took < 4 * timeout + NOTICED, "took {took:?}");
}

/// Writes words anywhere until it is killed: any value, or one that it has found there.
fn scribble<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = memory::<B>(stage.arg(0))?;
    let words = (memory.len() - Header::LEN) / 8;
    let mut random = Random(7);
    let word = |random: &mut Random| {
        // Most of it are the seats, and what matters more comes before.
        let among = if random.next() % 4 == 0 { words } else { words.min(140) };
        Header::LEN + 8 * (random.next() as usize % among)
    };
    stage.say("scribbles");
    for turn in 0_u32.. {
        let mut bytes = [0; 8];
        match random.next() % 4 {
            0 => bytes = random.next().to_ne_bytes(),
            1 => bytes[random.next() as usize % 8] = random.next() as u8,
            _ => shared::read(&memory, word(&mut random), &mut bytes)?,
        }
        shared::write(&memory, word(&mut random), &bytes)?;
        if turn % 16 == 0 {
            thread::yield_now();
        }
    }
    Ok(())
}

fn memory<B: Backend>(name: &str) -> strait::Result<B::Segment> {
    B::Segment::open(&Name::new(name)?, None, Mapping::ReadWrite)
}
