//! What parents hand to their children.

use super::{ended_well, error_of, kind_of};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::open_files, unique,
};
use std::{
    io::{Read, Write},
    process::Stdio,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    backend::Transfer,
    generic::{
        ByteReceiver, ByteSender, Child, Command, Handle, LocalStream, PipeReader, PipeWriter,
        Process, SharedMemory, byte_channel, inherited, inherited_names, pipe,
    },
};

behaviours! {
    inheritance;
    a_child_takes_every_sort_of_endpoint_by_its_name
        needs [Pipes, Rendezvous, AnonymousSegments, LocalSockets, HandlePassing],
    channels_that_were_passed_carry_messages_both_ways
        needs [Rendezvous, AnonymousSegments, HandlePassing],
    an_end_that_was_used_is_passed_with_what_lies_in_it
        needs [Rendezvous, AnonymousSegments, HandlePassing],
    the_death_of_a_child_is_noticed_at_what_was_passed
        needs [Pipes, Rendezvous, AnonymousSegments, HandlePassing],
    no_other_child_has_what_was_passed needs [Pipes, HandlePassing],
    no_child_of_the_child_has_what_was_passed needs [Pipes, HandlePassing],
    what_was_passed_is_there_once_and_under_its_name needs [Pipes, HandlePassing],
    a_child_that_was_passed_nothing_has_nothing needs [HandlePassing],
    what_can_not_be_passed_is_refused_and_starts_nothing needs [Pipes, Rendezvous, HandlePassing],
    a_child_that_is_not_started_leaves_nothing_open needs [Pipes, HandlePassing],
    a_hundred_endpoints_can_be_passed needs [Pipes, HandlePassing],
    more_than_the_system_takes_is_refused needs [Pipes, HandlePassing],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        use_all::<B>,
        echo::<B>,
        receive_rest::<B>,
        hold::<B>,
        hold_writer::<B>,
        hold_by_child::<B>,
        look_for_mine::<B>,
        take_in_turn::<B>,
        take_nothing::<B>,
        take_hundred::<B>,
    ]
}

/// A command for an actor that is killed when the behaviour ends.
pub(super) fn worker<B: Backend, F>(actor: F, args: &[&str]) -> Result<Command<B>, Failure>
where
    F: Fn(&mut Stage) -> Verdict,
{
    let command = Command::from(Peer::command(actor, args)?);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true))
}

pub(super) fn ends_well<B: Backend>(mut child: Child<B>) -> Verdict {
    ended_well(child.wait_timeout(PATIENCE)?)
}

fn a_child_takes_every_sort_of_endpoint_by_its_name<B: Backend>() -> Verdict {
    let (mut reader, writer) = pipe::<B>()?;
    let (input, mut to_input) = pipe::<B>()?;
    let memory = SharedMemory::<B>::anonymous(64)?;
    memory.write(0, b"shared")?;
    let (mut sender, receiver) = byte_channel::<B>()?;
    let (back, mut from_child) = byte_channel::<B>()?;
    let (stream, theirs) = LocalStream::<B>::pair()?;
    let (mut from_any, any) = pipe::<B>()?;
    let handle = Handle::<B>::from_backend(any.backend().to_handle()?);
    drop(any);
    let child = worker::<B, _>(use_all::<B>, &[])?
        .pass("answers", writer)
        .pass("input", input)
        .pass("memory", memory)
        .pass("messages", receiver)
        .pass("replies", back)
        .pass("stream", theirs)
        .pass("anything: a handle, with a name like this", handle)
        .spawn()?;
    to_input.write_all(b"of a pipe")?;
    drop(to_input);
    sender.send(b"of a channel")?;
    sender.finish_timeout(PATIENCE)?;
    (&stream).write_all(b"of a stream")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut text = String::new();
    (&stream).read_to_string(&mut text)?;
    assert_eq!(text, "of a stream");
    assert_eq!(&*from_child.recv_ref_timeout(PATIENCE)?, b"of a channel");
    text.clear();
    reader.read_to_string(&mut text)?;
    assert_eq!(text, "shared, of a pipe");
    text.clear();
    // Any handle at all: here the writing end of another pipe, which goes with the child.
    from_any.read_to_string(&mut text)?;
    assert_eq!(text, "");
    ends_well(child)
}

