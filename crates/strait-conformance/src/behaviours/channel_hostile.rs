//! Channels of bytes, one end of which breaks the rules.

use super::ring::{CAPACITY, accept, listen, offer};
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours, is_wine, unavailable, unique,
};
use std::time::Duration;
use strait::{
    ErrorKind, Name,
    backend::{Connection, Deadline, Doorbell, Segment},
    generic::{ByteReceiver, ByteSender},
};
use strait_protocol::{Advert, Hello, ring::SegmentRing, shared};

behaviours! {
    channel_hostile;
    a_sender_that_scribbles_over_the_ring_gets_us_errors_only needs [Rendezvous],
    a_receiver_that_scribbles_over_the_ring_gets_us_errors_only needs [Rendezvous],
    a_peer_that_rings_without_end_is_found_out needs [Rendezvous],
    a_silent_connection_holds_up_nobody needs [Rendezvous],
    many_silent_connections_hold_up_nobody needs [Rendezvous],
    a_wrong_introduction_is_refused_and_holds_up_nobody needs [Rendezvous],
    something_else_that_listens_is_refused needs [Rendezvous],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        scribble_as_sender::<B>,
        scribble_as_receiver::<B>,
        ring_as_sender::<B>,
        ring_as_receiver::<B>
    ]
}

fn a_sender_that_scribbles_over_the_ring_gets_us_errors_only<B: Backend>() -> Verdict {
    for seed in 0..30 {
        let name = unique("scribble");
        let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, CAPACITY)?;
        let mut peer = Peer::with_args(scribble_as_sender::<B>, [name.clone(), seed.to_string()])?;
        loop {
            match receiver.recv_ref_timeout(PATIENCE) {
                Ok(message) => assert!(message.len() <= CAPACITY / 2),
                Err(error) => {
                    let kinds = [ErrorKind::PeerCorrupt, ErrorKind::Disconnected];
                    assert!(kinds.contains(&error.kind()), "{error}");
                    break;
                }
            }
        }
        peer.wait()?;
    }
    Ok(())
}

fn scribble_as_sender<B: Backend>(stage: &mut Stage) -> Verdict {
    let (connection, ring) = offer::<B>(stage.arg(0))?;
    let mut random = Random(stage.arg(1).parse()?);
    for _ in 0..20_000 {
        scribble(&mut random, ring.segment())?;
        // Disconnected as soon as it was found out.
        if connection.ring().is_err() {
            break;
        }
    }
    Ok(())
}

fn a_receiver_that_scribbles_over_the_ring_gets_us_errors_only<B: Backend>() -> Verdict {
    for seed in 0..30 {
        let name = unique("scribble");
        let mut peer =
            Peer::with_args(scribble_as_receiver::<B>, [name.clone(), seed.to_string()])?;
        peer.expect("listening")?;
        let mut sender = ByteSender::<B>::connect(&name)?;
        let mut random = Random(seed);
        let ended = loop {
            let len = random.next() as usize % (CAPACITY / 2);
            match sender.loan_timeout(len, PATIENCE) {
                Ok(mut loan) => {
                    loan.fill(1);
                    if let Err(error) = loan.send() {
                        break error;
                    }
                }
                Err(error) => break error,
            }
        };
        let kinds = [ErrorKind::PeerCorrupt, ErrorKind::Disconnected];
        assert!(kinds.contains(&ended.kind()), "{ended}");
        drop(sender);
        peer.wait()?;
    }
    Ok(())
}

fn scribble_as_receiver<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = listen::<B>(stage.arg(0))?;
    stage.say("listening");
    let (connection, segment) = accept::<B>(&listener)?;
    let mut random = Random(stage.arg(1).parse()?);
    for _ in 0..20_000 {
        scribble(&mut random, &segment)?;
        if connection.ring().is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes one word after the header: any value anywhere, but often one that could be, in the ring's
/// bookkeeping.
fn scribble<S: Segment>(random: &mut Random, segment: &S) -> Verdict {
    const HEADER: usize = strait_protocol::Header::LEN;
    const LINE: usize = 128;
    let value = match random.next() % 4 {
        0 => random.next(),
        1 => random.next() % 2,
        _ => (random.next() % (2 * CAPACITY as u64)) & !7,
    };
    let words = (segment.len() - HEADER) as u64 / 8;
    let offset = match random.next() % 2 {
        0 => HEADER + random.next() as usize % 6 * LINE,
        _ => HEADER + (random.next() % words) as usize * 8,
    };
    Ok(shared::write(segment, offset, &value.to_ne_bytes())?)
}

fn a_peer_that_rings_without_end_is_found_out<B: Backend>() -> Verdict {
    if is_wine() {
        return unavailable("wine: each ring takes so long there that this takes ten minutes");
    }
    let name = unique("rings");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, CAPACITY)?;
    let mut peer = Peer::with_args(ring_as_sender::<B>, [&name])?;
    let error = receiver.recv_ref().err().ok_or("a message came")?;
    assert_eq!(error.kind(), ErrorKind::PeerCorrupt);
    peer.wait()?;
    drop(receiver);

    let mut peer = Peer::with_args(ring_as_receiver::<B>, [&name])?;
    peer.expect("listening")?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    while sender.try_send(&[0; 1000]).is_ok() {}
    let error = sender.send(&[0; 1000]).err().ok_or("it was sent")?;
    assert_eq!(error.kind(), ErrorKind::PeerCorrupt);
    drop(sender);
    peer.wait()?;
    Ok(())
}

