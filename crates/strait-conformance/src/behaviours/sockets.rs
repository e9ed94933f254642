//! Streams over local sockets.

use super::{kind_of, race};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{
        ByteReceiver, ByteSender, LocalDatagram, LocalDatagramListener, LocalListener, LocalStream,
    },
};

behaviours! {
    sockets;
    two_processes_talk needs [LocalSockets],
    much_is_echoed_whole needs [LocalSockets],
    an_end_that_is_shut_down_can_still_be_read needs [LocalSockets],
    an_end_that_was_cloned_is_open_until_both_are_dropped needs [LocalSockets],
    writing_to_nobody_is_an_error needs [LocalSockets],
    every_wait_ends_at_its_deadline needs [LocalSockets],
    what_was_read_before_the_deadline_is_whole needs [LocalSockets],
    who_waits_goes_on_when_the_peer_is_killed needs [LocalSockets],
    connecting_waits_for_a_listener needs [LocalSockets],
    nobody_listening_is_not_found needs [LocalSockets],
    a_second_listener_is_refused needs [LocalSockets],
    a_killed_listener_is_replaced needs [LocalSockets],
    a_dropped_listener_frees_its_name needs [LocalSockets],
    one_of_16_processes_gets_to_listen needs [LocalSockets],
    channels_and_sockets_share_names needs [LocalSockets, Rendezvous],
    the_peer_is_who_it_is needs [LocalSockets, PeerCredentials],
    who_connects_early_is_served needs [LocalSockets],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![listen::<B>, listen_when_told::<B>, echo::<B>, connect_and_stay::<B>]
}

fn two_processes_talk<B: Backend>() -> Verdict {
    let name = unique("talk");
    let mut peer = Peer::with_args(echo::<B>, [&name])?;
    peer.expect("listening")?;
    for _ in 0..20 {
        let mut stream = LocalStream::<B>::connect(&name)?;
        stream.write_all(b"question")?;
        stream.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        assert_eq!(text, "question");
    }
    Ok(peer.finish()?)
}

fn much_is_echoed_whole<B: Backend>() -> Verdict {
    let name = unique("much");
    let mut peer = Peer::with_args(echo::<B>, [&name])?;
    peer.expect("listening")?;
    let stream = LocalStream::<B>::connect(&name)?;
    let sent: Vec<u8> = (0..5_000_001_u32).map(|i| (i % 251) as u8).collect();
    let received = thread::scope(|scope| -> Result<_, Failure> {
        let reader = scope.spawn(|| {
            let mut all = Vec::new();
            (&stream).read_to_end(&mut all).map(|_| all)
        });
        stream.write_all_timeout(&sent, PATIENCE)?;
        stream.shutdown(Shutdown::Write)?;
        Ok(reader.join().map_err(|_| "the reader panicked")??)
    })?;
    assert!(received == sent);
    Ok(peer.finish()?)
}

fn an_end_that_is_shut_down_can_still_be_read<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    here.shutdown(Shutdown::Write)?;
    assert_eq!((&there).read(&mut [0])?, 0);
    assert_eq!(kind_of(here.write_timeout(b"lost", SOON)), ErrorKind::Disconnected);
    (&there).write_all(b"answer")?;
    let mut answer = [0; 6];
    here.read_exact_timeout(&mut answer, PATIENCE)?;
    assert_eq!(&answer, b"answer");
    there.shutdown(Shutdown::Both)?;
    assert_eq!((&here).read(&mut [0])?, 0);
    Ok(())
}

