//! Two-way traffic between processes that meet under a name.

use super::{kind_of, race};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::is_unix,
    patience::allowed, unavailable, unique, wait_until,
};
use std::{
    io::{self, Read, Write},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{
        ByteReceiver, CancelToken, Duplex, DuplexListener, LocalDatagram, LocalStream, NamedPipe,
    },
};

behaviours! {
    duplex_name;
    ten_megabytes_go_to_another_process_and_back needs [Pipes, LocalSockets, HandlePassing],
    what_is_written_before_it_is_accepted_arrives needs [Pipes, LocalSockets, HandlePassing],
    what_a_killed_peer_wrote_before_it_was_accepted_arrives needs [Pipes, LocalSockets, HandlePassing],
    many_connect_to_one needs [Pipes, LocalSockets, HandlePassing],
    a_killed_peer_is_the_end_and_disconnected needs [Pipes, LocalSockets, HandlePassing],
    connecting_two_pipes_waits_for_a_listener needs [Pipes, LocalSockets, HandlePassing],
    connecting_and_accepting_end_in_time needs [Pipes, LocalSockets, HandlePassing],
    one_of_16_processes_gets_to_accept needs [Pipes, LocalSockets, HandlePassing],
    the_name_is_one_things_only needs [Pipes, LocalSockets, HandlePassing, NamedPipes],
    who_says_something_else_holds_up_nobody needs [Pipes, LocalSockets, HandlePassing],
    one_that_is_slow_is_accepted_by_whoever_waits needs [Pipes, LocalSockets, HandlePassing],
    many_that_are_silent_hold_up_nobody needs [Pipes, LocalSockets, HandlePassing],
    an_end_is_handed_on needs [Pipes, LocalSockets, HandlePassing],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![echo::<B>, connect_and_stay::<B>, bind_when_told::<B>]
}

fn ten_megabytes_go_to_another_process_and_back<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("echo"))?;
    let peer = Peer::with_args(echo::<B>, [listener.name()])?;
    let end = listener.accept_timeout(PATIENCE)?;
    let sent: Vec<u8> = (0..10 << 20).map(|i: u32| (i % 251) as u8).collect();
    let mut all = vec![0; sent.len()];
    thread::scope(|scope| -> Verdict {
        let writer = scope.spawn(|| end.until(PATIENCE).write_all(&sent));
        end.until(PATIENCE).read_exact(&mut all)?;
        Ok(writer.join().map_err(|_| "the writer panicked")??)
    })?;
    assert!(all == sent, "other bytes came back");
    // The end of one direction is passed on in the other.
    let reader = end.close_write();
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(peer.finish()?)
}

fn what_is_written_before_it_is_accepted_arrives<B: Backend>() -> Verdict {
    let (listener, peer) = connected_early::<B>()?;
    let end = listener.accept_timeout(PATIENCE)?;
    end.until(PATIENCE).read_exact(&mut [0; 5])?;
    Ok(peer.finish()?)
}

fn what_a_killed_peer_wrote_before_it_was_accepted_arrives<B: Backend>() -> Verdict {
    if !is_unix() {
        return unavailable("handles on their way end here with the process that sent them");
    }
    let (listener, mut peer) = connected_early::<B>()?;
    peer.kill()?;
    let end = listener.accept_timeout(PATIENCE)?;
    let mut all = String::new();
    end.until(PATIENCE).read_to_string(&mut all)?;
    assert_eq!(all, "early");
    Ok(())
}

/// One that listens, and a peer that has connected to it and written.
fn connected_early<B: Backend>() -> Result<(DuplexListener<B>, Peer), Failure> {
    let listener = Duplex::<B>::bind(unique("early"))?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [listener.name()])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    Ok((listener, peer))
}

fn many_connect_to_one<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("many"))?;
    let start = |_| Peer::with_args(echo::<B>, [listener.name()]);
    let peers = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    let accept = |_| listener.accept_timeout(PATIENCE);
    let ends = (0..8).map(accept).collect::<Result<Vec<_>, _>>()?;
    for (number, end) in ends.iter().enumerate() {
        end.until(PATIENCE).write_all(&[number as u8])?;
    }
    for (number, end) in ends.iter().enumerate() {
        let mut byte = [0];
        end.until(PATIENCE).read_exact(&mut byte)?;
        assert_eq!(usize::from(byte[0]), number);
    }
    drop(ends);
    peers.into_iter().try_for_each(|peer| Ok(peer.finish()?))
}

