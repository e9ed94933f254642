//! Endpoints in parcels, within one process; `handles.rs` sends them to others.

use super::{error_of, kind_of};
use crate::{
    Actor, Backend, Failure, Stage, Verdict, actors, behaviours, fixtures::limited_to, unique,
};
use std::{
    env, fs,
    io::{Read, Write},
    time::Duration,
};
use strait::{
    Endpoint, EndpointKind, ErrorKind,
    backend::{Segment, Transfer},
    generic::{
        ByteReceiver, ByteSender, Handle, Parcel, PipeReader, PipeWriter, SharedMemory,
        byte_channel, pipe,
    },
};

behaviours! {
    endpoints;
    the_ends_of_a_pipe_work_after_they_were_handed_over needs [Pipes, HandlePassing],
    memory_without_a_name_is_handed_over needs [AnonymousSegments, HandlePassing],
    memory_with_a_name_is_not_handed_over needs [NamedSegments, HandlePassing],
    a_channel_without_a_name_ends_with_its_sender needs [Rendezvous, AnonymousSegments],
    a_used_end_goes_on_where_it_was needs [Rendezvous, AnonymousSegments, HandlePassing],
    a_full_ring_is_handed_over needs [Rendezvous, AnonymousSegments, HandlePassing],
    a_leaked_message_is_not_received_twice needs [Rendezvous, AnonymousSegments, HandlePassing],
    the_end_of_a_sender_is_handed_over needs [Rendezvous, AnonymousSegments, HandlePassing],
    a_parcel_that_is_lost_is_a_death needs [Rendezvous, AnonymousSegments, HandlePassing],
    an_end_is_handed_over_where_no_handle_is_left needs [Rendezvous, AnonymousSegments, HandlePassing],
    a_named_sender_keeps_its_name needs [Rendezvous, AnonymousSegments, HandlePassing],
    a_named_receiver_is_not_handed_over needs [Rendezvous, HandlePassing],
    memory_that_strait_did_not_make_is_foreign needs [AnonymousSegments, HandlePassing],
    another_kind_is_a_mismatch needs [Pipes, Rendezvous, AnonymousSegments, HandlePassing],
    what_a_hostile_peer_packs_is_an_error needs [Pipes, Rendezvous, AnonymousSegments, HandlePassing],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![hand_over_with_no_handle_left::<B>]
}

fn the_ends_of_a_pipe_work_after_they_were_handed_over<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    (&writer).write_all(b"before ")?;
    let (reader, mut writer) = (handed_over::<B, _>(reader)?, handed_over::<B, _>(writer)?);
    assert_eq!(reader.read_timeout(&mut [0; 7], Duration::ZERO)?, 7);
    // They don't block still.
    assert_eq!(kind_of(reader.read_timeout(&mut [0], Duration::ZERO)), ErrorKind::TimedOut);
    writer.write_all(b"after")?;
    drop(writer);
    let mut text = String::new();
    (&reader).read_to_string(&mut text)?;
    assert_eq!(text, "after");
    Ok(())
}

fn memory_without_a_name_is_handed_over<B: Backend>() -> Verdict {
    let memory = SharedMemory::<B>::anonymous(5000)?;
    memory.write(4990, b"everywhere")?;
    let memory: SharedMemory<B> = handed_over::<B, _>(memory)?;
    let mut text = [0; 10];
    memory.read(4990, &mut text)?;
    assert_eq!((memory.len(), &text), (5000, b"everywhere"));
    Ok(())
}

fn memory_with_a_name_is_not_handed_over<B: Backend>() -> Verdict {
    let memory = SharedMemory::<B>::create(unique("named"), 64)?;
    assert_eq!(kind_of(memory.into_parcel()), ErrorKind::InvalidInput);
    Ok(())
}

fn a_channel_without_a_name_ends_with_its_sender<B: Backend>() -> Verdict {
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    assert!(sender.name().is_none() && receiver.name().is_none());
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    sender.send(b"one")?;
    assert_eq!(&*receiver.recv_ref()?, b"one");
    drop(sender);
    for _ in 0..3 {
        assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
        assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::Disconnected);
        assert_eq!(kind_of(receiver.recv_ref_timeout(SOON)), ErrorKind::Disconnected);
        assert!(receiver.is_finished());
    }
    let (sender, mut receiver) = byte_channel::<B>()?;
    sender.abort();
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    let (mut sender, receiver) = byte_channel::<B>()?;
    drop(receiver);
    assert_eq!(kind_of(sender.send(b"lost")), ErrorKind::Disconnected);
    Ok(())
}