fn an_end_that_was_cloned_is_open_until_both_are_dropped<B: Backend>() -> Verdict {
    let (here, mut there) = LocalStream::<B>::pair()?;
    let clone = here.try_clone()?;
    drop(here);
    (&clone).write_all(b"both")?;
    assert_eq!(kind_of(clone.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    // Shut down by one clone, it is for all.
    let another = clone.try_clone()?;
    another.shutdown(Shutdown::Write)?;
    assert_eq!(kind_of(clone.write_timeout(b"lost", SOON)), ErrorKind::Disconnected);
    drop((clone, another));
    let mut all = String::new();
    there.read_to_string(&mut all)?;
    assert_eq!(all, "both");
    Ok(())
}

fn writing_to_nobody_is_an_error<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    (&here).write_all(b"never read")?;
    drop(there);
    assert_eq!(kind_of(here.write_timeout(b"lost", SOON)), ErrorKind::Disconnected);
    let error = (&here).write(b"lost").err().ok_or("it was written")?;
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    Ok(())
}

fn every_wait_ends_at_its_deadline<B: Backend>() -> Verdict {
    let name = unique("deadline");
    let listener = LocalListener::<B>::bind(&name)?;
    let (here, _there) = LocalStream::<B>::pair()?;
    let waits: [&dyn Fn(Duration) -> ErrorKind; 4] = [
        &|timeout| kind_of(listener.accept_timeout(timeout)),
        &|timeout| kind_of(here.read_timeout(&mut [0], timeout)),
        &|timeout| kind_of(here.read_exact_timeout(&mut [0; 2], timeout)),
        &|timeout| kind_of(here.recv_handles_timeout(&mut [0], timeout)),
    ];
    for wait in waits {
        for timeout in [Duration::ZERO, Duration::from_micros(10), SOON] {
            let begin = Instant::now();
            assert_eq!(wait(timeout), ErrorKind::TimedOut);
            assert!(begin.elapsed() >= timeout);
        }
    }
    let begin = Instant::now();
    let much = vec![0; 64 << 20];
    assert_eq!(kind_of(here.write_all_timeout(&much, SOON)), ErrorKind::TimedOut);
    assert_eq!(kind_of(here.write_timeout(&much, SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON + SOON);
    Ok(())
}

fn what_was_read_before_the_deadline_is_whole<B: Backend>() -> Verdict {
    let name = unique("part");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let stream = listener.accept_timeout(PATIENCE)?;
    // It sends 4 bytes of 8 and stops.
    let mut message = [0; 8];
    let begin = Instant::now();
    let error = kind_of(stream.read_exact_timeout(&mut message, Duration::from_millis(100)));
    assert_eq!(error, ErrorKind::TimedOut);
    assert!(begin.elapsed() < PATIENCE);
    assert_eq!(&message, b"part\0\0\0\0");
    peer.kill()?;
    assert_eq!(kind_of(stream.read_exact_timeout(&mut [0], PATIENCE)), ErrorKind::Disconnected);
    Ok(())
}

fn who_waits_goes_on_when_the_peer_is_killed<B: Backend>() -> Verdict {
    let name = unique("killed");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let stream = listener.accept_timeout(PATIENCE)?;
    thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| {
            let mut all = Vec::new();
            (&stream).read_to_end(&mut all).map(|_| all)
        });
        peer.kill()?;
        let all = waiter.join().map_err(|_| "the waiter panicked")??;
        assert_eq!(all, b"part");
        Ok(())
    })
}

fn connecting_waits_for_a_listener<B: Backend>() -> Verdict {
    for _ in 0..10 {
        let name = unique("waits");
        let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
        peer.expect("connecting")?;
        let listener = LocalListener::<B>::bind(&name)?;
        peer.expect("connected")?;
        drop(listener.accept_timeout(PATIENCE)?);
        peer.finish()?;
    }
    Ok(())
}

fn nobody_listening_is_not_found<B: Backend>() -> Verdict {
    let name = unique("nobody");
    assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::NotFound);
    let begin = Instant::now();
    assert_eq!(kind_of(LocalStream::<B>::connect_timeout(&name, SOON)), ErrorKind::NotFound);
    assert!(begin.elapsed() >= SOON);
    assert_eq!(kind_of(LocalStream::<B>::connect("../x")), ErrorKind::InvalidInput);
    Ok(())
}

fn a_second_listener_is_refused<B: Backend>() -> Verdict {
    let name = unique("second");
    let mut peer = Peer::with_args(listen::<B>, [&name])?;
    peer.expect("listening")?;
    for _ in 0..10 {
        assert_eq!(kind_of(LocalListener::<B>::bind(&name)), ErrorKind::AddrInUse);
        assert_eq!(kind_of(LocalDatagramListener::<B>::bind(&name)), ErrorKind::AddrInUse);
    }
    // It isn't disturbed by that.
    drop(LocalStream::<B>::connect(&name)?);
    peer.expect("accepted")?;
    Ok(peer.finish()?)
}