fn a_killed_peer_is_the_end_and_disconnected<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("killed"))?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [listener.name()])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let end = listener.accept_timeout(PATIENCE)?;
    end.until(PATIENCE).read_exact(&mut [0; 5])?;
    assert_eq!(kind_of(end.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    peer.kill()?;
    assert_eq!(end.read_timeout(&mut [0], PATIENCE)?, 0);
    assert_eq!(kind_of(end.write_timeout(b"lost", PATIENCE)), ErrorKind::Disconnected);
    // The other way round: a listener that never accepts.
    let name = unique("killed");
    let mut peer = Peer::with_args(bind_when_told::<B>, [&name])?;
    peer.expect("ready")?;
    peer.tell("go");
    peer.expect("bound")?;
    let end = Duplex::<B>::connect(&name)?;
    peer.kill()?;
    assert_eq!(end.read_timeout(&mut [0], PATIENCE)?, 0);
    wait_until("the reader is gone", || {
        let lost = end.write_timeout(b"lost", PATIENCE);
        lost.is_err_and(|error| error.kind() == ErrorKind::Disconnected)
    })?;
    assert_eq!(kind_of(Duplex::<B>::connect(&name)), ErrorKind::NotFound);
    // What it left behind goes with the next listener.
    drop(Duplex::<B>::bind(&name)?);
    Ok(())
}

fn connecting_two_pipes_waits_for_a_listener<B: Backend>() -> Verdict {
    for _ in 0..10 {
        let name = unique("waits");
        let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
        peer.expect("connecting")?;
        let listener = Duplex::<B>::bind(&name)?;
        let end = listener.accept_timeout(PATIENCE)?;
        end.until(PATIENCE).read_exact(&mut [0; 5])?;
        peer.finish()?;
    }
    Ok(())
}

fn connecting_and_accepting_end_in_time<B: Backend>() -> Verdict {
    let name = unique("in-time");
    assert_eq!(kind_of(Duplex::<B>::connect(&name)), ErrorKind::NotFound);
    let begin = Instant::now();
    assert_eq!(kind_of(Duplex::<B>::connect_timeout(&name, SOON)), ErrorKind::NotFound);
    assert!(begin.elapsed() >= SOON);
    let listener = Duplex::<B>::bind(&name)?;
    let begin = Instant::now();
    assert_eq!(kind_of(listener.accept_timeout(SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    let token = CancelToken::<B>::new()?;
    thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| listener.accept_deadline(&token).map_err(|e| e.kind()));
        token.cancel();
        let ended = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!(ended.err(), Some(ErrorKind::Cancelled));
        Ok(())
    })?;
    let _there = Duplex::<B>::connect(&name)?;
    listener.accept_timeout(PATIENCE)?;
    Ok(())
}

fn one_of_16_processes_gets_to_accept<B: Backend>() -> Verdict {
    let name = unique("race");
    let said = ("bound", "AddrInUse");
    let (winners, peers) = race(16, bind_when_told::<B>, &name, said)?;
    assert_eq!(winners, 1);
    Duplex::<B>::connect(&name)?;
    peers.into_iter().try_for_each(|peer| Ok::<(), Failure>(peer.finish()?))?;
    assert_eq!(kind_of(Duplex::<B>::connect(&name)), ErrorKind::NotFound);
    Ok(())
}

fn the_name_is_one_things_only<B: Backend>() -> Verdict {
    let (of_duplex, of_pipe) = (unique("of-duplex"), unique("of-pipe"));
    let _listener = Duplex::<B>::bind(&of_duplex)?;
    assert_eq!(kind_of(NamedPipe::<B>::create(&of_duplex)), ErrorKind::AlreadyExists);
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&of_duplex)), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(ByteReceiver::<B>::bind(&of_duplex)), ErrorKind::AddrInUse);
    assert_eq!(kind_of(LocalStream::<B>::connect(&of_duplex)), ErrorKind::TypeMismatch);
    let _pipe = NamedPipe::<B>::create(&of_pipe)?;
    assert_eq!(kind_of(Duplex::<B>::bind(&of_pipe)), ErrorKind::AddrInUse);
    assert_eq!(kind_of(Duplex::<B>::connect(&of_pipe)), ErrorKind::TypeMismatch);
    Ok(())
}

