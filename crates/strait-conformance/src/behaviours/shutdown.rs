//! Ending cleanly when a signal asks for it.

use super::{
    signals::ended_by,
    waiting::{NOTICED, PATIENCE},
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, unavailable,
    unique, wait_until,
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Signal,
    generic::{ByteReceiver, Shutdown, pipe, signal},
};

behaviours! {
    shutdown;
    the_first_signal_ends_waits_and_the_second_the_process needs [Signals, Rendezvous],
    many_threads_end_at_once needs [Signals, Pipes],
    what_was_started_to_survive_goes_on needs [Signals],
    dropping_it_restores_what_was_there_before needs [Signals],
    it_can_be_waited_for needs [Signals],
    nothing_is_left_of_those_that_were_dropped needs [Signals],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        receive::<B>,
        wait_in_threads::<B>,
        survive::<B>,
        make_and_drop::<B>,
        wait_for_it::<B>,
        make_many::<B>
    ]
}

const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];

fn the_first_signal_ends_waits_and_the_second_the_process<B: Backend>() -> Verdict {
    for signal in ALL {
        let mut peer = Peer::with_args(receive::<B>, [unique("shutdown")])?;
        peer.expect("waiting")?;
        let sent = Instant::now();
        signal::send::<B>(peer.id(), signal)?;
        peer.expect(&format!("Cancelled by {signal}"))?;
        assert!(sent.elapsed() < NOTICED, "it took {:?}", sent.elapsed());
        // It dropped what it had, and now is stuck.
        signal::send::<B>(peer.id(), signal)?;
        ended_by(&mut peer, signal.posix_name())?;
    }
    Ok(())
}

/// Each of these signals does first what it does by default, however this was started.
fn listen<B: Backend>() -> Result<Shutdown<B>, Failure> {
    for signal in ALL {
        signal::reset::<B>(signal)?;
    }
    Ok(Shutdown::on_signals()?)
}

fn receive<B: Backend>(stage: &mut Stage) -> Verdict {
    let shutdown = listen::<B>()?;
    let mut receiver = ByteReceiver::<B>::bind(stage.arg(0))?;
    assert!(!shutdown.is_requested() && shutdown.signal().is_none());
    stage.say("waiting");
    let ended = receiver.recv_ref_deadline(&shutdown).map(drop);
    let kind = ended.err().map(|error| error.kind()).ok_or("something came")?;
    assert!(shutdown.is_requested() && shutdown.token().is_cancelled());
    let by = shutdown.signal().ok_or("no signal ended it")?;
    drop(receiver);
    stage.say(format!("{kind:?} by {by}"));
    stage.wait_for_end_of_input();
    Ok(())
}

fn many_threads_end_at_once<B: Backend>() -> Verdict {
    let mut peer = Peer::start(wait_in_threads::<B>)?;
    peer.expect("waiting")?;
    signal::send::<B>(peer.id(), Signal::Terminate)?;
    peer.expect("all ended")?;
    Ok(peer.finish()?)
}

fn wait_in_threads<B: Backend>(stage: &mut Stage) -> Verdict {
    let shutdown = listen::<B>()?;
    let (reader, _writer) = pipe::<B>()?;
    thread::scope(|scope| -> Verdict {
        let wait = || reader.read_deadline(&mut [0], &shutdown).map_err(|error| error.kind());
        let waiters: Vec<_> = (0..8).map(|_| scope.spawn(wait)).collect();
        stage.say("waiting");
        for waiter in waiters {
            let ended = waiter.join().map_err(|_| "who waits panicked")?;
            assert_eq!(ended, Err(ErrorKind::Cancelled));
        }
        Ok(())
    })?;
    stage.say("all ended");
    Ok(())
}

fn what_was_started_to_survive_goes_on<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("there is no shell here");
    }
    for (ignored, left) in [("HUP", Some(Signal::Interrupt)), ("HUP INT TERM", None)] {
        let command = format!("trap - HUP INT TERM; trap '' {ignored}; exec \"$0\" \"$@\"");
        let mut peer = Peer::under(["sh", "-c", &command], survive::<B>, [""; 0])?;
        peer.expect("waiting")?;
        signal::send::<B>(peer.id(), Signal::HangUp)?;
        peer.tell("did anything come?");
        peer.expect("None")?;
        if let Some(signal) = left.filter(|_| !ignored_by_shell::<B>()) {
            signal::send::<B>(peer.id(), signal)?;
            peer.tell("and now?");
            peer.expect(&format!("{:?}", Some(signal)))?;
        }
    }
    Ok(())
}

/// A shell doesn't give back what was ignored when it was started.
fn ignored_by_shell<B: Backend>() -> bool {
    signal::is_ignored::<B>(Signal::Interrupt).unwrap_or(true)
}

fn survive<B: Backend>(stage: &mut Stage) -> Verdict {
    let shutdown = Shutdown::<B>::on_signals()?;
    stage.say("waiting");
    stage.hear();
    stage.say(format!("{:?}", shutdown.signal()));
    stage.hear();
    shutdown.wait_timeout(PATIENCE)?;
    stage.say(format!("{:?}", shutdown.signal()));
    Ok(())
}

fn dropping_it_restores_what_was_there_before<B: Backend>() -> Verdict {
    let mut peer = Peer::start(make_and_drop::<B>)?;
    peer.expect("dropped")?;
    signal::send::<B>(peer.id(), Signal::Terminate)?;
    ended_by(&mut peer, "SIGTERM")
}

fn make_and_drop<B: Backend>(stage: &mut Stage) -> Verdict {
    drop(listen::<B>()?);
    stage.say("dropped");
    stage.wait_for_end_of_input();
    Ok(())
}

fn it_can_be_waited_for<B: Backend>() -> Verdict {
    let mut peer = Peer::start(wait_for_it::<B>)?;
    peer.expect("TimedOut")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    peer.expect("Some(User1)")?;
    Ok(peer.finish()?)
}

fn wait_for_it<B: Backend>(stage: &mut Stage) -> Verdict {
    let shutdown = Shutdown::<B>::on([Signal::User1, Signal::User2])?;
    let ended = shutdown.wait_timeout(Duration::from_millis(10)).map_err(|error| error.kind());
    stage.say(format!("{:?}", ended.err().ok_or("it was asked to end")?));
    shutdown.wait()?;
    stage.say(format!("{:?}", shutdown.signal()));
    assert_eq!(Shutdown::<B>::on([]).err().map(|e| e.kind()), Some(ErrorKind::InvalidInput));
    Ok(())
}

fn nothing_is_left_of_those_that_were_dropped<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("nobody counts the files of a process here");
    }
    let mut peer = Peer::start(make_many::<B>)?;
    peer.expect("nothing left")?;
    Ok(peer.finish()?)
}

fn make_many<B: Backend>(stage: &mut Stage) -> Verdict {
    let count = |what| fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count);
    let (files, threads) = (count("fd"), count("task"));
    for _ in 0..200 {
        drop(listen::<B>()?);
    }
    // Their threads end by themselves.
    wait_until("they have ended", || count("task") == threads)?;
    assert_eq!(count("fd"), files);
    stage.say("nothing left");
    Ok(())
}
