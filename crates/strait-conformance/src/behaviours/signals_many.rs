//! Many signals and many subscriptions: whatever comes last arrives.

use super::waiting::PATIENCE;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::with_room_for,
    unique, wait_until,
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Signal,
    generic::{Process, Shared, Signals, signal},
};

behaviours! {
    signals_many;
    no_signal_is_lost_in_20_000_round_trips needs [Signals, Liveness],
    the_last_of_many_signals_is_never_lost needs [Signals, Liveness, NamedSegments],
    a_full_subscription_still_tells_of_every_signal needs [Signals, Liveness],
    a_thousand_subscriptions_receive_a_signal needs [Signals],
    who_sends_to_a_process_that_is_killed_learns_that_it_is_gone needs [Signals, Liveness],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        return_signals::<B>,
        receive_bursts::<B>,
        oversleep::<B>,
        subscribe_a_thousand_times::<B>,
        receive_to_the_end::<B>
    ]
}

fn no_signal_is_lost_in_20_000_round_trips<B: Backend>() -> Verdict {
    let mut peer = Peer::start(return_signals::<B>)?;
    peer.set_deadline(Duration::from_secs(60));
    let mut other = Peer::with_args(return_signals::<B>, [peer.hear()?])?;
    other.set_deadline(Duration::from_secs(60));
    other.hear()?;
    peer.tell(other.id());
    peer.expect("done")?;
    other.expect("done")?;
    Ok(())
}

/// Begins where it knows its partner at once, and else waits to be told who that is.
fn return_signals<B: Backend>(stage: &mut Stage) -> Verdict {
    let signals = Signals::<B>::subscribe([Signal::User1])?;
    stage.say(std::process::id());
    let (begins, partner) = match stage.args().first() {
        Some(pid) if !pid.is_empty() => (false, pid.parse::<u32>()?),
        _ => (true, stage.hear().ok_or("nobody to play with")?.parse()?),
    };
    let partner = Process::<B>::with_id(partner)?;
    for round in 0..20_000 {
        if begins || round > 0 {
            signal::send::<B>(&partner, Signal::User1)?;
        }
        let arrival = signals.recv_timeout(PATIENCE)?;
        assert_eq!(arrival.sender.map(|sender| sender.pid), Some(partner.id()));
    }
    if !begins {
        signal::send::<B>(&partner, Signal::User1)?;
    }
    stage.say("done");
    stage.wait_for_end_of_input();
    Ok(())
}

fn the_last_of_many_signals_is_never_lost<B: Backend>() -> Verdict {
    let name = unique("bursts");
    let counts = Shared::<[AtomicU64; 2], B>::create(&name, <[AtomicU64; 2]>::default())?;
    let mut peer = Peer::with_args(receive_bursts::<B>, [&name])?;
    peer.expect("ready")?;
    let process = Process::<B>::with_id(peer.id())?;
    let begin = Instant::now();
    let mut sent = 0;
    for burst in 0..2000_u64 {
        for _ in 0..=burst % 7 {
            sent += 1;
            counts[0].store(sent, Ordering::SeqCst);
            signal::send::<B>(&process, Signal::User1)?;
        }
        // Had the last one been lost it would never see how many there were.
        while counts[1].load(Ordering::SeqCst) != sent {
            assert!(begin.elapsed() < PATIENCE, "lost in burst {burst}");
            thread::yield_now();
        }
    }
    Ok(())
}

fn receive_bursts<B: Backend>(stage: &mut Stage) -> Verdict {
    let counts = Shared::<[AtomicU64; 2], B>::open(stage.arg(0))?;
    let signals = Signals::<B>::subscribe([Signal::User1])?;
    stage.say("ready");
    for _ in &signals {
        counts[1].store(counts[0].load(Ordering::SeqCst), Ordering::SeqCst);
    }
    Ok(())
}

fn a_full_subscription_still_tells_of_every_signal<B: Backend>() -> Verdict {
    let mut peer = Peer::start(oversleep::<B>)?;
    peer.expect("ready")?;
    let process = Process::<B>::with_id(peer.id())?;
    for _ in 0..20_000 {
        signal::send::<B>(&process, Signal::User1)?;
    }
    signal::send::<B>(&process, Signal::User2)?;
    signal::send::<B>(&process, Signal::HangUp)?;
    peer.tell("now");
    peer.expect("all")?;
    Ok(())
}

fn oversleep<B: Backend>(stage: &mut Stage) -> Verdict {
    let all = [Signal::User1, Signal::User2, Signal::HangUp];
    let signals = Signals::<B>::subscribe(all)?;
    stage.say("ready");
    stage.expect("now")?;
    let mut missing = all.to_vec();
    while !missing.is_empty() {
        let arrival = signals.recv_timeout(Duration::from_secs(5))?;
        missing.retain(|&signal| signal != arrival.signal);
    }
    stage.say("all");
    Ok(())
}

fn a_thousand_subscriptions_receive_a_signal<B: Backend>() -> Verdict {
    // Each needs two files.
    let mut peer = with_room_for(4096, subscribe_a_thousand_times::<B>, [""; 0])?;
    peer.expect("ready")?;
    for _ in 0..3 {
        signal::send::<B>(peer.id(), Signal::User1)?;
        peer.expect("all have it")?;
    }
    Ok(peer.finish()?)
}

fn who_sends_to_a_process_that_is_killed_learns_that_it_is_gone<B: Backend>() -> Verdict {
    for _ in 0..10 {
        let mut peer = Peer::start(receive_to_the_end::<B>)?;
        peer.expect("ready")?;
        let process = Process::<B>::with_id(peer.id())?;
        let sent = AtomicU64::new(0);
        let ended = thread::scope(|scope| -> Result<ErrorKind, Failure> {
            let sender = scope.spawn(|| {
                loop {
                    match signal::send::<B>(&process, Signal::User1) {
                        Ok(()) => sent.fetch_add(1, Ordering::Relaxed),
                        Err(error) => return error.kind(),
                    };
                }
            });
            let storm = wait_until("some were sent", || sent.load(Ordering::Relaxed) > 50);
            peer.kill()?;
            storm?;
            sender.join().map_err(|_| "who sends panicked".into())
        })?;
        assert_eq!(ended, ErrorKind::NotFound);
    }
    Ok(())
}

fn receive_to_the_end<B: Backend>(stage: &mut Stage) -> Verdict {
    let signals = Signals::<B>::subscribe([Signal::User1])?;
    stage.say("ready");
    for _ in &signals {}
    Ok(())
}

fn subscribe_a_thousand_times<B: Backend>(stage: &mut Stage) -> Verdict {
    let all = (0..1000).map(|_| Signals::<B>::subscribe([Signal::User1, Signal::Alarm]));
    let all = all.collect::<strait::Result<Vec<_>>>()?;
    stage.say("ready");
    for _ in 0..3 {
        for signals in &all {
            assert_eq!(signals.recv_timeout(PATIENCE)?.signal, Signal::User1);
            let again = signals.try_recv().map_err(|error| error.kind());
            assert_eq!(again, Err(ErrorKind::WouldBlock));
        }
        stage.say("all have it");
    }
    Ok(())
}