fn a_used_end_goes_on_where_it_was<B: Backend>() -> Verdict {
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    let (mut sent, mut received) = (0_u32, 0_u32);
    // Messages of many lengths, several times around the ring.
    for round in 0_u32..200 {
        for _ in 0..round % 7 {
            sender.send(&message(sent))?;
            sent += 1;
        }
        if round % 3 == 0 {
            sender = handed_over::<B, _>(sender)?;
        }
        if round % 2 == 0 {
            receiver = handed_over::<B, _>(receiver)?;
        }
        // Never all, most of the time.
        while received + (round % 5) < sent {
            assert!(*receiver.recv_ref()? == message(received)[..], "message {received}");
            received += 1;
        }
    }
    drop(handed_over::<B, _>(sender)?);
    let mut receiver = handed_over::<B, _>(receiver)?;
    while received < sent {
        assert!(*receiver.recv_ref()? == message(received)[..], "message {received}");
        received += 1;
    }
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    assert!(receiver.is_finished());
    Ok(())
}

fn a_full_ring_is_handed_over<B: Backend>() -> Verdict {
    let (mut sender, receiver) = byte_channel::<B>()?;
    let mut sent = 0_u32;
    while sender.try_send(&message(sent)).is_ok() {
        sent += 1;
    }
    let mut sender = handed_over::<B, _>(sender)?;
    // The new end knows that there is no room.
    assert_eq!(kind_of(sender.send_timeout(&message(sent), SOON)), ErrorKind::TimedOut);
    let mut receiver = handed_over::<B, _>(receiver)?;
    for number in 0..sent {
        assert!(*receiver.recv_ref()? == message(number)[..], "message {number}");
    }
    sender.send(&message(sent))?;
    assert!(*receiver.recv_ref()? == message(sent)[..]);
    Ok(())
}

fn a_leaked_message_is_not_received_twice<B: Backend>() -> Verdict {
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    for number in 0..3 {
        sender.send(&message(number))?;
    }
    std::mem::forget(receiver.recv_ref()?);
    std::mem::forget(sender.loan(10)?);
    let mut receiver = handed_over::<B, _>(receiver)?;
    drop(handed_over::<B, _>(sender)?);
    for number in 1..3 {
        assert!(*receiver.recv_ref()? == message(number)[..], "message {number}");
    }
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    Ok(())
}

fn the_end_of_a_sender_is_handed_over<B: Backend>() -> Verdict {
    for finishes in [true, false] {
        let (sender, mut receiver) = byte_channel::<B>()?;
        if finishes {
            drop(sender)
        } else {
            sender.abort()
        }
        assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
        let mut receiver = handed_over::<B, _>(receiver)?;
        assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
        assert_eq!(receiver.is_finished(), finishes);
    }
    Ok(())
}

fn a_parcel_that_is_lost_is_a_death<B: Backend>() -> Verdict {
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    sender.send(b"last")?;
    drop(sender.into_parcel()?);
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"last");
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    let (mut sender, receiver) = byte_channel::<B>()?;
    drop(receiver.into_parcel()?);
    while sender.try_send(&[0; 1000]).is_ok() {}
    assert_eq!(kind_of(sender.send_timeout(&[0; 1000], PATIENCE)), ErrorKind::Disconnected);
    Ok(())
}

fn an_end_is_handed_over_where_no_handle_is_left<B: Backend>() -> Verdict {
    let mut peer = limited_to(40, hand_over_with_no_handle_left::<B>, [""; 0])?;
    peer.expect("handed over")?;
    Ok(peer.finish()?)
}

fn hand_over_with_no_handle_left<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = SharedMemory::<B>::anonymous(100)?;
    memory.write(50, b"kept")?;
    let (mut sender, receiver) = byte_channel::<B>()?;
    sender.send(b"unread")?;
    let mut open = Vec::new();
    let program = env::current_exe()?;
    while let Ok(file) = fs::File::open(&program) {
        open.push(file);
        assert!(open.len() < 100, "there is no limit");
    }
    let memory: SharedMemory<B> = handed_over::<B, _>(memory)?;
    let mut sender: ByteSender<B> = handed_over::<B, _>(sender)?;
    let mut receiver: ByteReceiver<B> = handed_over::<B, _>(receiver)?;
    drop(open);
    let mut text = [0; 4];
    memory.read(50, &mut text)?;
    assert_eq!(&text, b"kept");
    sender.send(b"last")?;
    drop(sender.into_parcel()?);
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"unread");
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"last");
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    stage.say("handed over");
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_named_sender_keeps_its_name<B: Backend>() -> Verdict {
    let name = unique("kept");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"one")?;
    let mut sender = handed_over::<B, _>(sender)?;
    assert_eq!(sender.name().map(|name| name.as_str()), Some(name.as_str()));
    sender.send(b"two")?;
    assert_eq!(&*receiver.recv_ref()?, b"one");
    assert_eq!(&*receiver.recv_ref()?, b"two");
    Ok(())
}

fn a_named_receiver_is_not_handed_over<B: Backend>() -> Verdict {
    let receiver = ByteReceiver::<B>::bind(unique("stays"))?;
    assert_eq!(kind_of(receiver.into_parcel()), ErrorKind::InvalidInput);
    Ok(())
}