fn use_all<B: Backend>(_: &mut Stage) -> Verdict {
    let mut names = inherited_names::<B>()?;
    names.sort();
    assert_eq!(names.len(), 7, "{names:?}");
    let (mut answers, mut input) =
        (inherited::<B, PipeWriter<B>>("answers")?, inherited::<B, PipeReader<B>>("input")?);
    let memory: SharedMemory<B> = inherited("memory")?;
    let mut text = [0; 6];
    memory.read(0, &mut text)?;
    answers.write_all(&text)?;
    let mut read = b", ".to_vec();
    input.read_to_end(&mut read)?;
    answers.write_all(&read)?;
    let (mut messages, mut replies) =
        (inherited::<B, ByteReceiver<B>>("messages")?, inherited::<B, ByteSender<B>>("replies")?);
    replies.send(&messages.recv_ref_timeout(PATIENCE)?)?;
    assert_eq!(kind_of(messages.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    let mut stream: LocalStream<B> = inherited("stream")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    stream.write_all(&bytes)?;
    drop(stream);
    let _any: Handle<B> = inherited("anything: a handle, with a name like this")?;
    assert!(inherited_names::<B>()?.is_empty());
    Ok(replies.finish_timeout(PATIENCE)?)
}

fn channels_that_were_passed_carry_messages_both_ways<B: Backend>() -> Verdict {
    const MESSAGES: u32 = 20_000;
    let (mut to_child, there) = byte_channel::<B>()?;
    let (back, mut from_child) = byte_channel::<B>()?;
    let child = worker::<B, _>(echo::<B>, &[])?.pass("in", there).pass("out", back).spawn()?;
    thread::scope(|scope| {
        let sender = scope.spawn(move || {
            for number in 0..MESSAGES {
                to_child.send_timeout(&number.to_le_bytes(), PATIENCE)?;
            }
            to_child.finish_timeout(PATIENCE)
        });
        for number in 0..MESSAGES {
            assert_eq!(&*from_child.recv_ref_timeout(PATIENCE)?, &number.to_le_bytes());
        }
        Ok::<_, Failure>(sender.join().map_err(|_| "the sender panicked")??)
    })?;
    assert_eq!(kind_of(from_child.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(from_child.is_finished());
    ends_well(child)
}

fn echo<B: Backend>(_: &mut Stage) -> Verdict {
    let mut from: ByteReceiver<B> = inherited::<B, _>("in")?;
    let mut to: ByteSender<B> = inherited::<B, _>("out")?;
    loop {
        match from.recv_ref_timeout(PATIENCE) {
            Ok(message) => to.send_timeout(&message, PATIENCE)?,
            Err(error) if error.kind() == ErrorKind::Disconnected => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(to.finish_timeout(PATIENCE)?)
}

fn an_end_that_was_used_is_passed_with_what_lies_in_it<B: Backend>() -> Verdict {
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    for number in 0..10_u32 {
        sender.send(&number.to_le_bytes())?;
    }
    for number in 0..4_u32 {
        assert_eq!(&*receiver.recv_ref()?, &number.to_le_bytes());
    }
    let child = worker::<B, _>(receive_rest::<B>, &[])?.pass("rest", receiver).spawn()?;
    for number in 10..20_u32 {
        sender.send(&number.to_le_bytes())?;
    }
    sender.finish_timeout(PATIENCE)?;
    ends_well(child)
}

fn receive_rest<B: Backend>(_: &mut Stage) -> Verdict {
    let mut receiver: ByteReceiver<B> = inherited::<B, _>("rest")?;
    for number in 4..20_u32 {
        assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, &number.to_le_bytes());
    }
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(receiver.is_finished());
    Ok(())
}

fn the_death_of_a_child_is_noticed_at_what_was_passed<B: Backend>() -> Verdict {
    // Before it has taken anything, and after.
    for take in ["", "take"] {
        let (reader, writer) = pipe::<B>()?;
        let (sender, mut receiver) = byte_channel::<B>()?;
        let mut child = worker::<B, _>(hold::<B>, &[take])?
            .stdout(Stdio::piped())
            .pass("writer", writer)
            .pass("sender", sender)
            .spawn()?;
        hear_ready(&mut child)?;
        assert_eq!(kind_of(reader.read_timeout(&mut [0], Duration::ZERO)), ErrorKind::TimedOut);
        let begin = Instant::now();
        child.kill()?;
        assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
        assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
        assert!(!receiver.is_finished());
        assert!(begin.elapsed() < Duration::from_secs(2), "noticed after {:?}", begin.elapsed());
    }
    Ok(())
}

/// Waits until an actor has said something.
fn hear_ready<B: Backend>(child: &mut Child<B>) -> Verdict {
    let output = child.stdout.as_mut().ok_or("the child has no output")?;
    Ok(output.read_exact(&mut [0])?)
}

pub(super) fn hold<B: Backend>(stage: &mut Stage) -> Verdict {
    let _held: Option<(PipeWriter<B>, ByteSender<B>)> = match stage.arg(0) {
        "take" => Some((inherited("writer")?, inherited("sender")?)),
        _ => None,
    };
    stage.say("ready");
    // Until it is killed.
    loop {
        thread::park();
    }
}

fn no_other_child_has_what_was_passed<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // Others that are started all the time, some of which go on for long.
        let starter = scope.spawn(|| {
            let mut others = Vec::new();
            while !stop.load(Ordering::Relaxed) && others.len() < 40 {
                let other = worker::<B, _>(hold::<B>, &[""]).and_then(|other| Ok(other.spawn()?));
                others.push(other.map_err(|failure| failure.to_string())?);
            }
            Ok::<_, String>(others)
        });
        let outcome = (0..10).try_for_each(|_| {
            let writer = writer.try_clone()?;
            let mut child = worker::<B, _>(hold_writer::<B>, &[])?
                .stdout(Stdio::piped())
                .pass("writer", writer)
                .spawn()?;
            hear_ready(&mut child)?;
            child.kill()?;
            child.wait()?;
            Ok::<_, Failure>(())
        });
        stop.store(true, Ordering::Relaxed);
        drop(writer);
        let others = starter.join().map_err(|_| "the starter panicked")??;
        outcome?;
        // All that had it are gone, and the others live.
        assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
        assert!(!others.is_empty() && others.iter().all(|other| other.process().is_alive()));
        Ok(())
    })
}

fn hold_writer<B: Backend>(stage: &mut Stage) -> Verdict {
    let _writer: PipeWriter<B> = inherited("writer")?;
    stage.say("ready");
    loop {
        thread::park();
    }
}

fn no_child_of_the_child_has_what_was_passed<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let mut child = worker::<B, _>(hold_by_child::<B>, &[])?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .pass("writer", writer)
        .spawn()?;
    // The input of both, which ends the child's child.
    let input = child.stdin.take();
    let mut said = String::new();
    let output = child.stdout.as_mut().ok_or("the child has no output")?;
    while !said.ends_with('\n') {
        let mut byte = [0];
        output.read_exact(&mut byte)?;
        said.push(char::from(byte[0]));
    }
    let grandchild = Process::<B>::with_id(said.trim().parse()?)?;
    child.kill()?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    assert!(grandchild.is_alive());
    drop(input);
    Ok(grandchild.wait_exit_timeout(PATIENCE)?)
}

fn hold_by_child<B: Backend>(stage: &mut Stage) -> Verdict {
    // Started before anything is taken, with std's command, and it looks for what isn't its own.
    let mut command = Peer::command(look_for_mine::<B>, [""; 0])?;
    let mut grandchild = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut outcome = [0];
    grandchild.stdout.as_mut().ok_or("it has no output")?.read_exact(&mut outcome)?;
    let _writer: PipeWriter<B> = inherited("writer")?;
    assert_eq!(outcome, *b"n", "a child of the child was handed something");
    stage.say(grandchild.id());
    let status = grandchild.wait();
    Err(format!("it ended: {status:?}").into())
}

fn look_for_mine<B: Backend>(stage: &mut Stage) -> Verdict {
    let found = inherited::<B, PipeWriter<B>>("writer");
    stage.say(if kind_of(found) == ErrorKind::NotFound { "n" } else { "y" });
    stage.wait_for_end_of_input();
    Ok(())
}

fn what_was_passed_is_there_once_and_under_its_name<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let command = worker::<B, _>(take_in_turn::<B>, &[])?;
    let mut child = command.pass("writer", writer).pass("reader", reader).spawn()?;
    // The child has them, and both sides know it.
    child.handshake_timeout(PATIENCE)?;
    child.handshake_timeout(Duration::ZERO)?;
    ends_well(child)
}

