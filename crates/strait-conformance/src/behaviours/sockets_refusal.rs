//! Whose connections are accepted, and what many of them, or hostile ones, can do.

use super::kind_of;
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours,
    fixtures::{limited_to, with_room_for},
    nobody, unique,
};
use std::{
    io::{Read, Write},
    time::Duration,
};
use strait::{
    AcceptFrom, ErrorKind,
    generic::{LocalDatagramListener, LocalListener, LocalStream},
};

behaviours! {
    sockets_refusal;
    another_user_does_not_find_what_is_for_this_one needs [LocalSockets],
    another_user_is_let_in_where_anyone_is needs [LocalSockets, PeerCredentials],
    another_user_is_let_in_where_it_is_listed needs [LocalSockets, PeerCredentials],
    another_user_is_refused_where_it_is_not_listed needs [LocalSockets, PeerCredentials],
    this_user_is_refused_where_it_is_not_listed needs [LocalSockets, PeerCredentials],
    this_user_finds_what_is_open_to_others needs [LocalSockets],
    a_listener_of_another_user_is_waited_for needs [LocalSockets],
    a_name_has_one_listener_whoever_it_is_for needs [LocalSockets],
    a_killed_listener_that_was_open_is_replaced needs [LocalSockets],
    ten_thousand_that_say_nothing_keep_nobody_out needs [LocalSockets],
    who_has_no_room_says_so_and_loses_nobody needs [LocalSockets],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        speak_to_root::<B>,
        listen_for_anyone::<B>,
        hold_all::<B>,
        hold_few::<B>,
        connect_many::<B>
    ]
}

fn another_user_does_not_find_what_is_for_this_one<B: Backend>() -> Verdict {
    let name = unique("own");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut other = nobody(speak_to_root::<B>, [&name])?;
    other.expect("NotFound")?;
    assert_eq!(kind_of(listener.accept_timeout(SOON)), ErrorKind::TimedOut);
    Ok(other.finish()?)
}

fn another_user_is_let_in_where_anyone_is<B: Backend>() -> Verdict {
    lets_nobody_in::<B>(AcceptFrom::Anyone)
}

fn another_user_is_let_in_where_it_is_listed<B: Backend>() -> Verdict {
    lets_nobody_in::<B>(AcceptFrom::Users(vec![1, NOBODY]))
}

fn lets_nobody_in<B: Backend>(from: AcceptFrom) -> Verdict {
    let name = unique("open");
    let listener = LocalListener::<B>::options().accept_from(from).bind(&name)?;
    let mut other = nobody(speak_to_root::<B>, [&name])?;
    other.expect("connected")?;
    let mut stream = listener.accept_timeout(PATIENCE)?;
    assert_eq!(stream.peer_credentials()?.user, NOBODY);
    let mut text = [0; 6];
    stream.read_exact_timeout(&mut text, PATIENCE)?;
    stream.write_all(&text)?;
    other.expect("answered")?;
    Ok(other.finish()?)
}

fn another_user_is_refused_where_it_is_not_listed<B: Backend>() -> Verdict {
    let name = unique("refused");
    let from = AcceptFrom::Users(vec![0]);
    let listener = LocalListener::<B>::options().accept_from(from).bind(&name)?;
    let mut other = nobody(speak_to_root::<B>, [&name])?;
    other.expect("connected")?;
    // Behind it comes one that is accepted.
    let mut own = LocalStream::<B>::connect(&name)?;
    own.write_all(b"own")?;
    let stream = listener.accept_timeout(PATIENCE)?;
    let mut text = [0; 3];
    stream.read_exact_timeout(&mut text, PATIENCE)?;
    assert_eq!(&text, b"own");
    other.expect("let go")?;
    Ok(other.finish()?)
}

