//! The names of pipes: who has one, and what becomes of it.

use super::{
    kind_of,
    named_pipe::{PATIENCE, SOON, text, write_lines},
    race,
};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_unix,
    unavailable, unique, wait_until,
};
use std::{io::Write, process::Command, time::Duration};
use strait::{
    ErrorKind,
    generic::{ByteReceiver, ByteSender, NamedPipe},
};

behaviours! {
    named_pipe_name;
    a_name_that_nobody_has_is_not_found needs [NamedPipes],
    a_live_name_is_not_created_again needs [NamedPipes],
    a_name_is_one_things_only needs [NamedPipes, Rendezvous],
    one_of_16_processes_creates_it needs [NamedPipes, StaleNames],
    a_killed_creators_name_is_reclaimed_and_ends_go_on needs [NamedPipes, StaleNames],
    an_end_of_a_creator_that_was_killed_anywhere_is_of_the_next_one needs [NamedPipes, StaleNames],
    a_name_that_is_dropped_or_removed_is_free_and_ends_go_on needs [NamedPipes],
    a_writer_that_waits_is_told_that_the_name_is_gone needs [NamedPipes],
    a_writer_that_waits_is_told_that_the_owner_was_killed needs [NamedPipes, StaleNames],
    what_is_no_pipe_is_not_opened needs [NamedPipes],
    the_longest_name_is_a_pipe_too needs [NamedPipes],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        create::<B>,
        create_when_told::<B>,
        create_again_and_again::<B>,
        open_writer_without_time::<B>
    ]
}

fn a_name_that_nobody_has_is_not_found<B: Backend>() -> Verdict {
    let name = unique("nobody");
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(NamedPipe::<B>::open_writer(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(NamedPipe::<B>::remove(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(NamedPipe::<B>::create("../up")), ErrorKind::InvalidInput);
    Ok(())
}

fn a_live_name_is_not_created_again<B: Backend>() -> Verdict {
    let name = unique("live");
    let mut peer = Peer::with_args(create::<B>, [&name])?;
    peer.expect("created")?;
    for _ in 0..10 {
        assert_eq!(kind_of(NamedPipe::<B>::create(&name)), ErrorKind::AlreadyExists);
    }
    let reader = NamedPipe::<B>::open_reader(&name)?;
    (&NamedPipe::<B>::open_writer(&name)?).write_all(b"still")?;
    assert_eq!(text(&reader, 5)?, "still");
    Ok(peer.finish()?)
}

fn a_name_is_one_things_only<B: Backend>() -> Verdict {
    let (of_pipe, of_channel) = (unique("pipes"), unique("channels"));
    let pipe = NamedPipe::<B>::create(&of_pipe)?;
    assert_eq!(kind_of(ByteReceiver::<B>::bind(&of_pipe)), ErrorKind::AddrInUse);
    assert_eq!(kind_of(ByteSender::<B>::connect(&of_pipe)), ErrorKind::TypeMismatch);
    let waits = ByteSender::<B>::connect_timeout(&of_pipe, PATIENCE);
    assert_eq!(kind_of(waits), ErrorKind::TypeMismatch);
    let _receiver = ByteReceiver::<B>::bind(&of_channel)?;
    assert_eq!(kind_of(NamedPipe::<B>::create(&of_channel)), ErrorKind::AlreadyExists);
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&of_channel)), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(NamedPipe::<B>::open_writer(&of_channel)), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(NamedPipe::<B>::remove(&of_channel)), ErrorKind::TypeMismatch);
    ByteSender::<B>::connect(&of_channel)?;
    drop(pipe);
    ByteReceiver::<B>::bind(&of_pipe)?;
    Ok(())
}

fn one_of_16_processes_creates_it<B: Backend>() -> Verdict {
    let name = unique("race");
    let mut dead = Peer::with_args(create::<B>, [&name])?;
    dead.expect("created")?;
    dead.kill()?;
    let said = ("created", "AlreadyExists");
    let (winners, peers) = race(16, create_when_told::<B>, &name, said)?;
    assert_eq!(winners, 1);
    let reader = NamedPipe::<B>::open_reader(&name)?;
    (&NamedPipe::<B>::open_writer(&name)?).write_all(b"won")?;
    assert_eq!(text(&reader, 3)?, "won");
    for peer in peers {
        peer.finish()?;
    }
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&name)), ErrorKind::NotFound);
    Ok(())
}

