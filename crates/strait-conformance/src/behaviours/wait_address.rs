//! Sleeping on words of shared memory, and being woken.

use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique, wait_until,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use strait::{
    backend::{Deadline, WaitOutcome},
    generic::Shared,
};

behaviours! {
    wait_address;
    no_wake_up_is_lost_in_100_000_hand_overs needs [NamedSegments, WaitAddress],
    a_wait_on_another_value_returns_at_once needs [WaitAddress],
    a_wait_ends_at_its_deadline_and_not_before needs [WaitAddress],
    wake_all_wakes_all needs [NamedSegments, WaitAddress],
    a_killed_waiter_hangs_nobody needs [NamedSegments, WaitAddress],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![give_back::<B>, sleep::<B>]
}

/// The word that is handed over, and the number of those that sleep.
type Words = [AtomicU32; 2];
const TURN: usize = 0;
const ASLEEP: usize = 1;

const HAND_OVERS: u32 = 100_000;

fn no_wake_up_is_lost_in_100_000_hand_overs<B: Backend>() -> Verdict {
    let name = unique("hand-over");
    let words = Shared::<Words, B>::create(&name, Default::default())?;
    let mut peer = Peer::with_args(give_back::<B>, [&name])?;
    peer.set_deadline(Duration::from_secs(100));
    // Even numbers are this side's turn, odd ones the peer's.
    for turn in (0..HAND_OVERS).step_by(2) {
        await_turn::<B>(&words[TURN], turn)?;
        pass::<B>(&words[TURN], turn + 1);
    }
    peer.expect("done")?;
    Ok(peer.finish()?)
}

fn give_back<B: Backend>(stage: &mut Stage) -> Verdict {
    let words = Shared::<Words, B>::open(stage.arg(0))?;
    for turn in (1..HAND_OVERS).step_by(2) {
        await_turn::<B>(&words[TURN], turn)?;
        pass::<B>(&words[TURN], turn + 1);
    }
    stage.say("done");
    Ok(())
}

fn await_turn<B: Backend>(word: &AtomicU32, turn: u32) -> Verdict {
    let deadline = Deadline::after(Duration::from_secs(20));
    loop {
        let now = word.load(Ordering::Acquire);
        if now == turn {
            return Ok(());
        }
        if B::wait(word, now, deadline)? == WaitOutcome::TimedOut {
            return Err(format!("the wake-up for turn {turn} was lost").into());
        }
    }
}

fn pass<B: Backend>(word: &AtomicU32, turn: u32) {
    word.store(turn, Ordering::Release);
    B::wake_one(word);
}

fn a_wait_on_another_value_returns_at_once<B: Backend>() -> Verdict {
    let words = Shared::<Words, B>::create(unique("value"), Default::default())?;
    let outcome = B::wait(&words[TURN], 1, Deadline::NEVER)?;
    assert_eq!(outcome, WaitOutcome::Woken);
    Ok(())
}

fn a_wait_ends_at_its_deadline_and_not_before<B: Backend>() -> Verdict {
    let words = Shared::<Words, B>::create(unique("deadline"), Default::default())?;
    for timeout in [Duration::ZERO, Duration::from_micros(10), Duration::from_millis(30)] {
        let begin = Instant::now();
        let deadline = Deadline::after(timeout);
        // It may wake for no reason; then it is to be called again.
        while B::wait(&words[TURN], 0, deadline)? == WaitOutcome::Woken {}
        assert!(begin.elapsed() >= timeout, "{timeout:?}");
    }
    Ok(())
}

fn wake_all_wakes_all<B: Backend>() -> Verdict {
    let (words, mut peers) = sleepers::<B>("all", 4)?;
    words[TURN].store(1, Ordering::SeqCst);
    B::wake_all(&words[TURN]);
    for peer in &mut peers {
        peer.expect("woken")?;
    }
    Ok(())
}

fn a_killed_waiter_hangs_nobody<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let (words, mut peers) = sleepers::<B>("killed", 2)?;
        peers[0].kill()?;
        words[TURN].store(1, Ordering::SeqCst);
        B::wake_one(&words[TURN]);
        peers[1].expect("woken")?;
    }
    Ok(())
}

/// Processes that sleep, or are about to and will see that the word has changed.
fn sleepers<B: Backend>(
    label: &str,
    how_many: u32,
) -> Result<(Shared<Words, B>, Vec<Peer>), Failure> {
    let name = unique(label);
    let words = Shared::<Words, B>::create(&name, Default::default())?;
    let peers = (0..how_many)
        .map(|_| Peer::with_args(sleep::<B>, [&name]))
        .collect::<Result<Vec<_>, _>>()?;
    let all = || words[ASLEEP].load(Ordering::SeqCst) == how_many;
    wait_until("all sleep", all)?;
    Ok((words, peers))
}

fn sleep<B: Backend>(stage: &mut Stage) -> Verdict {
    let words = Shared::<Words, B>::open(stage.arg(0))?;
    words[ASLEEP].fetch_add(1, Ordering::SeqCst);
    let deadline = Deadline::after(Duration::from_secs(20));
    while words[TURN].load(Ordering::SeqCst) == 0 {
        if B::wait(&words[TURN], 0, deadline)? == WaitOutcome::TimedOut {
            return Err("nobody woke it".into());
        }
    }
    stage.say("woken");
    Ok(())
}
