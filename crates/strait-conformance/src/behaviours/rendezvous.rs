//! Meeting under a name, and noticing the end of the other.

use super::{kind_of, race};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, unavailable,
    unique, wait_until,
};
use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Name,
    backend::{Connection, Deadline, Doorbell, Listener, Segment, Wake},
};
use strait_protocol::shared;

behaviours! {
    rendezvous;
    nobody_listening_is_not_found needs [Rendezvous],
    connecting_waits_for_a_listener needs [Rendezvous],
    connecting_gives_up_at_its_deadline needs [Rendezvous],
    who_waits_finds_names_whose_place_was_made_anew needs [Rendezvous],
    a_live_listener_is_never_replaced needs [Rendezvous],
    a_dead_listener_is_replaced needs [Rendezvous],
    a_dropped_listener_frees_its_name needs [Rendezvous],
    one_of_16_processes_gets_to_listen needs [Rendezvous],
    the_longest_name_is_listened_on needs [Rendezvous],
    the_advert_is_shown_to_whoever_connects needs [Rendezvous],
    a_segment_travels_over_a_connection needs [Rendezvous, AnonymousSegments],
    the_peer_is_who_it_is needs [Rendezvous, PeerCredentials],
    a_ring_is_heard_and_kept_until_it_is needs [Rendezvous],
    the_end_of_a_killed_peer_is_noticed needs [Rendezvous],
    a_bell_that_nobody_hears_can_always_be_rung needs [Rendezvous],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![listen::<B>, listen_when_told::<B>, connect_and_stay::<B>]
}

fn nobody_listening_is_not_found<B: Backend>() -> Verdict {
    assert_eq!(kind_of(B::connect(&name("nobody")?, Deadline::now())), ErrorKind::NotFound);
    Ok(())
}

fn connecting_waits_for_a_listener<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let name = name("waits")?;
        let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
        peer.expect("connecting")?;
        let _listener = B::listen(&name, b"")?;
        peer.expect("connected")?;
        peer.finish()?;
    }
    Ok(())
}

fn connecting_gives_up_at_its_deadline<B: Backend>() -> Verdict {
    let begin = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(30));
    assert_eq!(kind_of(B::connect(&name("gives-up")?, deadline)), ErrorKind::NotFound);
    assert!(begin.elapsed() >= Duration::from_millis(30));
    Ok(())
}

fn who_waits_finds_names_whose_place_was_made_anew<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("removes the directory of sockets");
    }
    let runtime = env::temp_dir().join(unique("anew").replace('/', "-"));
    assert!(Command::new("mkdir").args(["-m", "700"]).arg(&runtime).status()?.success());
    let place = runtime.join("strait");
    let there = ["env", &format!("XDG_RUNTIME_DIR={}", runtime.display())].map(str::to_owned);
    let name = name("anew")?;
    let mut waiter = Peer::under(&there, connect_and_stay::<B>, [&name])?;
    waiter.expect("connecting")?;
    for _ in 0..5 {
        // Who waits makes it, to notice what appears there.
        wait_until("somebody waits there", || place.exists())?;
        fs::remove_dir(&place)?;
    }
    wait_until("somebody waits there", || place.exists())?;
    let mut peer = Peer::under(&there, listen::<B>, [&name])?;
    peer.expect("listening")?;
    waiter.expect("connected")?;
    waiter.finish()?;
    peer.finish()?;
    Ok(fs::remove_dir_all(&runtime)?)
}

fn a_live_listener_is_never_replaced<B: Backend>() -> Verdict {
    let name = name("live")?;
    let mut peer = Peer::with_args(listen::<B>, [&name])?;
    peer.expect("listening")?;
    for _ in 0..10 {
        assert_eq!(kind_of(B::listen(&name, b"")), ErrorKind::AddrInUse);
    }
    B::connect(&name, Deadline::now())?;
    Ok(peer.finish()?)
}

fn a_dead_listener_is_replaced<B: Backend>() -> Verdict {
    let name = name("dead")?;
    let mut peer = Peer::with_args(listen::<B>, [&name])?;
    peer.expect("listening")?;
    peer.kill()?;
    assert_eq!(kind_of(B::connect(&name, Deadline::now())), ErrorKind::NotFound);
    let listener = B::listen(&name, b"")?;
    B::connect(&name, Deadline::now())?;
    assert!(listener.accept()?.is_some());
    Ok(())
}

fn a_dropped_listener_frees_its_name<B: Backend>() -> Verdict {
    let name = name("dropped")?;
    for _ in 0..20 {
        let listener = B::listen(&name, b"")?;
        drop(listener);
        assert_eq!(kind_of(B::connect(&name, Deadline::now())), ErrorKind::NotFound);
    }
    Ok(())
}

fn one_of_16_processes_gets_to_listen<B: Backend>() -> Verdict {
    let name = name("race")?;
    let mut dead = Peer::with_args(listen::<B>, [&name])?;
    dead.expect("listening")?;
    dead.kill()?;
    let said = ("listening", "AddrInUse");
    let (winners, peers) = race(16, listen_when_told::<B>, name.as_str(), said)?;
    assert_eq!(winners, 1);
    B::connect(&name, Deadline::now())?;
    for peer in peers {
        peer.finish()?;
    }
    Ok(())
}

