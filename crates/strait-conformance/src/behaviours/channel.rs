//! Channels of bytes between two that live.

use super::kind_of;
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::time::{Duration, Instant};
use strait::{
    ErrorKind,
    generic::{ByteReceiver, ByteSender},
};

behaviours! {
    channel;
    messages_arrive_whole_and_in_order needs [Rendezvous],
    messages_of_every_length_up_to_half_of_the_ring_arrive needs [Rendezvous],
    a_longer_message_is_refused_with_the_limit needs [Rendezvous],
    no_wake_up_is_lost_in_20_000_round_trips needs [Rendezvous],
    a_loan_that_is_dropped_sends_nothing needs [Rendezvous],
    a_prefix_of_a_loan_is_sent needs [Rendezvous],
    a_full_ring_makes_the_sender_wait_or_say_so needs [Rendezvous],
    an_empty_ring_makes_the_receiver_wait_or_say_so needs [Rendezvous],
    receiving_without_a_sender_ends_at_its_deadline needs [Rendezvous],
    connecting_without_a_receiver_is_not_found needs [Rendezvous],
    connecting_waits_for_the_receiver needs [Rendezvous],
    a_second_receiver_on_a_live_name_is_refused needs [Rendezvous],
    a_capacity_that_can_not_be_is_refused needs [Rendezvous],
    finishing_waits_until_everything_was_received needs [Rendezvous],
    a_sender_that_aborts_has_not_finished needs [Rendezvous],
    a_message_that_is_leaked_is_not_received_again needs [Rendezvous],
    senders_are_served_one_after_another needs [Rendezvous],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![send_sequence::<B>, echo::<B>, send_own_number::<B>, bind_and_receive::<B>]
}

const MESSAGES: u32 = 50_000;

fn messages_arrive_whole_and_in_order<B: Backend>() -> Verdict {
    let name = unique("order");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 16 << 10)?;
    let peer = Peer::with_args(send_sequence::<B>, [&name])?;
    let mut copy = Vec::new();
    for number in 0..MESSAGES {
        // In both ways in turn.
        if number % 2 == 0 {
            assert_sequence(number, &receiver.recv_ref_timeout(PATIENCE)?);
        } else {
            receiver.recv_into_timeout(&mut copy, PATIENCE)?;
            assert_sequence(number, &copy);
        }
    }
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    assert!(receiver.is_finished());
    Ok(peer.finish()?)
}

fn send_sequence<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    for number in 0..MESSAGES {
        let mut loan = sender.loan_timeout(sequence_len(number), PATIENCE)?;
        for (at, byte) in loan.iter_mut().enumerate() {
            *byte = sequence_byte(number, at);
        }
        loan.send()?;
    }
    Ok(())
}

/// Short messages, and every hundredth is long.
fn sequence_len(number: u32) -> usize {
    let scattered = number.wrapping_mul(2_654_435_761) >> 16;
    (scattered % if number % 100 == 0 { 8193 } else { 130 }) as usize
}

fn sequence_byte(number: u32, at: usize) -> u8 {
    (number as usize).wrapping_mul(31).wrapping_add(at.wrapping_mul(7)) as u8
}

fn assert_sequence(number: u32, message: &[u8]) {
    assert_eq!(message.len(), sequence_len(number), "message {number}");
    let right = |(at, &byte): (usize, &u8)| byte == sequence_byte(number, at);
    assert!(message.iter().enumerate().all(right), "message {number} is torn");
}

fn messages_of_every_length_up_to_half_of_the_ring_arrive<B: Backend>() -> Verdict {
    let name = unique("lengths");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 4096)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    assert_eq!((sender.max_message_len(), receiver.max_message_len()), (2048, 2048));
    for len in (0..=2048).chain((0..=2048).rev()) {
        sender.send(&vec![len as u8; len])?;
        assert_eq!(&*receiver.recv_ref()?, vec![len as u8; len]);
    }
    Ok(())
}

fn a_longer_message_is_refused_with_the_limit<B: Backend>() -> Verdict {
    let name = unique("longer");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 4096)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    for len in [2049, 4096, 1 << 30, usize::MAX] {
        let error = sender.loan(len).err().ok_or("it was lent")?;
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("2048"), "the limit isn't named: {error}");
    }
    // The channel works on.
    sender.send(b"short")?;
    assert_eq!(&*receiver.recv_ref()?, b"short");
    Ok(())
}

