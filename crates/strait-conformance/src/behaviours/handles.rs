//! Handles and endpoints that go to another process.

use super::kind_of;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::is_unix, unique,
    wait_until,
};
use std::{
    io::{Read, Write},
    time::Duration,
};
use strait::{
    Endpoint, ErrorKind,
    generic::{
        ByteReceiver, ByteSender, Handle, LocalDatagram, LocalDatagramListener, LocalListener,
        LocalStream, PipeReader, PipeWriter, SharedMemory, byte_channel, pipe,
    },
};

behaviours! {
    handles;
    every_endpoint_works_in_another_process needs [LocalSockets, HandlePassing, Pipes, Rendezvous],
    every_endpoint_goes_as_a_datagram_too needs [LocalSockets, HandlePassing, Pipes, Rendezvous],
    a_used_channel_goes_to_and_fro needs [LocalSockets, HandlePassing, Rendezvous],
    who_takes_over_learns_of_a_death needs [LocalSockets, HandlePassing, Rendezvous],
    handles_stay_with_their_bytes needs [LocalSockets, HandlePassing, Pipes],
    too_many_handles_are_refused needs [LocalSockets, HandlePassing, Pipes],
    what_is_read_without_handles_closes_them needs [LocalSockets, HandlePassing, Pipes],
    what_is_not_wanted_stays needs [LocalSockets, HandlePassing, Pipes],
    handles_that_are_never_received_are_closed needs [LocalSockets, HandlePassing, Pipes],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![use_over_stream::<B>, use_over_datagrams::<B>, receive_some::<B>, send_and_stay::<B>]
}

fn every_endpoint_works_in_another_process<B: Backend>() -> Verdict {
    let name = unique("every");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(use_over_stream::<B>, [&name])?;
    let stream = listener.accept_timeout(PATIENCE)?;
    give_all::<B>(&mut peer, &stream)?;
    Ok(peer.finish()?)
}

fn every_endpoint_goes_as_a_datagram_too<B: Backend>() -> Verdict {
    let name = unique("datagram");
    let listener = LocalDatagramListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(use_over_datagrams::<B>, [&name])?;
    let connection = listener.accept_timeout(PATIENCE)?;
    give_all::<B>(&mut peer, &connection)?;
    Ok(peer.finish()?)
}

/// Sends one of each kind, and sees from here that it is used there.
fn give_all<B: Backend>(peer: &mut Peer, to: &impl Passes<B>) -> Verdict {
    let (reader, mut writer) = pipe::<B>()?;
    to.give(reader)?;
    writer.write_all(b"to read")?;
    drop(writer);
    peer.expect("to read")?;

    let (mut reader, writer) = pipe::<B>()?;
    to.give(writer)?;
    assert_eq!(text_of(&mut reader)?, "written");

    let memory = SharedMemory::<B>::anonymous(100)?;
    memory.write(50, b"shared")?;
    to.give(memory)?;
    peer.expect("shared")?;

    let (sender, mut receiver) = byte_channel::<B>()?;
    to.give(sender)?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"sent");
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(receiver.is_finished());

    let (mut sender, receiver) = byte_channel::<B>()?;
    sender.send(b"to receive")?;
    to.give(receiver)?;
    sender.finish_timeout(PATIENCE)?;
    peer.expect("to receive")?;

    let (mut here, there) = LocalStream::<B>::pair()?;
    to.give(there)?;
    assert_eq!(text_of(&mut here)?, "streamed");

    let (here, there) = LocalDatagram::<B>::pair()?;
    to.give(there)?;
    assert_eq!(here.recv_vec_timeout(PATIENCE)?, b"a message");

    let (mut reader, writer) = pipe::<B>()?;
    let handle = writer.into_parcel()?.handles.remove(0);
    to.give(Handle::<B>::from_backend(handle))?;
    assert_eq!(text_of(&mut reader)?, "by its handle");
    Ok(())
}

