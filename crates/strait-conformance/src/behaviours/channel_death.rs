//! Channels of bytes, one end of which dies.

use super::kind_of;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::is_unix, unique,
};
use std::time::{Duration, Instant};
use strait::{
    ErrorKind,
    generic::{ByteReceiver, ByteSender},
};

behaviours! {
    channel_death;
    a_waiting_receiver_learns_within_100_ms_that_the_sender_was_killed needs [Rendezvous],
    a_looking_receiver_learns_that_the_sender_was_killed needs [Rendezvous],
    all_that_a_killed_sender_sent_is_received needs [Rendezvous],
    what_a_sender_killed_at_any_moment_sent_is_a_whole_prefix needs [Rendezvous],
    a_message_that_was_not_sent_dies_with_its_sender needs [Rendezvous],
    a_waiting_sender_learns_within_100_ms_that_the_receiver_was_killed needs [Rendezvous],
    a_trying_sender_learns_that_the_receiver_was_killed needs [Rendezvous],
    a_sender_learns_that_the_receiver_is_dropped needs [Rendezvous],
    a_sender_that_was_never_received_learns_of_the_end needs [Rendezvous],
    a_killed_receiver_is_replaced_and_senders_reconnect needs [Rendezvous],
    a_sender_that_panics_has_not_finished needs [Rendezvous],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        send_some_and_stay::<B>,
        send_without_end::<B>,
        lend_and_stay::<B>,
        panic_while_sending::<B>,
        bind_and_stay::<B>
    ]
}

fn a_waiting_receiver_learns_within_100_ms_that_the_sender_was_killed<B: Backend>() -> Verdict {
    let mut latest = Duration::ZERO;
    for _ in 0..20 {
        let (mut receiver, mut peer) = connected::<B, _>(send_some_and_stay::<B>)?;
        peer.expect("sent")?;
        for number in 0..SOME {
            assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, number.to_le_bytes());
        }
        let waiter = std::thread::spawn(move || {
            let kind = receiver.recv_ref_timeout(PATIENCE).err().map(|error| error.kind());
            (kind, receiver.is_finished(), Instant::now())
        });
        // Killing waits until it is dead, so this moment comes before that.
        let killed = Instant::now();
        peer.kill()?;
        let (kind, finished, at) = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!((kind, finished), (Some(ErrorKind::Disconnected), false));
        latest = latest.max(at.duration_since(killed));
    }
    assert!(latest < Duration::from_millis(100), "noticed after {latest:?}");
    Ok(())
}

fn a_looking_receiver_learns_that_the_sender_was_killed<B: Backend>() -> Verdict {
    let (mut receiver, mut peer) = connected::<B, _>(send_some_and_stay::<B>)?;
    peer.expect("sent")?;
    peer.kill()?;
    let (mut received, mut looks, begin) = (0, 0, Instant::now());
    // Elsewhere a connection ends a moment after its process.
    while if is_unix() { looks < 1000 } else { begin.elapsed() < PATIENCE } {
        looks += 1;
        match receiver.try_recv_ref() {
            Ok(_) => received += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => {
                assert_eq!((error.kind(), received), (ErrorKind::Disconnected, SOME));
                return Ok(());
            }
        }
    }
    Err("no look has shown it".into())
}

fn all_that_a_killed_sender_sent_is_received<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let (mut receiver, mut peer) = connected::<B, _>(send_some_and_stay::<B>)?;
        peer.expect("sent")?;
        peer.kill()?;
        for number in 0..SOME {
            assert_eq!(&*receiver.recv_ref()?, number.to_le_bytes());
        }
        assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
        assert!(!receiver.is_finished());
    }
    Ok(())
}

fn what_a_sender_killed_at_any_moment_sent_is_a_whole_prefix<B: Backend>() -> Verdict {
    let mut total = 0;
    for round in 0..60_u64 {
        let (mut receiver, mut peer) = connected::<B, _>(send_without_end::<B>)?;
        // The kill falls into the middle of something each time.
        let before = 1 + 97 * round;
        let mut number = 0;
        loop {
            if number == before {
                peer.kill()?;
            }
            match receiver.recv_ref_timeout(PATIENCE) {
                Ok(message) => assert_endless(number, &message),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
                    break;
                }
            }
            number += 1;
        }
        assert!(number >= before && !receiver.is_finished());
        total += number;
    }
    assert!(total > 0);
    Ok(())
}

fn send_without_end<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    for number in 0_u64.. {
        sender.send(&vec![number as u8; endless_len(number)])?;
    }
    Ok(())
}

fn endless_len(number: u64) -> usize {
    (number.wrapping_mul(2_654_435_761) % 1500) as usize
}

fn assert_endless(number: u64, message: &[u8]) {
    assert_eq!(message.len(), endless_len(number), "message {number}");
    assert!(message.iter().all(|&byte| byte == number as u8), "message {number} is torn");
}

fn a_message_that_was_not_sent_dies_with_its_sender<B: Backend>() -> Verdict {
    let (mut receiver, mut peer) = connected::<B, _>(lend_and_stay::<B>)?;
    peer.expect("lent")?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"sent");
    peer.kill()?;
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    Ok(())
}

