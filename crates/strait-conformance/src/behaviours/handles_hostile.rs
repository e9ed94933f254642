//! What a peer, and limits, do to who receives handles.

use super::kind_of;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours,
    fixtures::{limited_to, open_files},
    is_linux, nobody, unavailable, unique,
};
use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};
use strait::{
    Endpoint, ErrorKind,
    generic::{
        Handle, LocalDatagram, LocalListener, LocalStream, PipeReader, PipeWriter, SharedMemory,
        byte_channel, pipe,
    },
};

behaviours! {
    handles_hostile;
    a_message_that_comes_in_parts_is_whole_in_the_end needs [LocalSockets, HandlePassing, Pipes],
    a_part_of_a_message_ends_no_wait needs [LocalSockets, HandlePassing],
    what_is_no_message_is_an_error needs [LocalSockets, HandlePassing, Pipes],
    who_has_no_room_for_handles_loses_nothing_else needs [LocalSockets, HandlePassing, Pipes],
    too_many_on_their_way_are_an_error needs [LocalSockets, HandlePassing, Pipes],
    an_endpoint_that_finds_no_room_is_gone needs [LocalSockets, HandlePassing, Pipes, Rendezvous],
    no_descriptor_is_left_whatever_fails needs [LocalSockets, HandlePassing, Pipes, Rendezvous],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![receive_with_little_room::<B>, send_as_many_as_go::<B>, count_descriptors::<B>]
}

fn a_message_that_comes_in_parts_is_whole_in_the_end<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let message = [&frame(0, 10, 0)[..], b"ten bytes!"].concat();
    // Each part comes to another clone, and some of these give up meanwhile.
    for (i, byte) in message.iter().enumerate() {
        let clone = there.try_clone()?;
        assert_eq!(kind_of(clone.recv_handles_timeout(&mut [0; 10], MOMENT)), ErrorKind::TimedOut);
        if i + 1 == message.len() {
            thread::scope(|scope| -> Verdict {
                let waiter = scope.spawn(|| {
                    let mut buffer = [0; 10];
                    let came = clone.recv_handles_timeout(&mut buffer, PATIENCE);
                    came.map(|(len, handles)| (len, handles.len(), buffer))
                });
                (&here).write_all(&[*byte])?;
                let came = waiter.join().map_err(|_| "the waiter panicked")??;
                assert_eq!(came, (10, 0, *b"ten bytes!"));
                Ok(())
            })?;
        } else {
            (&here).write_all(&[*byte])?;
        }
    }
    Ok(())
}