fn use_all<B: Backend>(stage: &mut Stage, from: &impl Passes<B>) -> Verdict {
    let mut reader: PipeReader<B> = from.take()?;
    stage.say(text_of(&mut reader)?);
    let mut writer: PipeWriter<B> = from.take()?;
    writer.write_all(b"written")?;
    drop(writer);
    let memory: SharedMemory<B> = from.take()?;
    let mut text = [0; 6];
    memory.read(50, &mut text)?;
    stage.say(String::from_utf8_lossy(&text));
    let mut sender: ByteSender<B> = from.take()?;
    sender.send(b"sent")?;
    sender.finish_timeout(PATIENCE)?;
    let mut receiver: ByteReceiver<B> = from.take()?;
    stage.say(String::from_utf8_lossy(&receiver.recv_ref_timeout(PATIENCE)?));
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    let mut stream: LocalStream<B> = from.take()?;
    stream.write_all(b"streamed")?;
    drop(stream);
    let connection: LocalDatagram<B> = from.take()?;
    connection.send(b"a message")?;
    let handle: Handle<B> = from.take()?;
    let mut writer = PipeWriter::<B>::from_parcel(strait::generic::Parcel {
        kind: PipeWriter::<B>::KIND,
        ..handle.into_parcel()?
    })?;
    writer.write_all(b"by its handle")?;
    drop(writer);
    stage.wait_for_end_of_input();
    Ok(())
}

/// Messages are received here and there in turn, with none lost, doubled, or out of order.
fn a_used_channel_goes_to_and_fro<B: Backend>() -> Verdict {
    let name = unique("to-and-fro");
    let listener = LocalListener::<B>::bind(&name)?;
    let peer = Peer::with_args(receive_some::<B>, [&name])?;
    let stream = listener.accept_timeout(PATIENCE)?;
    let (mut sender, mut receiver) = byte_channel::<B>()?;
    let (mut sent, mut received) = (0_u32, 0_u32);
    for round in 0..100 {
        for _ in 0..11 {
            sender.send_timeout(&message(sent), PATIENCE)?;
            sent += 1;
        }
        stream.send_endpoint_timeout(receiver, PATIENCE)?;
        peer.tell(format!("{received} 5"));
        receiver = stream.recv_endpoint_timeout(PATIENCE)?;
        received += 5;
        while received + round % 7 < sent {
            assert!(*receiver.recv_ref_timeout(PATIENCE)? == message(received)[..]);
            received += 1;
        }
    }
    drop(sender);
    while received < sent {
        assert!(*receiver.recv_ref_timeout(PATIENCE)? == message(received)[..]);
        received += 1;
    }
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(receiver.is_finished());
    Ok(peer.finish()?)
}

fn who_takes_over_learns_of_a_death<B: Backend>() -> Verdict {
    let name = unique("death");
    let listener = LocalListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(send_and_stay::<B>, [&name])?;
    let stream = listener.accept_timeout(PATIENCE)?;
    let (sender, mut receiver) = byte_channel::<B>()?;
    stream.send_endpoint_timeout(sender, PATIENCE)?;
    peer.expect("sent")?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"last");
    peer.kill()?;
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    // The stream has ended too, and not within anything.
    let end = kind_of(stream.recv_endpoint_timeout::<PipeReader<B>>(PATIENCE));
    assert_eq!(end, ErrorKind::Disconnected);
    Ok(())
}

fn handles_stay_with_their_bytes<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let (messages_here, messages_there) = LocalDatagram::<B>::pair()?;
    let mut buffer = vec![0; LocalStream::<B>::MAX_BYTES_WITH_HANDLES];
    let largest = buffer.len();
    let cases = [(0, 0), (1, 0), (0, 1), (1, 1), (10, 3), (5000, 253), (0, 253), (largest, 2)];
    for (len, count) in cases {
        let bytes = vec![7; len];
        // Sent together, so that a receiver could take one for part of another.
        for _ in 0..2 {
            here.send_handles_timeout(&bytes, numbered::<B>(count)?, PATIENCE)?;
        }
        (&here).write_all(b"between")?;
        here.send_handles_timeout(b"after", numbered::<B>(1)?, PATIENCE)?;
        messages_here.send_handles_timeout(&bytes, numbered::<B>(count)?, PATIENCE)?;
        for _ in 0..2 {
            let (came, handles) = there.recv_handles_timeout(&mut buffer, PATIENCE)?;
            assert!(buffer[..came] == bytes);
            check_numbers::<B>(handles, count)?;
        }
        let mut between = [0; 7];
        there.read_exact_timeout(&mut between, PATIENCE)?;
        assert_eq!(&between, b"between");
        let (came, handles) = there.recv_handles_timeout(&mut buffer, PATIENCE)?;
        assert_eq!(&buffer[..came], b"after");
        check_numbers::<B>(handles, 1)?;
        let (came, handles) = messages_there.recv_handles_timeout(&mut buffer, PATIENCE)?;
        assert!(buffer[..came] == bytes);
        check_numbers::<B>(handles, count)?;
    }
    Ok(())
}