fn a_killed_listener_is_replaced<B: Backend>() -> Verdict {
    let name = unique("stale");
    let mut peer = Peer::with_args(listen::<B>, [&name])?;
    peer.expect("listening")?;
    peer.kill()?;
    assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::NotFound);
    let listener = LocalListener::<B>::bind(&name)?;
    LocalStream::<B>::connect(&name)?;
    listener.accept_timeout(PATIENCE)?;
    Ok(())
}

fn a_dropped_listener_frees_its_name<B: Backend>() -> Verdict {
    let name = unique("dropped");
    for _ in 0..20 {
        drop(LocalListener::<B>::bind(&name)?);
        assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::NotFound);
    }
    Ok(())
}

fn one_of_16_processes_gets_to_listen<B: Backend>() -> Verdict {
    let name = unique("race");
    let mut dead = Peer::with_args(listen::<B>, [&name])?;
    dead.expect("listening")?;
    dead.kill()?;
    let said = ("listening", "AddrInUse");
    let (winners, peers) = race(16, listen_when_told::<B>, &name, said)?;
    assert_eq!(winners, 1);
    LocalStream::<B>::connect(&name)?;
    for peer in peers {
        peer.finish()?;
    }
    Ok(())
}

fn channels_and_sockets_share_names<B: Backend>() -> Verdict {
    let name = unique("shared");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    assert_eq!(kind_of(LocalListener::<B>::bind(&name)), ErrorKind::AddrInUse);
    assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(LocalDatagram::<B>::connect(&name)), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    drop(receiver);

    let listener = LocalListener::<B>::bind(&name)?;
    assert_eq!(kind_of(ByteReceiver::<B>::bind(&name)), ErrorKind::AddrInUse);
    let error = ByteSender::<B>::connect(&name).err().ok_or("it connected")?;
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    let text = error.to_string();
    assert!(text.contains("a listener for streams") && text.contains("a channel"), "{text}");
    assert_eq!(kind_of(LocalDatagram::<B>::connect(&name)), ErrorKind::TypeMismatch);
    // None of them has connected.
    assert_eq!(kind_of(listener.accept_timeout(SOON)), ErrorKind::TimedOut);
    drop(listener);

    let _listener = LocalDatagramListener::<B>::bind(&name)?;
    assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::TypeMismatch);
    Ok(())
}

fn the_peer_is_who_it_is<B: Backend>() -> Verdict {
    let name = unique("who");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let found = listener.accept_timeout(PATIENCE)?.peer_credentials()?;
    let this = LocalStream::<B>::pair()?.0.peer_credentials()?;
    assert_eq!((found.pid, this.pid), (peer.id(), std::process::id()));
    assert_eq!((found.user, found.group), (this.user, this.group));
    // Who connects learns who listens.
    assert_eq!(LocalStream::<B>::connect(&name)?.peer_credentials()?, this);
    Ok(peer.finish()?)
}

fn who_connects_early_is_served<B: Backend>() -> Verdict {
    let name = unique("early");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut streams = Vec::new();
    for number in 0_u8..100 {
        let mut stream = LocalStream::<B>::connect(&name)?;
        stream.write_all(&[number])?;
        streams.push(stream);
    }
    for (number, stream) in (0_u8..100).zip(listener.incoming()) {
        let stream = stream?;
        let mut byte = [0];
        stream.read_exact_timeout(&mut byte, PATIENCE)?;
        assert_eq!(byte, [number]);
    }
    Ok(())
}

fn listen<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = LocalListener::<B>::bind(stage.arg(0))?;
    stage.say("listening");
    if listener.accept_timeout(PATIENCE).is_ok() {
        stage.say("accepted");
    }
    stage.wait_for_end_of_input();
    Ok(())
}

fn listen_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let listener = LocalListener::<B>::bind(stage.arg(0));
    match &listener {
        Ok(_) => stage.say("listening"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    stage.wait_for_end_of_input();
    Ok(())
}

/// Echoes to one after another, until the parent has nothing more to say.
fn echo<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = LocalListener::<B>::bind(stage.arg(0))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = io::copy(&mut &stream, &mut &stream);
        }
    });
    stage.say("listening");
    stage.wait_for_end_of_input();
    Ok(())
}

/// Sends a part of something and stops.
fn connect_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("connecting");
    let mut stream = LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    stream.write_all(b"part")?;
    stage.say("connected");
    stage.wait_for_end_of_input();
    Ok(())
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