fn this_user_is_refused_where_it_is_not_listed<B: Backend>() -> Verdict {
    let name = unique("self");
    let from = AcceptFrom::Users(vec![u32::MAX - 7]);
    let listener = LocalListener::<B>::options().accept_from(from).bind(&name)?;
    let stream = LocalStream::<B>::connect(&name)?;
    assert_eq!(kind_of(listener.accept_timeout(SOON)), ErrorKind::TimedOut);
    assert_eq!(stream.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn this_user_finds_what_is_open_to_others<B: Backend>() -> Verdict {
    let name = unique("found");
    let open = || LocalListener::<B>::options().accept_from(AcceptFrom::Anyone).bind(&name);
    for _ in 0..10 {
        let listener = open()?;
        let mut stream = LocalStream::<B>::connect(&name)?;
        stream.write_all(b"!")?;
        listener.accept_timeout(PATIENCE)?.read_exact_timeout(&mut [0], PATIENCE)?;
        let own = stream.peer_credentials()?.user;
        LocalStream::<B>::options().owner(own).connect(&name)?;
        drop(listener);
        assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::NotFound);
    }
    // Also where it waits.
    std::thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| LocalStream::<B>::connect_timeout(&name, PATIENCE).map(drop));
        let _listener = open()?;
        waiter.join().map_err(|_| "the waiter panicked")??;
        Ok(())
    })
}

fn a_listener_of_another_user_is_waited_for<B: Backend>() -> Verdict {
    let name = unique("waited");
    let connect = || LocalStream::<B>::options().owner(NOBODY);
    assert_eq!(kind_of(connect().connect(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(connect().connect_timeout(&name, SOON)), ErrorKind::NotFound);
    let mut other = nobody(listen_for_anyone::<B>, [&name])?;
    std::thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| connect().connect_timeout(&name, PATIENCE));
        other.tell("listen");
        other.expect("listening")?;
        let stream = waiter.join().map_err(|_| "the waiter panicked")??;
        assert_eq!(stream.peer_credentials()?.user, NOBODY);
        Ok(())
    })?;
    Ok(other.finish()?)
}

fn a_name_has_one_listener_whoever_it_is_for<B: Backend>() -> Verdict {
    let name = unique("one");
    let open = || LocalListener::<B>::options().accept_from(AcceptFrom::Anyone).bind(&name);
    let listener = open()?;
    assert_eq!(kind_of(open()), ErrorKind::AddrInUse);
    assert_eq!(kind_of(LocalListener::<B>::bind(&name)), ErrorKind::AddrInUse);
    assert_eq!(kind_of(LocalDatagramListener::<B>::bind(&name)), ErrorKind::AddrInUse);
    // The first is not disturbed.
    let _stream = LocalStream::<B>::connect(&name)?;
    listener.accept_timeout(PATIENCE)?;
    drop(listener);
    let _listener = LocalListener::<B>::bind(&name)?;
    assert_eq!(kind_of(open()), ErrorKind::AddrInUse);
    LocalStream::<B>::connect(&name)?;
    Ok(())
}

fn a_killed_listener_that_was_open_is_replaced<B: Backend>() -> Verdict {
    let name = unique("killed");
    for replacement_is_open in [false, true] {
        let mut peer = Peer::with_args(listen_for_anyone::<B>, [&name])?;
        peer.expect("started")?;
        peer.tell("listen");
        peer.expect("listening")?;
        peer.kill()?;
        assert_eq!(kind_of(LocalStream::<B>::connect(&name)), ErrorKind::NotFound);
        let from = if replacement_is_open { AcceptFrom::Anyone } else { AcceptFrom::SameUser };
        let listener = LocalListener::<B>::options().accept_from(from).bind(&name)?;
        LocalStream::<B>::connect(&name)?;
        listener.accept_timeout(PATIENCE)?;
    }
    Ok(())
}

fn ten_thousand_that_say_nothing_keep_nobody_out<B: Backend>() -> Verdict {
    const PEERS: u32 = 4;
    let name = unique("silent");
    let mut server = with_room_for(12_000, hold_all::<B>, [&name])?;
    if server.expect("listening").is_err() {
        return crate::unavailable("needs room for 12000 descriptors");
    }
    let mut silent = Vec::new();
    for _ in 0..PEERS {
        silent.push(with_room_for(3000, connect_many::<B>, [&name[..], "2500"])?);
    }
    for peer in &mut silent {
        peer.expect("connected")?;
    }
    server.tell("how many");
    // All of them are held, and one that speaks is served.
    let mut stream = LocalStream::<B>::connect_timeout(&name, PATIENCE)?;
    stream.write_all(b"!")?;
    stream.read_exact_timeout(&mut [0], PATIENCE)?;
    server.expect("10000")?;
    // Their end frees all.
    for mut peer in silent {
        peer.kill()?;
    }
    Ok(server.finish()?)
}