fn too_many_handles_are_refused<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let (messages_here, messages_there) = LocalDatagram::<B>::pair()?;
    let most = LocalStream::<B>::MAX_HANDLES;
    let too_many = || numbered::<B>(most + 1);
    let error = here.send_handles(b"x", too_many()?).err().ok_or("it was sent")?;
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let text = error.to_string();
    assert!(text.contains(&most.to_string()) && text.contains(&(most + 1).to_string()), "{text}");
    assert_eq!(kind_of(messages_here.send_handles(b"x", too_many()?)), ErrorKind::TooLarge);
    let long = vec![0; LocalStream::<B>::MAX_BYTES_WITH_HANDLES + 1];
    assert_eq!(kind_of(here.send_handles(&long, Vec::new())), ErrorKind::TooLarge);
    let long = vec![0; LocalDatagram::<B>::MAX_LEN + 1];
    assert_eq!(kind_of(messages_here.send_handles(&long, Vec::new())), ErrorKind::TooLarge);
    // Nothing was sent.
    assert_eq!(kind_of(there.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    assert_eq!(kind_of(messages_there.recv_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    Ok(())
}

fn what_is_read_without_handles_closes_them<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let (messages_here, messages_there) = LocalDatagram::<B>::pair()?;
    let (reader, writer) = pipe::<B>()?;
    here.send_handles(b"bytes", vec![handle_of::<B>(reader)?])?;
    writer.write_timeout(b"still open", SOON)?;
    let mut all = vec![0; 100];
    let read = there.read_timeout(&mut all, PATIENCE)?;
    assert!(all[..read].ends_with(b"bytes"));
    wait_until_closed(&writer)?;

    let (reader, writer) = pipe::<B>()?;
    messages_here.send_handles(b"bytes", vec![handle_of::<B>(reader)?])?;
    assert_eq!(messages_there.recv_vec()?, b"bytes");
    wait_until_closed(&writer)
}

/// At once; where handles are fetched out of their sender's process, that closes its own a moment after they were
/// declined.
fn wait_until_closed<B: Backend>(writer: &PipeWriter<B>) -> Verdict {
    let has_no_reader = || {
        let written = writer.write_timeout(b"lost", SOON);
        written.is_err_and(|error| error.kind() == ErrorKind::Disconnected)
    };
    if is_unix() {
        assert!(has_no_reader());
        return Ok(());
    }
    wait_until("what came is closed", has_no_reader)
}

fn what_is_not_wanted_stays<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let (mut reader, writer) = pipe::<B>()?;
    here.send_endpoint(writer)?;
    assert_eq!(kind_of(there.recv_handles(&mut [0; 9])), ErrorKind::TypeMismatch);
    let error = there.recv_endpoint::<PipeReader<B>>().err().ok_or("it was taken")?;
    assert_eq!(error.kind(), ErrorKind::TypeMismatch);
    let text = error.to_string();
    assert!(text.contains("the writing end") && text.contains("the reading end"), "{text}");
    let mut writer: PipeWriter<B> = there.try_clone()?.recv_endpoint()?;
    writer.write_all(b"arrived")?;
    drop(writer);
    assert_eq!(text_of(&mut reader)?, "arrived");

    here.send_handles(b"nine bytes", numbered::<B>(1)?)?;
    assert_eq!(kind_of(there.recv_endpoint::<PipeReader<B>>()), ErrorKind::TypeMismatch);
    for len in 0..10 {
        assert_eq!(kind_of(there.recv_handles(&mut vec![0; len])), ErrorKind::TooLarge);
    }
    // It would be lost with the end that has it.
    assert_eq!(kind_of(there.try_clone()?.into_parcel()), ErrorKind::InvalidInput);
    let (len, handles) = there.recv_handles(&mut [0; 10])?;
    assert_eq!(len, 10);
    check_numbers::<B>(handles, 1)?;
    there.into_parcel()?;

    let (messages_here, messages_there) = LocalDatagram::<B>::pair()?;
    messages_here.send_handles(b"nine bytes", numbered::<B>(1)?)?;
    assert_eq!(kind_of(messages_there.recv_handles(&mut [0; 9])), ErrorKind::TooLarge);
    let (_, handles) = messages_there.recv_handles(&mut [0; 10])?;
    check_numbers::<B>(handles, 1)?;
    messages_here.send(b"no endpoint")?;
    let found = kind_of(messages_there.recv_endpoint::<PipeReader<B>>());
    assert_eq!(found, ErrorKind::PeerCorrupt);
    Ok(())
}

fn handles_that_are_never_received_are_closed<B: Backend>() -> Verdict {
    let (here, there) = LocalStream::<B>::pair()?;
    let (mut reader, writer) = pipe::<B>()?;
    here.send_endpoint(writer)?;
    drop(there);
    // The system may take a moment.
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    let error = (&here).write(b"x").err().ok_or("it was written")?;
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    let (kept, writer) = pipe::<B>()?;
    assert_eq!(kind_of(here.send_endpoint(writer)), ErrorKind::Disconnected);
    reader = kept;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn use_over_stream<B: Backend>(stage: &mut Stage) -> Verdict {
    let stream = LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    use_all::<B>(stage, &stream)
}

fn use_over_datagrams<B: Backend>(stage: &mut Stage) -> Verdict {
    let connection = LocalDatagram::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    use_all::<B>(stage, &connection)
}

fn receive_some<B: Backend>(stage: &mut Stage) -> Verdict {
    let stream = LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    while let Some(line) = stage.hear() {
        let (first, many) = line.split_once(' ').ok_or("no two numbers")?;
        let (first, many): (u32, u32) = (first.parse()?, many.parse()?);
        let mut receiver: ByteReceiver<B> = stream.recv_endpoint_timeout(PATIENCE)?;
        for number in first..first + many {
            assert!(*receiver.recv_ref_timeout(PATIENCE)? == message(number)[..], "{number}");
        }
        stream.send_endpoint_timeout(receiver, PATIENCE)?;
    }
    Ok(())
}

fn send_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    let stream = LocalStream::<B>::connect_timeout(stage.arg(0), PATIENCE)?;
    let mut sender: ByteSender<B> = stream.recv_endpoint_timeout(PATIENCE)?;
    sender.send(b"last")?;
    stage.say("sent");
    stage.wait_for_end_of_input();
    Ok(())
}

/// Both sorts of connections.
trait Passes<B: Backend> {
    fn give<E: Endpoint<B>>(&self, endpoint: E) -> strait::Result<()>;
    fn take<E: Endpoint<B>>(&self) -> strait::Result<E>;
}

impl<B: Backend> Passes<B> for LocalStream<B> {
    fn give<E: Endpoint<B>>(&self, endpoint: E) -> strait::Result<()> {
        self.send_endpoint_timeout(endpoint, PATIENCE)
    }

    fn take<E: Endpoint<B>>(&self) -> strait::Result<E> {
        self.recv_endpoint_timeout(PATIENCE)
    }
}

impl<B: Backend> Passes<B> for LocalDatagram<B> {
    fn give<E: Endpoint<B>>(&self, endpoint: E) -> strait::Result<()> {
        self.send_endpoint_timeout(endpoint, PATIENCE)
    }

    fn take<E: Endpoint<B>>(&self) -> strait::Result<E> {
        self.recv_endpoint_timeout(PATIENCE)
    }
}

/// Handles of pipes, from which their numbers can be read.
fn numbered<B: Backend>(count: usize) -> Result<Vec<Handle<B>>, Failure> {
    (0..count)
        .map(|number| {
            let (reader, mut writer) = pipe::<B>()?;
            writer.write_all(&number.to_le_bytes())?;
            handle_of::<B>(reader)
        })
        .collect()
}

fn check_numbers<B: Backend>(handles: Vec<Handle<B>>, count: usize) -> Verdict {
    assert_eq!(handles.len(), count);
    for (number, handle) in handles.into_iter().enumerate() {
        let mut parcel = handle.into_parcel()?;
        parcel.kind = PipeReader::<B>::KIND;
        let mut bytes = Vec::new();
        PipeReader::<B>::from_parcel(parcel)?.read_to_end(&mut bytes)?;
        assert_eq!(bytes, number.to_le_bytes());
    }
    Ok(())
}

fn handle_of<B: Backend>(reader: PipeReader<B>) -> Result<Handle<B>, Failure> {
    Ok(Handle::from_backend(reader.into_parcel()?.handles.remove(0)))
}

fn text_of(source: &mut impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    source.read_to_string(&mut text)?;
    Ok(text)
}

/// The message with this number: of a length and with bytes that follow from it.
fn message(number: u32) -> Vec<u8> {
    let mut bytes = vec![number as u8; (number as usize * 977) % 6000];
    bytes.extend(number.to_le_bytes());
    bytes
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