fn take_in_turn<B: Backend>(_: &mut Stage) -> Verdict {
    let error = error_of(inherited::<B, PipeReader<B>>("other"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("there is reader, writer"), "{error}");
    // What is another thing stays where it is.
    let error = error_of(inherited::<B, PipeReader<B>>("writer"));
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    assert_eq!(inherited_names::<B>()?, ["reader", "writer"]);
    let reader: PipeReader<B> = inherited("reader")?;
    inherited::<B, PipeWriter<B>>("writer")?.write_all(b"x")?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 1);
    for name in ["reader", "writer"] {
        assert_eq!(kind_of(inherited::<B, PipeReader<B>>(name)), ErrorKind::NotFound);
    }
    Ok(())
}

fn a_child_that_was_passed_nothing_has_nothing<B: Backend>() -> Verdict {
    let mut child = worker::<B, _>(take_nothing::<B>, &[])?.spawn()?;
    child.handshake_timeout(Duration::ZERO)?;
    ends_well(child)
}

fn take_nothing<B: Backend>(_: &mut Stage) -> Verdict {
    assert!(inherited_names::<B>()?.is_empty());
    let error = error_of(inherited::<B, PipeReader<B>>("anything"));
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("strait::Command"), "{error}");
    Ok(())
}

fn what_can_not_be_passed_is_refused_and_starts_nothing<B: Backend>() -> Verdict {
    let receiver = ByteReceiver::<B>::bind(unique("passed"))?;
    let spawned = worker::<B, _>(take_nothing::<B>, &[])?.pass("named", receiver).spawn();
    assert_eq!(kind_of(spawned), ErrorKind::InvalidInput);
    let (reader, writer) = pipe::<B>()?;
    let command = worker::<B, _>(take_nothing::<B>, &[])?;
    let error = error_of(command.pass("same", reader).pass("same", writer).spawn());
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("same"), "{error}");
    Ok(())
}

