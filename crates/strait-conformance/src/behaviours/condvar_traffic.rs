//! Conditions at which many wait and notify, again and again.

use super::condvar::Gate;
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use strait::generic::Shared;

behaviours! {
    condvar_traffic;
    no_notice_is_lost_in_20_000_round_trips needs [NamedSegments, WaitAddress, Seats],
    a_bounded_queue_passes_each_of_20_000_numbers_once
        needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![take_turns::<B>, produce::<B>, consume::<B>]
}

/// Whose turn it is is the first number's remainder.
const ROUND_TRIPS: u64 = 20_000;

fn no_notice_is_lost_in_20_000_round_trips<B: Backend>() -> Verdict {
    let name = unique("round-trips");
    let gate = Gate::<B>::create(&name)?;
    let mut peer = Peer::with_args(take_turns::<B>, [&name])?;
    peer.set_deadline(Duration::from_secs(100));
    turns::<B>(&gate, 0)?;
    peer.expect("done")?;
    assert_eq!(gate.lock()?[0], 2 * ROUND_TRIPS);
    Ok(())
}

fn take_turns<B: Backend>(stage: &mut Stage) -> Verdict {
    turns::<B>(&Gate::open(stage.arg(0))?, 1)?;
    stage.say("done");
    Ok(())
}

fn turns<B: Backend>(gate: &Gate<B>, mine: u64) -> Verdict {
    for _ in 0..ROUND_TRIPS {
        let mut turn = gate.wait_while(mine as usize, gate.lock()?, |turn| turn[0] % 2 != mine)?;
        turn[0] += 1;
        // Before and after the mutex is released.
        if turn[0] % 4 < 2 {
            drop(turn);
            gate.changed[1 - mine as usize].notify_one();
        } else {
            gate.changed[1 - mine as usize].notify_one();
        }
    }
    Ok(())
}

const NUMBERS: u64 = 20_000;
const ROOM: u64 = 8;
/// How many were put in, how many were taken out, and those in between.
type Queue<B> = Gate<B, { 2 + ROOM as usize }>;
const NOT_FULL: usize = 0;
const NOT_EMPTY: usize = 1;
/// How often each number came out.
type Seen<B> = Shared<[AtomicU8; NUMBERS as usize], B>;

fn a_bounded_queue_passes_each_of_20_000_numbers_once<B: Backend>() -> Verdict {
    let name = unique("queue");
    let queue = Queue::<B>::create(&name)?;
    let seen = [const { AtomicU8::new(0) }; NUMBERS as usize];
    let seen = Seen::<B>::create(format!("{name}/seen"), seen)?;
    let mut peers = Vec::new();
    for half in ["0", "1"] {
        peers.push(Peer::with_args(produce::<B>, [&name, half])?);
        peers.push(Peer::with_args(consume::<B>, [&name, half])?);
    }
    for peer in &mut peers {
        peer.set_deadline(Duration::from_secs(100));
        peer.expect("done")?;
    }
    assert!(seen.iter().all(|seen| seen.load(Ordering::SeqCst) == 1));
    let queue = queue.lock()?;
    assert_eq!(queue[..2], [NUMBERS; 2]);
    Ok(())
}

fn produce<B: Backend>(stage: &mut Stage) -> Verdict {
    let queue = Queue::<B>::open(stage.arg(0))?;
    let first: u64 = stage.arg(1).parse()?;
    for number in (first..NUMBERS).step_by(2) {
        let full = |queue: &mut [u64; 2 + ROOM as usize]| queue[0] - queue[1] == ROOM;
        let mut locked = queue.wait_while(NOT_FULL, queue.lock()?, full)?;
        let place = 2 + locked[0] % ROOM;
        locked[place as usize] = number;
        locked[0] += 1;
        drop(locked);
        queue.changed[NOT_EMPTY].notify_one();
    }
    stage.say("done");
    Ok(())
}

fn consume<B: Backend>(stage: &mut Stage) -> Verdict {
    let queue = Queue::<B>::open(stage.arg(0))?;
    let seen = Seen::<B>::open(format!("{}/seen", stage.arg(0)))?;
    for _ in 0..NUMBERS / 2 {
        let empty = |queue: &mut [u64; 2 + ROOM as usize]| queue[0] == queue[1];
        let mut locked = queue.wait_while(NOT_EMPTY, queue.lock()?, empty)?;
        let number = locked[2 + (locked[1] % ROOM) as usize];
        locked[1] += 1;
        drop(locked);
        queue.changed[NOT_FULL].notify_one();
        seen[number as usize].fetch_add(1, Ordering::SeqCst);
    }
    stage.say("done");
    Ok(())
}