const ROUND_TRIPS: u32 = 20_000;

fn no_wake_up_is_lost_in_20_000_round_trips<B: Backend>() -> Verdict {
    let (there, back) = (unique("there"), unique("back"));
    let mut receiver = ByteReceiver::<B>::bind(&back)?;
    let mut peer = Peer::with_args(echo::<B>, [&there, &back])?;
    peer.expect("bound")?;
    let mut sender = ByteSender::<B>::connect(&there)?;
    for number in 0..ROUND_TRIPS {
        sender.send_timeout(&number.to_le_bytes(), PATIENCE)?;
        assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, number.to_le_bytes());
    }
    drop(sender);
    Ok(peer.finish()?)
}

fn echo<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut receiver = ByteReceiver::<B>::bind(stage.arg(0))?;
    stage.say("bound");
    let mut sender = ByteSender::<B>::connect(stage.arg(1))?;
    for _ in 0..ROUND_TRIPS {
        sender.send(&receiver.recv_ref_timeout(PATIENCE)?)?;
    }
    Ok(())
}

fn a_loan_that_is_dropped_sends_nothing<B: Backend>() -> Verdict {
    let name = unique("dropped");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.loan(5)?.copy_from_slice(b"wrong");
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    sender.send(b"right")?;
    assert_eq!(&*receiver.recv_ref()?, b"right");
    Ok(())
}

fn a_prefix_of_a_loan_is_sent<B: Backend>() -> Verdict {
    let name = unique("prefix");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 4096)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    for len in 0..=2048 {
        let mut loan = sender.loan(2048)?;
        loan.fill(len as u8);
        loan.send_prefix(len)?;
        assert_eq!(&*receiver.recv_ref()?, vec![len as u8; len]);
    }
    Ok(())
}

fn a_full_ring_makes_the_sender_wait_or_say_so<B: Backend>() -> Verdict {
    let name = unique("full");
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 4096)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    let mut sent = 0;
    while sender.try_send(&[1; 500]).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 8);
    assert_eq!(kind_of(sender.try_send(&[1; 500])), ErrorKind::WouldBlock);
    let begin = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(kind_of(sender.send_timeout(&[1; 500], timeout)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= timeout);
    for _ in 0..sent {
        assert_eq!(&*receiver.recv_ref()?, [1; 500]);
    }
    // When all was received any message fits again.
    sender.try_send(&[2; 2048])?;
    assert_eq!(receiver.recv_ref()?.len(), 2048);
    Ok(())
}