fn a_killed_creators_name_is_reclaimed_and_ends_go_on<B: Backend>() -> Verdict {
    let name = unique("killed");
    let mut peer = Peer::with_args(create::<B>, [&name])?;
    peer.expect("created")?;
    let old_reader = NamedPipe::<B>::open_reader(&name)?;
    let old_writer = NamedPipe::<B>::open_writer(&name)?;
    peer.kill()?;
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(NamedPipe::<B>::open_writer(&name)), ErrorKind::NotFound);
    let pipe = NamedPipe::<B>::create(&name)?;
    let (reader, writer) = (pipe.reader()?, pipe.writer()?);
    (&old_writer).write_all(b"old")?;
    (&writer).write_all(b"new")?;
    assert_eq!((text(&reader, 3)?, text(&old_reader, 3)?), ("new".into(), "old".into()));
    drop((pipe, old_writer));
    assert_eq!(old_reader.read_timeout(&mut [0], PATIENCE)?, 0);
    // What a dead one left can be removed as well, once.
    let mut peer = Peer::with_args(create::<B>, [&name])?;
    peer.expect("created")?;
    peer.kill()?;
    if is_unix() {
        // There it leaves nothing.
        NamedPipe::<B>::remove(&name)?;
    }
    assert_eq!(kind_of(NamedPipe::<B>::remove(&name)), ErrorKind::NotFound);
    Ok(())
}

fn an_end_of_a_creator_that_was_killed_anywhere_is_of_the_next_one<B: Backend>() -> Verdict {
    let name = unique("anywhere");
    for round in 0..40 {
        let mut peer = Peer::with_args(create_again_and_again::<B>, [&name])?;
        peer.expect("begin")?;
        // Somewhere in the midst of creating and dropping.
        let mut seen = 0;
        while seen < round {
            match NamedPipe::<B>::open_reader(&name) {
                Ok(_) => seen += 1,
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
            }
        }
        peer.kill()?;
        // Who opens it while it is created gets an end of the new one, too.
        let reader = std::thread::scope(|scope| -> Result<_, Failure> {
            let early = scope.spawn(|| NamedPipe::<B>::open_reader_timeout(&name, PATIENCE));
            let pipe = NamedPipe::<B>::create(&name)?;
            let reader = early.join().map_err(|_| "who opens it panicked")??;
            (&pipe.writer_timeout(Duration::from_secs(2))?).write_all(b"next")?;
            Ok(reader)
        })?;
        assert_eq!(text(&reader, 4)?, "next");
    }
    Ok(())
}

fn a_name_that_is_dropped_or_removed_is_free_and_ends_go_on<B: Backend>() -> Verdict {
    let name = unique("free");
    for by_removal in [false, true, true] {
        let pipe = NamedPipe::<B>::create(&name)?;
        let (reader, writer) = (pipe.reader()?, pipe.writer()?);
        let path = pipe.path().to_owned();
        match by_removal {
            true => NamedPipe::<B>::remove(&name)?,
            false => drop(pipe),
        }
        assert!(!path.exists(), "it is still there");
        assert_eq!(kind_of(NamedPipe::<B>::open_reader(&name)), ErrorKind::NotFound);
        let next = NamedPipe::<B>::create(&name)?;
        let next_reader = next.reader()?;
        (&writer).write_all(b"before")?;
        drop(writer);
        assert_eq!(text(&reader, 6)?, "before");
        assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
        assert_eq!(kind_of(next_reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    }
    // An owner whose name was removed spares the next one's.
    let first = NamedPipe::<B>::create(&name)?;
    NamedPipe::<B>::remove(&name)?;
    let second = NamedPipe::<B>::create(&name)?;
    drop(first);
    let _reader = second.reader()?;
    second.writer()?;
    Ok(())
}

fn a_writer_that_waits_is_told_that_the_name_is_gone<B: Backend>() -> Verdict {
    let name = unique("gone");
    let pipe = NamedPipe::<B>::create(&name)?;
    let mut patient = Peer::with_args(write_lines::<B>, [&name])?;
    patient.expect("opening")?;
    std::thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| NamedPipe::<B>::open_writer(&name).map_err(|e| e.kind()));
        drop(pipe);
        let told = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!(told.err(), Some(ErrorKind::NotFound));
        Ok(())
    })?;
    // One that has time waits for the next creator.
    let next = NamedPipe::<B>::create(&name)?;
    let reader = next.reader()?;
    patient.expect("open")?;
    patient.tell("next");
    assert_eq!(text(&reader, 4)?, "next");
    Ok(patient.finish()?)
}