fn the_longest_name_is_listened_on<B: Backend>() -> Verdict {
    let prefix = unique("longest");
    let long = |end: &str| Name::new(&format!("{prefix:x<199}{end}"));
    let (one, two) = (long("1")?, long("2")?);
    let _one = B::listen(&one, b"one")?;
    assert_eq!(kind_of(B::connect(&two, Deadline::now())), ErrorKind::NotFound);
    let _two = B::listen(&two, b"two")?;
    assert_eq!(B::connect(&one, Deadline::now())?.1, b"one");
    assert_eq!(B::connect(&two, Deadline::now())?.1, b"two");
    Ok(())
}

fn the_advert_is_shown_to_whoever_connects<B: Backend>() -> Verdict {
    let name = name("advert")?;
    for advert in [&b""[..], b"an advert", &[0xff; 1000]] {
        let _listener = B::listen(&name, advert)?;
        assert_eq!(B::connect(&name, Deadline::now())?.1, advert);
    }
    Ok(())
}

fn a_segment_travels_over_a_connection<B: Backend>() -> Verdict {
    let (here, there) = B::pair()?;
    let mut buffer = [0; 16];
    assert!(there.receive(&mut buffer)?.is_none());
    let segment = B::Segment::anonymous(10_000)?;
    shared::write(&segment, 9_990, b"everywhere")?;
    here.send(b"with a segment", Some(&segment))?;
    drop((segment, here));
    let Some((14, Some(received))) = there.receive(&mut buffer)? else {
        return Err("no segment came".into());
    };
    assert_eq!((&buffer[..14], received.len()), (&b"with a segment"[..], 10_000));
    let mut text = [0; 10];
    shared::read(&received, 9_990, &mut text)?;
    assert_eq!(&text, b"everywhere");
    // Waited for: a process that another thread is just starting may still have the other end.
    assert_eq!(there.wait(Deadline::after(Duration::from_secs(10)))?, Wake::HungUp);
    assert!(matches!(there.receive(&mut buffer)?, Some((0, None))), "the end comes after it");
    Ok(())
}

fn the_peer_is_who_it_is<B: Backend>() -> Verdict {
    let name = name("who")?;
    let listener = B::listen(&name, b"")?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let connection = listener.accept()?.ok_or("nobody came")?;
    let found = connection.peer()?;
    let (here, _there) = B::pair()?;
    let this = here.peer()?;
    assert_eq!((found.pid, this.pid), (peer.id(), std::process::id()));
    assert_eq!((found.user, found.group), (this.user, this.group));
    Ok(peer.finish()?)
}

fn a_ring_is_heard_and_kept_until_it_is<B: Backend>() -> Verdict {
    let (here, there) = B::pair()?;
    let soon = || Deadline::after(Duration::from_millis(10));
    assert_eq!(there.wait(soon())?, Wake::TimedOut);
    for _ in 0..3 {
        here.ring()?;
    }
    assert_eq!(there.wait(Deadline::NEVER)?, Wake::Rung);
    // However many rings there were, they are heard in the end.
    while there.wait(soon())? == Wake::Rung {}
    here.ring()?;
    drop(here);
    assert_eq!(there.wait(Deadline::NEVER)?, Wake::Rung);
    assert_eq!(there.wait(Deadline::NEVER)?, Wake::HungUp);
    assert_eq!(there.wait(soon())?, Wake::HungUp);
    Ok(())
}

fn the_end_of_a_killed_peer_is_noticed<B: Backend>() -> Verdict {
    let name = name("end")?;
    let listener = B::listen(&name, b"")?;
    let mut peer = Peer::with_args(connect_and_stay::<B>, [&name])?;
    peer.expect("connecting")?;
    peer.expect("connected")?;
    let connection = listener.accept()?.ok_or("nobody came")?;
    assert_eq!(connection.wait(Deadline::after(Duration::from_millis(10)))?, Wake::TimedOut);
    peer.kill()?;
    assert_eq!(connection.wait(Deadline::NEVER)?, Wake::HungUp);
    assert_eq!(kind_of(connection.ring()), ErrorKind::Disconnected);
    Ok(())
}

fn a_bell_that_nobody_hears_can_always_be_rung<B: Backend>() -> Verdict {
    let (here, there) = B::pair()?;
    for _ in 0..100_000 {
        here.ring()?;
    }
    assert_eq!(there.wait(Deadline::NEVER)?, Wake::Rung);
    Ok(())
}

fn listen<B: Backend>(stage: &mut Stage) -> Verdict {
    let _listener = B::listen(&Name::new(stage.arg(0))?, b"")?;
    stage.say("listening");
    stage.wait_for_end_of_input();
    Ok(())
}

fn listen_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let listener = B::listen(&Name::new(stage.arg(0))?, b"");
    match &listener {
        Ok(_) => stage.say("listening"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    stage.wait_for_end_of_input();
    Ok(())
}

fn connect_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("connecting");
    let deadline = Deadline::after(Duration::from_secs(20));
    let _connection = B::connect(&Name::new(stage.arg(0))?, deadline)?;
    stage.say("connected");
    stage.wait_for_end_of_input();
    Ok(())
}

fn name(label: &str) -> Result<Name, Failure> {
    Ok(Name::new(&unique(label))?)
}