fn lend_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    sender.send(b"sent")?;
    let mut loan = sender.loan(1000)?;
    loan.fill(0xee);
    stage.say("lent");
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_waiting_sender_learns_within_100_ms_that_the_receiver_was_killed<B: Backend>() -> Verdict {
    let mut latest = Duration::ZERO;
    for round in 0..20 {
        let name = unique("receiver");
        let received = if round % 2 == 0 { "receive" } else { "only bind" };
        let mut peer = Peer::with_args(bind_and_stay::<B>, [name.as_str(), received])?;
        peer.expect("bound")?;
        let mut sender = ByteSender::<B>::connect(&name)?;
        sender.send(b"first")?;
        if round % 2 == 0 {
            peer.expect("received")?;
        }
        while sender.try_send(&[0; 1000]).is_ok() {}
        let waiter = std::thread::spawn(move || {
            let kind = sender.send_timeout(&[0; 1000], PATIENCE).err().map(|error| error.kind());
            (kind, Instant::now())
        });
        let killed = Instant::now();
        peer.kill()?;
        let (kind, at) = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!(kind, Some(ErrorKind::Disconnected));
        latest = latest.max(at.duration_since(killed));
        reclaim::<B>(&name)?;
    }
    assert!(latest < Duration::from_millis(100), "noticed after {latest:?}");
    Ok(())
}

/// A killed receiver's name is left over until somebody uses it.
fn reclaim<B: Backend>(name: &str) -> Verdict {
    ByteReceiver::<B>::bind(name)?;
    Ok(())
}

fn a_trying_sender_learns_that_the_receiver_was_killed<B: Backend>() -> Verdict {
    let name = unique("trying");
    let mut peer = Peer::with_args(bind_and_stay::<B>, [name.as_str(), "only bind"])?;
    peer.expect("bound")?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    while sender.try_send(&[0; 1000]).is_ok() {}
    peer.kill()?;
    reclaim::<B>(&name)?;
    for _ in 0..1000 {
        match kind_of(sender.try_send(&[0; 1000])) {
            ErrorKind::WouldBlock => {}
            kind => {
                assert_eq!(kind, ErrorKind::Disconnected);
                return Ok(());
            }
        }
    }
    Err("a thousand tries didn't show it".into())
}

fn bind_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut receiver = ByteReceiver::<B>::bind(stage.arg(0))?;
    stage.say("bound");
    if stage.arg(1) == "receive" {
        assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"first");
        stage.say("received");
    }
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_sender_learns_that_the_receiver_is_dropped<B: Backend>() -> Verdict {
    let name = unique("dropped");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"one")?;
    receiver.recv_ref()?;
    drop(receiver);
    assert_eq!(kind_of(sender.send(b"two")), ErrorKind::Disconnected);
    assert_eq!(kind_of(sender.loan(1)), ErrorKind::Disconnected);
    Ok(())
}

fn a_sender_that_was_never_received_learns_of_the_end<B: Backend>() -> Verdict {
    let name = unique("never");
    let receiver = ByteReceiver::<B>::bind(&name)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    while sender.try_send(&[0; 1000]).is_ok() {}
    drop(receiver);
    assert_eq!(kind_of(sender.send(&[0; 1000])), ErrorKind::Disconnected);
    Ok(())
}

fn a_killed_receiver_is_replaced_and_senders_reconnect<B: Backend>() -> Verdict {
    let name = unique("replaced");
    let mut peer = Peer::with_args(bind_and_stay::<B>, [name.as_str(), "receive"])?;
    peer.expect("bound")?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"first")?;
    peer.expect("received")?;
    peer.kill()?;
    assert_eq!(kind_of(ByteSender::<B>::connect(&name)), ErrorKind::NotFound);
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    let mut again = ByteSender::<B>::connect(&name)?;
    again.send(b"second")?;
    assert_eq!(&*receiver.recv_ref()?, b"second");
    Ok(())
}

fn a_sender_that_panics_has_not_finished<B: Backend>() -> Verdict {
    let (mut receiver, peer) = connected::<B, _>(panic_while_sending::<B>)?;
    assert_eq!(&*receiver.recv_ref_timeout(PATIENCE)?, b"half");
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(!receiver.is_finished());
    assert!(peer.finish().is_err());
    Ok(())
}

#[expect(clippy::panic, reason = "it is what the behaviour is about")]
fn panic_while_sending<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    sender.send(b"half")?;
    panic!("as it is meant to");
}

const SOME: u32 = 100;

fn send_some_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut sender = ByteSender::<B>::connect(stage.arg(0))?;
    for number in 0..SOME {
        sender.send(&number.to_le_bytes())?;
    }
    stage.say("sent");
    stage.wait_for_end_of_input();
    Ok(())
}

/// A receiver, and a peer that sends to it.
fn connected<B: Backend, F>(actor: F) -> Result<(ByteReceiver<B>, Peer), Failure>
where
    F: Fn(&mut Stage) -> Verdict,
{
    let name = unique("death");
    let receiver = ByteReceiver::<B>::bind(&name)?;
    Ok((receiver, Peer::with_args(actor, [&name])?))
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