fn ring_as_sender<B: Backend>(stage: &mut Stage) -> Verdict {
    let (connection, _ring) = offer::<B>(stage.arg(0))?;
    while connection.ring().is_ok() {}
    Ok(())
}

fn ring_as_receiver<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = listen::<B>(stage.arg(0))?;
    stage.say("listening");
    let (connection, _segment) = accept::<B>(&listener)?;
    while connection.ring().is_ok() {}
    Ok(())
}

fn a_silent_connection_holds_up_nobody<B: Backend>() -> Verdict {
    let name = unique("silent");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let _silent = B::connect(&Name::new(&name)?, Deadline::now())?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"heard")?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"heard");
    Ok(())
}

fn many_silent_connections_hold_up_nobody<B: Backend>() -> Verdict {
    let name = unique("many");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let silent = || B::connect(&Name::new(&name)?, Deadline::after(PATIENCE));
    let _silent = (0..400).map(|_| silent()).collect::<Result<Vec<_>, _>>()?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"heard")?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"heard");
    Ok(())
}

fn a_wrong_introduction_is_refused_and_holds_up_nobody<B: Backend>() -> Verdict {
    let name = unique("wrong");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, CAPACITY)?;
    let hello = Hello { capacity: CAPACITY as u64 }.to_bytes();
    let larger = Hello { capacity: 2 * CAPACITY as u64 }.to_bytes();
    let creator = B::current_process()?;
    let ring = SegmentRing::<B::Segment>::create(CAPACITY, creator)?;
    let other = SegmentRing::<B::Segment>::create(2 * CAPACITY, creator)?;
    let tiny = B::Segment::anonymous(1)?;
    let zeros = B::Segment::anonymous(ring.segment().len())?;
    let wrong: [(&[u8], Option<&B::Segment>); 7] = [
        (b"GET / HTTP/1.1\r\n\r\n", None),
        (&hello, None),
        (&hello[..10], Some(ring.segment())),
        (&larger, Some(other.segment())),
        (&hello, Some(other.segment())),
        (&hello, Some(&tiny)),
        (&hello, Some(&zeros)),
    ];
    let mut kept = Vec::new();
    for (message, segment) in wrong {
        let (connection, _) = B::connect(&Name::new(&name)?, Deadline::now())?;
        connection.send(message, segment)?;
        kept.push(connection);
    }
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"right")?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"right");
    // Each of the others was hung up on.
    for connection in kept {
        let wake = connection.wait(Deadline::after(PATIENCE))?;
        assert_eq!(wake, strait::backend::Wake::HungUp);
    }
    Ok(())
}

fn something_else_that_listens_is_refused<B: Backend>() -> Verdict {
    let name = unique("else");
    let of = |advert: &[u8]| {
        let _listener = B::listen(&Name::new(&name)?, advert)?;
        Ok::<_, strait::Error>(super::kind_of(ByteSender::<B>::connect(&name)))
    };
    assert_eq!(of(b"")?, ErrorKind::Foreign);
    assert_eq!(of(b"another service")?, ErrorKind::Foreign);
    let mut newer = Advert { capacity: 4096 }.to_bytes();
    newer[8] = 0xff;
    assert_eq!(of(&newer)?, ErrorKind::VersionMismatch);
    for capacity in [0, 7, 4095, u64::MAX] {
        assert_eq!(of(&Advert { capacity }.to_bytes())?, ErrorKind::InvalidInput, "{capacity}");
    }
    Ok(())
}

/// Marsaglia's xorshift64: enough to scribble with, and the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // Zero would stay zero.
        self.0 = self.0.max(1);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