fn an_empty_ring_makes_the_receiver_wait_or_say_so<B: Backend>() -> Verdict {
    let name = unique("empty");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let _sender = ByteSender::<B>::connect(&name)?;
    let mut copy = Vec::new();
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    assert_eq!(kind_of(receiver.try_recv_into(&mut copy)), ErrorKind::WouldBlock);
    let begin = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(kind_of(receiver.recv_ref_timeout(timeout)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= timeout);
    Ok(())
}

fn receiving_without_a_sender_ends_at_its_deadline<B: Backend>() -> Verdict {
    let mut receiver = ByteReceiver::<B>::bind(unique("alone"))?;
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    let begin = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(kind_of(receiver.recv_ref_timeout(timeout)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= timeout);
    Ok(())
}

fn connecting_without_a_receiver_is_not_found<B: Backend>() -> Verdict {
    let name = unique("no-receiver");
    assert_eq!(kind_of(ByteSender::<B>::connect(&name)), ErrorKind::NotFound);
    let begin = Instant::now();
    let timeout = Duration::from_millis(30);
    assert_eq!(kind_of(ByteSender::<B>::connect_timeout(&name, timeout)), ErrorKind::NotFound);
    assert!(begin.elapsed() >= timeout);
    assert_eq!(kind_of(ByteSender::<B>::connect("../x")), ErrorKind::InvalidInput);
    Ok(())
}

fn connecting_waits_for_the_receiver<B: Backend>() -> Verdict {
    let name = unique("waits");
    let mut peer = Peer::with_args(bind_and_receive::<B>, [&name])?;
    peer.expect("ready")?;
    peer.tell("go");
    let mut sender = ByteSender::<B>::connect_timeout(&name, PATIENCE)?;
    sender.send(b"waited")?;
    peer.expect("waited")?;
    Ok(peer.finish()?)
}

fn bind_and_receive<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let mut receiver = ByteReceiver::<B>::bind(stage.arg(0))?;
    stage.say(String::from_utf8_lossy(&receiver.recv_ref_timeout(PATIENCE)?));
    Ok(())
}

fn a_second_receiver_on_a_live_name_is_refused<B: Backend>() -> Verdict {
    let name = unique("second");
    let receiver = ByteReceiver::<B>::bind(&name)?;
    assert_eq!(kind_of(ByteReceiver::<B>::bind(&name)), ErrorKind::AddrInUse);
    drop(receiver);
    ByteReceiver::<B>::bind(&name)?;
    Ok(())
}

fn a_capacity_that_can_not_be_is_refused<B: Backend>() -> Verdict {
    let name = unique("capacity");
    for capacity in [0, (1 << 30) + 1, usize::MAX] {
        let bound = ByteReceiver::<B>::bind_with_capacity(&name, capacity);
        assert_eq!(kind_of(bound), ErrorKind::InvalidInput);
    }
    assert_eq!(ByteReceiver::<B>::bind_with_capacity(&name, 1)?.max_message_len(), 2048);
    Ok(())
}

fn finishing_waits_until_everything_was_received<B: Backend>() -> Verdict {
    let name = unique("finish");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let sender = || -> strait::Result<_> {
        let mut sender = ByteSender::<B>::connect(&name)?;
        sender.send(b"one")?;
        sender.send(b"two")?;
        Ok(sender)
    };
    let early = sender()?.finish_timeout(Duration::from_millis(10));
    assert_eq!(kind_of(early), ErrorKind::TimedOut);
    // What it left behind is received all the same.
    receiver.recv_ref()?;
    receiver.recv_ref()?;
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    assert!(receiver.is_finished());

    let second = sender()?;
    let waiter = std::thread::spawn(move || second.finish().map_err(|error| error.kind()));
    receiver.recv_ref_timeout(PATIENCE)?;
    assert!(!waiter.is_finished());
    receiver.recv_ref_timeout(PATIENCE)?;
    assert_eq!(waiter.join().map_err(|_| "it panicked")?, Ok(()));

    let third = sender()?;
    drop(receiver);
    assert_eq!(kind_of(third.finish()), ErrorKind::Disconnected);
    Ok(())
}

fn a_sender_that_aborts_has_not_finished<B: Backend>() -> Verdict {
    let name = unique("abort");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"half")?;
    sender.abort();
    assert_eq!(&*receiver.recv_ref()?, b"half");
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    Ok(())
}

fn a_message_that_is_leaked_is_not_received_again<B: Backend>() -> Verdict {
    let name = unique("leaked");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    for number in 0..3_u8 {
        sender.send(&[number])?;
    }
    for number in 0..3_u8 {
        let message = match number % 2 {
            0 => receiver.recv_ref()?,
            _ => receiver.try_recv_ref()?,
        };
        assert_eq!(&*message, [number]);
        std::mem::forget(message);
    }
    assert_eq!(kind_of(receiver.try_recv_ref()), ErrorKind::WouldBlock);
    sender.finish_timeout(PATIENCE)?;
    Ok(())
}

fn senders_are_served_one_after_another<B: Backend>() -> Verdict {
    let name = unique("turns");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut peers = (0..5)
        .map(|number| Peer::with_args(send_own_number::<B>, [name.clone(), number.to_string()]))
        .collect::<Result<Vec<_>, _>>()?;
    // All have sent before anything is received.
    for peer in &mut peers {
        peer.expect("sent")?;
    }
    let mut seen = Vec::new();
    for _ in 0..5 {
        let first = receiver.recv_ref_timeout(PATIENCE)?.to_vec();
        for _ in 1..10 {
            assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, first);
        }
        assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
        seen.push(first);
    }
    seen.sort();
    assert_eq!(seen, [b"0", b"1", b"2", b"3", b"4"]);
    for peer in peers {
        peer.finish()?;
    }
    Ok(())
}

fn send_own_number<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    for _ in 0..10 {
        sender.send(stage.arg(1).as_bytes())?;
    }
    drop(sender);
    stage.say("sent");
    Ok(())
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