fn a_part_of_a_message_ends_no_wait<B: Backend>() -> Verdict {
    let message = [&frame(0, 10, 0)[..], b"ten bytes!"].concat();
    for len in 1..message.len() {
        let (here, there) = LocalStream::<B>::pair()?;
        (&here).write_all(&message[..len])?;
        let begin = Instant::now();
        assert_eq!(kind_of(there.recv_handles_timeout(&mut [0; 10], MOMENT)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= MOMENT);
        drop(here);
        let error = there.recv_handles_timeout(&mut [0; 10], PATIENCE).err().ok_or("it came")?;
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert!(error.to_string().contains("within a message"), "{error}");
    }
    Ok(())
}

fn what_is_no_message_is_an_error<B: Backend>() -> Verdict {
    let wrong = [
        *b"GET / HTTP/1.1\r\n",
        [0; 16],
        frame(0, u32::MAX, 0),
        frame(0, LocalStream::<B>::MAX_BYTES_WITH_HANDLES as u32 + 1, 0),
        frame(0, 0, LocalStream::<B>::MAX_HANDLES as u32 + 1),
        frame(0, 0, 1),
    ];
    for bytes in wrong {
        let (here, there) = LocalStream::<B>::pair()?;
        (&here).write_all(&bytes)?;
        let error = kind_of(there.recv_handles_timeout(&mut [0; 10], PATIENCE));
        assert_eq!(error, ErrorKind::PeerCorrupt, "{bytes:?}");
        // What comes then is looked at anew.
        here.send_handles(b"fine", Vec::new())?;
        assert_eq!(there.recv_handles_timeout(&mut [0; 10], PATIENCE)?.0, 4);
        let (here, there) = LocalDatagram::<B>::pair()?;
        here.send(&bytes)?;
        let error = kind_of(there.recv_endpoint_timeout::<PipeReader<B>>(PATIENCE));
        assert_eq!(error, ErrorKind::PeerCorrupt, "{bytes:?}");
    }
    // Handles that no message speaks of.
    let (here, there) = LocalDatagram::<B>::pair()?;
    let (reader, writer) = pipe::<B>()?;
    here.send_handles(&frame(2, 0, 0), vec![handle_of::<B>(reader)?])?;
    let error = kind_of(there.recv_endpoint_timeout::<PipeReader<B>>(PATIENCE));
    assert_eq!(error, ErrorKind::PeerCorrupt);
    assert_eq!(kind_of(writer.write_timeout(b"lost", MOMENT)), ErrorKind::Disconnected);
    Ok(())
}

fn who_has_no_room_for_handles_loses_nothing_else<B: Backend>() -> Verdict {
    let name = unique("room");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = limited_to(40, receive_with_little_room::<B>, [&name])?;
    let stream = listener.accept_timeout(PATIENCE)?;
    let (mut reader, writer) = pipe::<B>()?;
    let many = (0..60).map(|_| handle_of_writer::<B>(writer.try_clone()?));
    stream.send_handles_timeout(b"too many", many.collect::<Result<_, _>>()?, PATIENCE)?;
    drop(writer);
    peer.expect("LimitReached")?;
    // All of them are closed there: the pipe is at its end.
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    let (end, writer) = pipe::<B>()?;
    stream.send_handles_timeout(b"one", vec![handle_of_writer::<B>(writer)?], PATIENCE)?;
    peer.expect("one with 1")?;
    reader = end;
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    assert_eq!(text, "used");
    Ok(peer.finish()?)
}

fn too_many_on_their_way_are_an_error<B: Backend>() -> Verdict {
    let mut peer = nobody(send_as_many_as_go::<B>, [""; 0])?;
    peer.expect("LimitReached")?;
    peer.expect("goes on")?;
    Ok(peer.finish()?)
}

fn an_endpoint_that_finds_no_room_is_gone<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    // Until there is no room for anything.
    for len in [4096, 256, 1] {
        while here.write_timeout(&vec![0; len], MOMENT).is_ok() {}
    }
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    sender.send(b"sent before")?;
    assert_eq!(kind_of(here.send_endpoint_timeout(sender, MOMENT)), ErrorKind::TimedOut);
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"sent before");
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    // Not as one that has finished.
    assert!(!receiver.is_finished());
    let (reader, writer) = pipe::<B>()?;
    let clone = writer.try_clone()?;
    assert_eq!(kind_of(here.send_endpoint_timeout(clone, MOMENT)), ErrorKind::TimedOut);
    writer.write_timeout(b"x", PATIENCE)?;
    let handles = vec![handle_of_writer::<B>(writer)?];
    assert_eq!(kind_of(here.send_handles_timeout(b"", handles, MOMENT)), ErrorKind::TimedOut);
    assert_eq!(reader.read_timeout(&mut [0; 10], PATIENCE)?, 1);
    assert_eq!(reader.read_timeout(&mut [0; 10], PATIENCE)?, 0);
    drop(there);
    Ok(())
}

fn no_descriptor_is_left_whatever_fails<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("counts descriptors in /proc");
    }
    let mut peer = Peer::start(count_descriptors::<B>)?;
    peer.set_deadline(PATIENCE);
    peer.expect("none is left")?;
    Ok(peer.finish()?)
}

/// Has room for some handles, and not for 60.
fn receive_with_little_room<B: Backend>(stage: &mut Stage) -> Verdict {
    let stream = LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    let mut buffer = [0; 20];
    stage.say(format!("{:?}", kind_of(stream.recv_handles_timeout(&mut buffer, PATIENCE))));
    let (len, mut handles) = stream.recv_handles_timeout(&mut buffer, PATIENCE)?;
    let text = String::from_utf8_lossy(&buffer[..len]).into_owned();
    stage.say(format!("{text} with {}", handles.len()));
    let mut parcel = handles.remove(0).into_parcel()?;
    parcel.kind = PipeWriter::<B>::KIND;
    PipeWriter::<B>::from_parcel(parcel)?.write_all(b"used")?;
    Ok(())
}