fn memory_that_strait_did_not_make_is_foreign<B: Backend>() -> Verdict {
    for len in [1, 100_000] {
        let handle = B::Segment::anonymous(len)?.into_handle()?;
        let parcel =
            Parcel { kind: SharedMemory::<B>::KIND, state: Vec::new(), handles: vec![handle] };
        let error = error_of(SharedMemory::<B>::from_parcel(parcel));
        assert_eq!(error.kind(), ErrorKind::Foreign);
        // It has no name that another one could be chosen for.
        assert!(!error.to_string().contains("name"), "{error}");
    }
    Ok(())
}

fn another_kind_is_a_mismatch<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    let error = PipeWriter::<B>::from_parcel(reader.into_parcel()?).err().ok_or("it was taken")?;
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    let text = error.to_string();
    assert!(text.contains("the reading end") && text.contains("the writing end"), "{text}");
    // A parcel that lies about what it has.
    for kind in [PipeReader::<B>::KIND, SharedMemory::<B>::KIND] {
        let mut parcel = writer.try_clone()?.into_parcel()?;
        parcel.kind = kind;
        let found = match kind {
            EndpointKind::PIPE_READER => kind_of(PipeReader::<B>::from_parcel(parcel)),
            _ => kind_of(SharedMemory::<B>::from_parcel(parcel)),
        };
        assert!(matches!(found, ErrorKind::TypeMismatch | ErrorKind::PeerCorrupt), "{found:?}");
    }
    let (_, receiver) = byte_channel::<B>()?;
    assert_eq!(
        kind_of(ByteSender::<B>::from_parcel(receiver.into_parcel()?)),
        ErrorKind::TypeMismatch
    );
    Ok(())
}

/// Whatever it is, it is no panic, and what is taken nevertheless is an end that works or fails.
fn what_a_hostile_peer_packs_is_an_error<B: Backend>() -> Verdict {
    let sender = || -> Result<Parcel<B>, Failure> {
        let (mut sender, receiver) = byte_channel::<B>()?;
        sender.send(b"one")?;
        std::mem::forget(receiver);
        Ok(sender.into_parcel()?)
    };
    let taken = |parcel| ByteSender::<B>::from_parcel(parcel).map(|mut sender| sender.send(b"x"));
    assert!(taken(sender()?)?.is_ok());
    let len = sender()?.state.len();
    for at in 0..len {
        for bit in [0, 3, 7] {
            let mut parcel = sender()?;
            parcel.state[at] ^= 1 << bit;
            let found = kind_of(taken(parcel));
            let is_known = matches!(
                found,
                ErrorKind::Foreign
                    | ErrorKind::VersionMismatch
                    | ErrorKind::PeerCorrupt
                    | ErrorKind::TypeMismatch
            );
            assert!(is_known, "byte {at}, bit {bit}: {found:?}");
        }
        let mut parcel = sender()?;
        parcel.state.truncate(at);
        assert_eq!(kind_of(taken(parcel)), ErrorKind::Foreign);
    }
    for name in [&b"../x"[..], b"\xff", &[b'x'; 201]] {
        let mut parcel = sender()?;
        parcel.state.extend(name);
        assert_eq!(kind_of(taken(parcel)), ErrorKind::PeerCorrupt);
    }
    // Too few handles, too many, and those of other things.
    let mut parcel = sender()?;
    parcel.handles.pop();
    assert_eq!(kind_of(taken(parcel)), ErrorKind::PeerCorrupt);
    let mut parcel = sender()?;
    parcel.handles.extend(sender()?.handles);
    assert_eq!(kind_of(taken(parcel)), ErrorKind::PeerCorrupt);
    let mut parcel = sender()?;
    parcel.handles.swap(0, 1);
    // Which of them, depends on which is looked at first, and on whether it can be told from memory that hurts.
    let found = kind_of(taken(parcel));
    assert!(matches!(found, ErrorKind::TypeMismatch | ErrorKind::PeerCorrupt), "{found:?}");
    let mut parcel = sender()?;
    parcel.handles[1] = pipe::<B>()?.0.into_parcel()?.handles.remove(0);
    assert_eq!(kind_of(taken(parcel)), ErrorKind::TypeMismatch);
    let mut parcel = Handle::<B>::from_backend(parcel_of_pipe::<B>()?).into_parcel()?;
    parcel.state.push(0);
    assert_eq!(kind_of(Handle::<B>::from_parcel(parcel)), ErrorKind::PeerCorrupt);
    Ok(())
}

const SOON: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(20);

fn handed_over<B: Backend, E: Endpoint<B>>(endpoint: E) -> strait::Result<E> {
    E::from_parcel(endpoint.into_parcel()?)
}

fn parcel_of_pipe<B: Backend>() -> Result<B::Handle, Failure> {
    Ok(pipe::<B>()?.0.into_parcel()?.handles.remove(0))
}

/// The message with this number: of a length and with bytes that follow from it.
fn message(number: u32) -> Vec<u8> {
    let len = (number as usize * 977) % 6000;
    let mut bytes = vec![number as u8; len];
    bytes.extend(number.to_le_bytes());
    bytes
}