fn a_writer_that_waits_is_told_that_the_owner_was_killed<B: Backend>() -> Verdict {
    let name = unique("orphan");
    let mut owner = Peer::with_args(create::<B>, [&name])?;
    owner.expect("created")?;
    let mut waiting = Peer::with_args(open_writer_without_time::<B>, [&name])?;
    waiting.expect("opening")?;
    if is_linux() {
        // Looked for before would be found dead by who opens it, and not by who waits.
        let descriptors = format!("/proc/{}/fd", waiting.id());
        wait_until("the writer waits", || watches(&descriptors))?;
    }
    owner.kill()?;
    waiting.expect("NotFound")?;
    Ok(waiting.finish()?)
}

/// Whether one of these descriptors notices what happens to files.
fn watches(descriptors: &str) -> bool {
    let links = std::fs::read_dir(descriptors).into_iter().flatten().flatten();
    links
        .filter_map(|link| std::fs::read_link(link.path()).ok())
        .any(|file| file.to_string_lossy().contains("inotify"))
}

fn open_writer_without_time<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("opening");
    stage.say(format!("{:?}", kind_of(NamedPipe::<B>::open_writer(stage.arg(0)))));
    Ok(())
}

fn what_is_no_pipe_is_not_opened<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("nobody can put anything else into a pipe's place here");
    }
    let name = unique("squatted");
    let pipe = NamedPipe::<B>::create(&name)?;
    let other = NamedPipe::<B>::create(unique("other"))?;
    let _other_reader = other.reader()?;
    let place = pipe.path().to_owned();
    let link = || -> Result<(), Failure> {
        assert!(Command::new("ln").arg("-s").arg(other.path()).arg(&place).status()?.success());
        Ok(())
    };
    let file = || -> Result<(), Failure> { Ok(std::fs::write(&place, b"precious")?) };
    for put in [&link as &dyn Fn() -> Result<(), Failure>, &file] {
        std::fs::remove_file(&place)?;
        put()?;
        assert_eq!(kind_of(NamedPipe::<B>::open_reader(&name)), ErrorKind::Foreign);
        assert_eq!(kind_of(NamedPipe::<B>::open_writer(&name)), ErrorKind::Foreign);
    }
    assert_eq!(std::fs::read(&place)?, b"precious");
    Ok(())
}

fn the_longest_name_is_a_pipe_too<B: Backend>() -> Verdict {
    let prefix = unique("longest");
    let (one, two) = (format!("{prefix:x<199}1"), format!("{prefix:x<199}2"));
    let first = NamedPipe::<B>::create(&one)?;
    assert_eq!(kind_of(NamedPipe::<B>::open_reader(&two)), ErrorKind::NotFound);
    let second = NamedPipe::<B>::create(&two)?;
    let (_one, two) = (first.reader()?, second.reader()?);
    (&first.writer()?).write_all(b"one")?;
    (&second.writer()?).write_all(b"two")?;
    assert_eq!(text(&two, 3)?, "two");
    Ok(())
}

fn create<B: Backend>(stage: &mut Stage) -> Verdict {
    let _pipe = NamedPipe::<B>::create(stage.arg(0))?;
    stage.say("created");
    stage.wait_for_end_of_input();
    Ok(())
}

fn create_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let pipe = NamedPipe::<B>::create(stage.arg(0));
    match &pipe {
        Ok(_) => stage.say("created"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    stage.wait_for_end_of_input();
    Ok(())
}

fn create_again_and_again<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("begin");
    loop {
        drop(NamedPipe::<B>::create(stage.arg(0))?);
    }
}