/// As a user without privileges, with a limit that other processes of that user don't reach.
fn send_as_many_as_go<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    let (here, there) = LocalStream::<B>::pair()?;
    let (reader, _writer) = pipe::<B>()?;
    let mut sent = 0_u32;
    let error = loop {
        let handles = (0..200).map(|_| handle_of::<B>(reader.try_clone()?));
        match here.send_handles_timeout(b"x", handles.collect::<Result<_, _>>()?, PATIENCE) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(sent > 0 && error.to_string().contains("on their way"), "{sent}: {error}");
    stage.say(format!("{:?}", error.kind()));
    for _ in 0..sent {
        assert_eq!(there.recv_handles_timeout(&mut [0], PATIENCE)?.1.len(), 200);
    }
    here.send_handles_timeout(b"x", vec![handle_of::<B>(reader)?], PATIENCE)?;
    assert_eq!(there.recv_handles_timeout(&mut [0], PATIENCE)?.1.len(), 1);
    stage.say("goes on");
    stage.wait_for_end_of_input();
    Ok(())
}

/// Does what fails, in every way, and looks whether anything is left of it.
fn count_descriptors<B: Backend>(stage: &mut Stage) -> Verdict {
    // What is opened once for ever is opened by the first round.
    fail_in_every_way::<B>()?;
    let before = open_files()?;
    for _ in 0..20 {
        fail_in_every_way::<B>()?;
    }
    assert_eq!(open_files()?, before);
    stage.say("none is left");
    stage.wait_for_end_of_input();
    Ok(())
}

fn fail_in_every_way<B: Backend>() -> Verdict {
    let name = unique("count");
    let listener = LocalListener::<B>::bind(&name)?;
    let _ = LocalListener::<B>::bind(&name);
    let _ = LocalDatagram::<B>::connect(&name);
    let _ = LocalStream::<B>::connect(unique("nobody"));
    let _ = LocalStream::<B>::connect_timeout(unique("nobody"), MOMENT);
    drop(LocalStream::<B>::connect(&name)?);
    drop(listener.accept_timeout(PATIENCE)?);
    let some = |count| (0..count).map(|_| handle_of::<B>(pipe::<B>()?.0)).collect::<Result<_, _>>();
    let (here, there) = LocalStream::<B>::pair()?;
    let _ = here.send_handles(b"too many", some(LocalStream::<B>::MAX_HANDLES + 1)?);
    here.send_handles(b"read without", some(5)?)?;
    let _ = there.read_timeout(&mut [0; 100], PATIENCE)?;
    here.send_handles(b"too long for it", some(5)?)?;
    let _ = there.recv_handles_timeout(&mut [0; 3], PATIENCE);
    here.send_endpoint(byte_channel::<B>()?.0)?;
    let (_, endpoint) = (there.recv_handles(&mut [0; 20])?, there.recv_endpoint::<PipeReader<B>>());
    assert_eq!(kind_of(endpoint), ErrorKind::TypeMismatch);
    here.send_endpoint(SharedMemory::<B>::anonymous(10)?)?;
    here.send_handles(b"never received", some(5)?)?;
    let (messages_here, messages_there) = LocalDatagram::<B>::pair()?;
    messages_here.send_handles(b"received without", some(5)?)?;
    let _ = messages_there.recv_vec_timeout(PATIENCE)?;
    messages_here.send_handles(b"no endpoint", some(5)?)?;
    let _ = messages_there.recv_endpoint_timeout::<PipeReader<B>>(PATIENCE);
    messages_here.send_handles(b"never received", some(5)?)?;
    Ok(())
}

/// What is in front of bytes that go with handles: of no endpoint, where the kind is 0.
fn frame(kind: u32, len: u32, handles: u32) -> [u8; 16] {
    let mut bytes = *b"shp1............";
    for (place, word) in bytes[4..].chunks_exact_mut(4).zip([kind, len, handles]) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn handle_of<B: Backend>(reader: PipeReader<B>) -> Result<Handle<B>, Failure> {
    Ok(Handle::from_backend(reader.into_parcel()?.handles.remove(0)))
}

fn handle_of_writer<B: Backend>(writer: PipeWriter<B>) -> Result<Handle<B>, Failure> {
    Ok(Handle::from_backend(writer.into_parcel()?.handles.remove(0)))
}

const MOMENT: Duration = Duration::from_millis(1);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