fn who_has_no_room_says_so_and_loses_nobody<B: Backend>() -> Verdict {
    let name = unique("few");
    let mut server = limited_to(64, hold_few::<B>, [&name[..], "500"])?;
    server.expect("listening")?;
    let mut silent = Peer::with_args(connect_many::<B>, [&name[..], "500"])?;
    silent.expect("connected")?;
    server.expect("LimitReached with a hint")?;
    server.expect("500 accepted")?;
    silent.kill()?;
    Ok(server.finish()?)
}

/// Says something to a listener of root's, and what comes of it.
fn speak_to_root<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    let stream = match LocalStream::<B>::options().owner(0).connect(stage.arg(0)) {
        Ok(stream) => stream,
        Err(error) => {
            stage.say(format!("{:?}", error.kind()));
            return Ok(());
        }
    };
    // It may be let go by then.
    let _ = stream.write_all_timeout(b"spoken", PATIENCE);
    stage.say("connected");
    match stream.read_exact_timeout(&mut [0; 6], PATIENCE) {
        Ok(()) => stage.say("answered"),
        Err(error) if error.kind() == ErrorKind::Disconnected => stage.say("let go"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn listen_for_anyone<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    stage.expect("listen")?;
    let from = AcceptFrom::Anyone;
    let _listener = LocalListener::<B>::options().accept_from(from).bind(stage.arg(0))?;
    stage.say("listening");
    stage.wait_for_end_of_input();
    Ok(())
}

/// Holds the connections of all, and answers the first that it finds to speak after it was asked.
fn hold_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = LocalListener::<B>::bind(stage.arg(0))?;
    // Room for as many has to be there.
    let room = (0..5500).map(|_| LocalStream::<B>::pair()).collect::<Result<Vec<_>, _>>();
    if room.is_err() {
        return Err("there is no room".into());
    }
    drop(room);
    stage.say("listening");
    let mut held = Vec::new();
    while held.len() < 10_000 {
        held.push(listener.accept_timeout(PATIENCE)?);
    }
    stage.expect("how many")?;
    let mut speaker = listener.accept_timeout(PATIENCE)?;
    let mut byte = [0];
    speaker.read_exact_timeout(&mut byte, PATIENCE)?;
    speaker.write_all(&byte)?;
    stage.say(held.len());
    stage.wait_for_end_of_input();
    // None of them has said anything.
    for mut stream in held {
        assert_eq!(stream.read(&mut byte)?, 0);
    }
    Ok(())
}

/// Accepts as many as there is room for, says what the error is, makes room, and goes on.
fn hold_few<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = LocalListener::<B>::bind(stage.arg(0))?;
    let all: usize = stage.arg(1).parse()?;
    stage.say("listening");
    let (mut held, mut accepted, mut refused) = (Vec::new(), 0, 0);
    while accepted < all {
        match listener.accept_timeout(PATIENCE) {
            Ok(stream) => {
                held.push(stream);
                accepted += 1;
            }
            Err(error) if error.kind() == ErrorKind::LimitReached => {
                refused += 1;
                held.clear();
                if refused == 1 {
                    let hint =
                        if error.to_string().contains("ulimit") { "with a hint" } else { "" };
                    stage.say(format!("{:?} {hint}", error.kind()));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    assert!(refused > 5, "{refused}");
    stage.say(format!("{accepted} accepted"));
    stage.wait_for_end_of_input();
    Ok(())
}

fn connect_many<B: Backend>(stage: &mut Stage) -> Verdict {
    let many: usize = stage.arg(1).parse()?;
    let connect = |_| LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE);
    let _held = (0..many).map(connect).collect::<Result<Vec<_>, _>>()?;
    stage.say("connected");
    stage.wait_for_end_of_input();
    Ok(())
}

const NOBODY: u32 = 65534;

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