fn a_child_that_is_not_started_leaves_nothing_open<B: Backend>() -> Verdict {
    let before = open_files()?;
    let (reader, writer) = pipe::<B>()?;
    let spawned = Command::<B>::new("no-such-program-of-strait").pass("writer", writer).spawn();
    assert_eq!(kind_of(spawned), ErrorKind::NotFound);
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    let (reader, writer) = pipe::<B>()?;
    drop(Command::<B>::new("never started").pass("writer", writer));
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    drop(reader);
    // Other behaviours run beside this one, and open and close files too.
    crate::wait_until("all is closed", || open_files().is_ok_and(|now| now <= before + 1))
}

fn a_hundred_endpoints_can_be_passed<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let mut command = worker::<B, _>(take_hundred::<B>, &[])?;
    for number in 0..100 {
        command = command.pass(format!("writer {number}"), writer.try_clone()?);
    }
    drop(writer);
    let mut child = command.spawn()?;
    child.handshake_timeout(PATIENCE)?;
    let mut all = Vec::new();
    (&reader).read_to_end(&mut all)?;
    assert_eq!(all, (0..100).collect::<Vec<u8>>());
    ends_well(child)
}

fn take_hundred<B: Backend>(_: &mut Stage) -> Verdict {
    for number in 0..100 {
        let mut writer: PipeWriter<B> = inherited(&format!("writer {number}"))?;
        writer.write_all(&[number])?;
    }
    Ok(())
}

fn more_than_the_system_takes_is_refused<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let mut command = worker::<B, _>(take_nothing::<B>, &[])?;
    for number in 0..800 {
        // Each with as much to say as fits.
        command = command.pass(format!("{number}{}", "-".repeat(2000)), writer.try_clone()?);
    }
    drop(writer);
    let error = error_of(command.spawn());
    assert_eq!(error.kind(), ErrorKind::LimitReached);
    // Nothing is left of what had been sent already.
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

/// Longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
