//! Channels without a name, and ends that another process goes on with.
//!
//! An end is its connection, its ring's memory, and how far it is. Nothing that it has received or sent
//! is in this process alone: messages stay in the ring, and rings of the bell in the socket.

use super::{ByteReceiver, ByteSender, DEFAULT_CAPACITY, Ring, receiver::Sender};
use crate::endpoint::{Endpoint, EndpointKind, PACK, Parcel, UNPACK, corrupt, exactly, require};
use strait_core::{Backend, Capability, Error, ErrorKind, Name, Result, Transfer};
use strait_protocol::{
    HandedOver, PeerState,
    ring::{Consumer, Producer, SegmentRing, is_capacity},
};

/// Makes a channel of bytes without a name: both its ends are here, to be handed to others.
///
/// Nobody else can become its sender: `Disconnected` is for ever.
///
/// # Errors
///
/// `OutOfMemory` where there is no memory for the ring; `Os` where there are no more handles.
pub fn byte_channel<B: Backend>() -> Result<(ByteSender<B>, ByteReceiver<B>)> {
    const MAKE: &str = "make a channel";
    B::CAPABILITIES.require(Capability::Rendezvous, MAKE)?;
    B::CAPABILITIES.require(Capability::AnonymousSegments, MAKE)?;
    let capacity = DEFAULT_CAPACITY;
    let ring: Ring<B> = SegmentRing::create(capacity, B::current_process()?)?;
    let again = B::Segment::from_handle(ring.segment().to_handle()?)?;
    let (there, here) = B::pair()?;
    let consumer = Consumer::new(SegmentRing::attach(again, capacity)?, here);
    let sender = ByteSender::of_producer(Producer::new(ring, there), None);
    Ok((sender, ByteReceiver::unnamed(capacity, Some(consumer), false)))
}

impl<B: Backend> Endpoint<B> for ByteSender<B> {
    const KIND: EndpointKind = EndpointKind::BYTE_SENDER;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        let (producer, name) = self.into_producer();
        let state = HandedOver {
            capacity: producer.ring().capacity() as u64,
            position: producer.position(),
            peer: PeerState::Connected,
        };
        let mut state = state.to_bytes().to_vec();
        state.extend(name.iter().flat_map(|name| name.as_str().bytes()));
        let handles = handles_of::<B>(producer.into_parts())?;
        Ok(Parcel { kind: Self::KIND, state, handles })
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        let (state, handles) = parcel.open(Self::KIND)?;
        let (state, name) = HandedOver::from_bytes(&state, UNPACK)?;
        if state.peer != PeerState::Connected {
            return Err(corrupt("a sender's end always has its ring"));
        }
        let (ring, bell) = ring_and_bell::<B>(capacity(state)?, handles)?;
        let name = match std::str::from_utf8(name) {
            Ok("") => None,
            Ok(name) => Some(Name::new(name).map_err(|error| corrupt(error.to_string()))?),
            Err(_) => return Err(corrupt("its name is no text")),
        };
        Ok(Self::of_producer(Producer::resume(state.position, ring, bell)?, name))
    }
}

/// Only of a channel without a name: what listens under a name stays where it is.
impl<B: Backend> Endpoint<B> for ByteReceiver<B> {
    const KIND: EndpointKind = EndpointKind::BYTE_RECEIVER;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        let (capacity, sender, finished) = self.into_unnamed().map_err(|name| {
            let why = "a receiver that is bound to a name stays in its process";
            Error::new(ErrorKind::InvalidInput, PACK, why)
                .on(name)
                .hint("make a channel without a name, by `byte_channel`")
        })?;
        let capacity = capacity as u64;
        let (position, peer, handles) = match sender {
            Some(sender) => {
                let (position, handles) = pack::<B>(sender)?;
                (position, PeerState::Connected, handles)
            }
            None if finished => (0, PeerState::Finished, Vec::new()),
            None => (0, PeerState::HungUp, Vec::new()),
        };
        let state = HandedOver { capacity, position, peer }.to_bytes().to_vec();
        Ok(Parcel { kind: Self::KIND, state, handles })
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        let (state, handles) = parcel.open(Self::KIND)?;
        let (state, rest) = HandedOver::from_bytes(&state, UNPACK)?;
        if !rest.is_empty() {
            return Err(corrupt("a receiver's end has no name"));
        }
        let capacity = capacity(state)?;
        let sender = match state.peer {
            PeerState::Connected => {
                let (ring, bell) = ring_and_bell::<B>(capacity, handles)?;
                Some(Consumer::resume(state.position, ring, bell)?)
            }
            PeerState::Finished | PeerState::HungUp => {
                let [] = exactly(handles)?;
                None
            }
        };
        Ok(Self::unnamed(capacity, sender, state.peer == PeerState::Finished))
    }
}

/// How far a receiver is, and what it is made of.
fn pack<B: Backend>(mut sender: Sender<B>) -> Result<(u64, Vec<B::Handle>)> {
    let position = sender.settle();
    Ok((position, handles_of::<B>(sender.into_parts())?))
}

/// From here on the end is the other process'. It is these very handles, as there may be no others to
/// be had; and were one of them not to be had, the end would be lost, and nothing say that it has finished.
fn handles_of<B: Backend>((ring, bell): (Ring<B>, B::Connection)) -> Result<Vec<B::Handle>> {
    Ok(vec![ring.into_segment().into_handle()?, bell.into_handle()?])
}

fn ring_and_bell<B: Backend>(
    capacity: usize,
    handles: Vec<B::Handle>,
) -> Result<(Ring<B>, B::Connection)> {
    let [segment, bell] = exactly(handles)?;
    let ring = SegmentRing::attach(B::Segment::from_handle(segment)?, capacity)?;
    Ok((ring, B::Connection::from_handle(bell)?))
}

fn capacity(state: HandedOver) -> Result<usize> {
    match usize::try_from(state.capacity) {
        Ok(capacity) if is_capacity(capacity) => Ok(capacity),
        _ => Err(corrupt(format!("no ring has {} bytes", state.capacity))),
    }
}
