//! Rings between two processes, met by hand: what the channels are made of.

use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::time::Duration;
use strait::{
    Name,
    backend::{Connection, Deadline, Listener},
};
use strait_protocol::{
    Advert, Hello, Spin,
    ring::{Consumer, Producer, Received, SegmentRing},
};

behaviours! {
    ring;
    no_wake_up_is_lost_between_ends_that_always_sleep needs [Rendezvous, AnonymousSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![send_sleepily::<B>]
}

const MESSAGES: u32 = 20_000;

fn no_wake_up_is_lost_between_ends_that_always_sleep<B: Backend>() -> Verdict {
    let name = unique("sleepy");
    let listener = listen::<B>(&name)?;
    let mut peer = Peer::with_args(send_sleepily::<B>, [&name])?;
    peer.set_deadline(Duration::from_secs(100));
    let (connection, segment) = accept::<B>(&listener)?;
    let ring = SegmentRing::attach(segment, CAPACITY)?;
    let mut receiver = Consumer::new(ring, connection).with_spin(Spin::none());
    for number in 0..MESSAGES {
        let received = receiver.receive(Deadline::after(PATIENCE))?;
        assert_eq!(received, Received::Message, "the wake-up for message {number} was lost");
        assert_eq!(receiver.message()[..4], number.to_le_bytes());
        receiver.release();
    }
    assert_eq!(receiver.receive(Deadline::after(PATIENCE))?, Received::Finished);
    Ok(peer.finish()?)
}

fn send_sleepily<B: Backend>(stage: &mut Stage) -> Verdict {
    let (connection, ring) = offer::<B>(stage.arg(0))?;
    let mut sender = Producer::new(ring, connection).with_spin(Spin::none());
    for number in 0..MESSAGES {
        // Three of these fill the ring, and then one: both ends have to wait all the time.
        sender.reserve(if number % 2 == 0 { 1300 } else { 2048 }, Deadline::after(PATIENCE))?;
        sender.message()[..4].copy_from_slice(&number.to_le_bytes());
        sender.publish()?;
    }
    Ok(sender.finish(Deadline::after(PATIENCE))?)
}

/// The capacity of these rings in bytes.
pub(super) const CAPACITY: usize = 4096;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Listens as a receiver does.
pub(super) fn listen<B: Backend>(name: &str) -> Result<B::Listener, Failure> {
    let advert = Advert { capacity: CAPACITY as u64 };
    Ok(B::listen(&Name::new(name)?, &advert.to_bytes())?)
}

/// Connects as a sender does.
pub(super) fn offer<B: Backend>(
    name: &str,
) -> Result<(B::Connection, SegmentRing<B::Segment>), Failure> {
    let (connection, _) = B::connect(&Name::new(name)?, Deadline::now())?;
    let ring = SegmentRing::<B::Segment>::create(CAPACITY, B::current_process()?)?;
    let hello = Hello { capacity: CAPACITY as u64 };
    connection.send(&hello.to_bytes(), Some(ring.segment()))?;
    Ok((connection, ring))
}

/// Waits for a sender and takes the memory of its ring.
pub(super) fn accept<B: Backend>(
    listener: &B::Listener,
) -> Result<(B::Connection, B::Segment), Failure> {
    let deadline = Deadline::after(PATIENCE);
    if !B::wait_any(listener, &[], deadline)? {
        return Err("nobody came".into());
    }
    let connection = [listener.accept()?.ok_or("nobody came")?];
    loop {
        match connection[0].receive(&mut [0; Hello::LEN])? {
            Some((_, Some(segment))) => {
                let [connection] = connection;
                return Ok((connection, segment));
            }
            Some(_) => return Err("no memory came".into()),
            None => {
                B::wait_any(listener, &connection, deadline)?;
            }
        }
    }
}