fn who_says_something_else_holds_up_nobody<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("else"))?;
    let name = listener.name().clone();
    let silent = LocalDatagram::<B>::connect(&name)?;
    // It isn't let go before its time, and what it says then counts.
    assert_eq!(kind_of(listener.accept_timeout(SOON)), ErrorKind::TimedOut);
    let (here, there) = Duplex::<B>::pair()?;
    silent.send_endpoint(there)?;
    let end = listener.accept_timeout(PATIENCE)?;
    end.until(PATIENCE).write_all(b"late")?;
    here.until(PATIENCE).read_exact(&mut [0; 4])?;

    let wrong = LocalDatagram::<B>::connect(&name)?;
    wrong.send(b"what is this")?;
    let other = LocalDatagram::<B>::connect(&name)?;
    other.send_endpoint(Duplex::<B>::pair()?.0.split().0)?;
    drop(LocalDatagram::<B>::connect(&name)?);
    let silent = LocalDatagram::<B>::connect(&name)?;
    let there = Duplex::<B>::connect(&name)?;
    there.until(PATIENCE).write_all(b"right")?;
    // Also who asks again and again in between isn't held up for long.
    let begin = Instant::now();
    let end = loop {
        match listener.accept_timeout(SOON) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                assert!(begin.elapsed() < PATIENCE, "it is held up");
            }
            done => break done?,
        }
    };
    end.until(PATIENCE).read_exact(&mut [0; 5])?;
    drop(silent);
    Ok(())
}

fn one_that_is_slow_is_accepted_by_whoever_waits<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("threads"))?;
    let name = listener.name().clone();
    for _ in 0..10 {
        thread::scope(|scope| -> Verdict {
            let accept = |time| {
                let listener = &listener;
                scope.spawn(move || listener.accept_timeout(time).map(drop).map_err(|e| e.kind()))
            };
            let (impatient, patient) = (accept(SOON), accept(PATIENCE));
            let slow = LocalDatagram::<B>::connect(&name)?;
            // Whoever of them has seen it.
            let told = impatient.join().map_err(|_| "a thread panicked")?;
            assert_eq!(told, Err(ErrorKind::TimedOut));
            let (_here, there) = Duplex::<B>::pair()?;
            slow.send_endpoint(there)?;
            let told = patient.join().map_err(|_| "a thread panicked")?;
            assert_eq!(told, Ok(()));
            Ok(())
        })?;
    }
    Ok(())
}

fn many_that_are_silent_hold_up_nobody<B: Backend>() -> Verdict {
    let listener = Duplex::<B>::bind(unique("silent"))?;
    let name = listener.name().clone();
    let connect = |_| LocalDatagram::<B>::connect(&name);
    let silent = (0..50).map(connect).collect::<Result<Vec<_>, _>>()?;
    let _there = Duplex::<B>::connect(&name)?;
    // Those that keep silent are looked at all at once.
    let begin = Instant::now();
    listener.accept_timeout(PATIENCE)?;
    assert!(begin.elapsed() < allowed(SOON * 10), "held up for {:?}", begin.elapsed());
    // What they say at last counts.
    for slow in &silent {
        slow.send_endpoint(Duplex::<B>::pair()?.0)?;
    }
    for _ in &silent {
        listener.accept_timeout(PATIENCE)?;
    }
    Ok(())
}

fn an_end_is_handed_on<B: Backend>() -> Verdict {
    let (here, there) = Duplex::<B>::pair()?;
    let (front, back) = LocalStream::<B>::pair()?;
    front.send_endpoint(there)?;
    let there: Duplex<B> = back.recv_endpoint_timeout(PATIENCE)?;
    here.until(PATIENCE).write_all(b"there")?;
    there.until(PATIENCE).write_all(b"here.")?;
    let mut both = [[0; 5]; 2];
    there.until(PATIENCE).read_exact(&mut both[0])?;
    here.until(PATIENCE).read_exact(&mut both[1])?;
    assert_eq!(both, [*b"there", *b"here."]);
    Ok(())
}

/// Sends back what it receives, until the end.
fn echo<B: Backend>(stage: &mut Stage) -> Verdict {
    let end = Duplex::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    let (mut reader, mut writer) = end.split();
    io::copy(&mut reader, &mut writer)?;
    drop(writer);
    stage.wait_for_end_of_input();
    Ok(())
}

fn connect_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("connecting");
    let end = Duplex::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    end.until(PATIENCE).write_all(b"early")?;
    stage.say("connected");
    stage.wait_for_end_of_input();
    Ok(())
}

fn bind_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let listener = Duplex::<B>::bind(stage.arg(0));
    match &listener {
        Ok(_) => stage.say("bound"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    stage.wait_for_end_of_input();
    Ok(())
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
