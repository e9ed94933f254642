//! Messages over local sockets.

use super::kind_of;
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{LocalDatagram, LocalDatagramListener},
};

behaviours! {
    datagrams;
    messages_keep_their_boundaries needs [LocalSockets],
    an_empty_message_is_not_the_end needs [LocalSockets],
    a_message_that_does_not_fit_is_not_lost needs [LocalSockets],
    a_message_that_is_too_long_is_refused needs [LocalSockets],
    sending_and_receiving_end_at_the_deadline needs [LocalSockets],
    the_end_comes_after_everything_that_was_sent needs [LocalSockets],
    a_killed_peer_is_the_end needs [LocalSockets],
    clones_receive_each_message_once needs [LocalSockets],
    two_processes_exchange_messages needs [LocalSockets],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![echo::<B>, send_and_stay::<B>]
}

fn messages_keep_their_boundaries<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    let mut buffer = vec![0; LocalDatagram::<B>::MAX_LEN];
    for len in [0, 1, 2, 1000, 4096, 65_535, LocalDatagram::<B>::MAX_LEN] {
        let message: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        for _ in 0..3 {
            here.send_timeout(&message, PATIENCE)?;
        }
        assert_eq!(there.recv(&mut buffer)?, len);
        assert!(buffer[..len] == message);
        assert!(there.recv_vec()? == message);
        // A buffer that just fits.
        assert_eq!(there.recv(&mut buffer[..len])?, len);
    }
    Ok(())
}

fn an_empty_message_is_not_the_end<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    for _ in 0..3 {
        here.send(b"")?;
    }
    here.send(b"last")?;
    here.send(b"")?;
    drop(here);
    assert_eq!(there.recv(&mut [0; 4])?, 0);
    assert_eq!(there.recv(&mut [])?, 0);
    assert!(there.recv_vec()?.is_empty());
    assert_eq!(there.recv_vec()?, b"last");
    assert_eq!(there.recv_timeout(&mut [0; 4], PATIENCE)?, 0);
    for _ in 0..3 {
        assert_eq!(kind_of(there.recv(&mut [0; 4])), ErrorKind::Disconnected);
        assert_eq!(kind_of(there.recv(&mut [])), ErrorKind::Disconnected);
        assert_eq!(kind_of(there.recv_vec()), ErrorKind::Disconnected);
    }
    Ok(())
}

fn a_message_that_does_not_fit_is_not_lost<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    here.send(b"a longer message")?;
    here.send(b"another")?;
    let mut buffer = [0; 16];
    for len in [0, 1, 15] {
        let error = there.recv(&mut buffer[..len]).err().ok_or("it was cut")?;
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains("16 bytes"), "{error}");
    }
    assert_eq!(there.recv(&mut buffer)?, 16);
    assert_eq!(&buffer, b"a longer message");
    assert_eq!(there.recv_vec()?, b"another");
    Ok(())
}

fn a_message_that_is_too_long_is_refused<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    let long = vec![0; LocalDatagram::<B>::MAX_LEN + 1];
    assert_eq!(kind_of(here.send(&long)), ErrorKind::TooLarge);
    // Nothing of it was sent.
    assert_eq!(kind_of(there.recv_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    here.send(b"short")?;
    assert_eq!(there.recv_vec()?, b"short");
    Ok(())
}

fn sending_and_receiving_end_at_the_deadline<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    for timeout in [Duration::ZERO, Duration::from_micros(10), SOON] {
        let begin = Instant::now();
        assert_eq!(kind_of(there.recv_timeout(&mut [0], timeout)), ErrorKind::TimedOut);
        assert_eq!(kind_of(there.recv_vec_timeout(timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= 2 * timeout);
    }
    let mut sent = 0_u32;
    while here.send_timeout(&[7; 1000], Duration::ZERO).is_ok() {
        sent += 1;
    }
    let begin = Instant::now();
    assert_eq!(kind_of(here.send_timeout(&[8; 1000], SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    // What timed out wasn't sent, and what was before is there.
    drop(here);
    for _ in 0..sent {
        assert_eq!(there.recv_vec()?, [7; 1000]);
    }
    assert_eq!(kind_of(there.recv_vec()), ErrorKind::Disconnected);
    Ok(())
}

fn the_end_comes_after_everything_that_was_sent<B: Backend>() -> Verdict {
    let (here, there) = LocalDatagram::<B>::pair()?;
    // What the other never receives changes nothing.
    there.send(b"unread")?;
    here.send(b"one")?;
    here.send(b"two")?;
    drop(here);
    assert_eq!(there.recv_vec()?, b"one");
    assert_eq!(there.recv_vec()?, b"two");
    assert_eq!(kind_of(there.recv_vec()), ErrorKind::Disconnected);
    assert_eq!(kind_of(there.send(b"lost")), ErrorKind::Disconnected);
    let (here, there) = LocalDatagram::<B>::pair()?;
    here.send(b"one")?;
    here.shutdown(Shutdown::Write)?;
    assert_eq!(there.recv_vec()?, b"one");
    assert_eq!(kind_of(there.recv_vec()), ErrorKind::Disconnected);
    there.send(b"answer")?;
    assert_eq!(here.recv_vec()?, b"answer");
    Ok(())
}

fn a_killed_peer_is_the_end<B: Backend>() -> Verdict {
    let name = unique("killed");
    let listener = LocalDatagramListener::<B>::bind(&name)?;
    let mut peer = Peer::with_args(send_and_stay::<B>, [&name])?;
    peer.expect("sent")?;
    let connection = listener.accept_timeout(PATIENCE)?;
    thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| {
            let first = connection.recv_vec_timeout(PATIENCE)?;
            let second = connection.recv_vec_timeout(PATIENCE)?;
            Ok::<_, strait::Error>((first, second, connection.recv_timeout(&mut [0], PATIENCE)))
        });
        peer.kill()?;
        let (first, second, end) = waiter.join().map_err(|_| "the waiter panicked")??;
        assert_eq!((&first[..], &second[..]), (&b"one"[..], &b""[..]));
        assert_eq!(kind_of(end), ErrorKind::Disconnected);
        Ok(())
    })
}

fn clones_receive_each_message_once<B: Backend>() -> Verdict {
    const MESSAGES: u32 = 4000;
    let (here, there) = LocalDatagram::<B>::pair()?;
    let mut received = thread::scope(|scope| -> Result<_, Failure> {
        let mut receivers = Vec::new();
        for _ in 0..4 {
            let there = there.try_clone()?;
            receivers.push(scope.spawn(move || {
                let mut numbers = Vec::new();
                // Of lengths that differ, so that a clone looks at one and mustn't take another.
                while let Ok(message) = there.recv_vec_timeout(PATIENCE) {
                    let number = message[..4].try_into().map(u32::from_le_bytes).unwrap_or(0);
                    assert_eq!(message.len(), len_of(number));
                    numbers.push(number);
                }
                numbers
            }));
        }
        for number in 0..MESSAGES {
            let mut message = vec![0; len_of(number)];
            message[..4].copy_from_slice(&number.to_le_bytes());
            here.send_timeout(&message, PATIENCE)?;
        }
        drop(here);
        let mut all = Vec::new();
        for receiver in receivers {
            all.extend(receiver.join().map_err(|_| "a receiver panicked")?);
        }
        Ok(all)
    })?;
    received.sort_unstable();
    assert!(received.into_iter().eq(0..MESSAGES));
    Ok(())
}

fn len_of(number: u32) -> usize {
    4 + (number as usize * 37) % 1000
}

fn two_processes_exchange_messages<B: Backend>() -> Verdict {
    let name = unique("exchange");
    let mut peer = Peer::with_args(echo::<B>, [&name])?;
    peer.expect("listening")?;
    let connection = LocalDatagram::<B>::connect(&name)?;
    for len in 0..500 {
        let message = vec![len as u8; len];
        connection.send_timeout(&message, PATIENCE)?;
        assert_eq!(connection.recv_vec_timeout(PATIENCE)?, message);
    }
    drop(connection);
    Ok(peer.finish()?)
}

fn echo<B: Backend>(stage: &mut Stage) -> Verdict {
    let listener = LocalDatagramListener::<B>::bind(stage.arg(0))?;
    stage.say("listening");
    let connection = listener.accept_timeout(PATIENCE)?;
    while let Ok(message) = connection.recv_vec_timeout(PATIENCE) {
        connection.send_timeout(&message, PATIENCE)?;
    }
    Ok(())
}

fn send_and_stay<B: Backend>(stage: &mut Stage) -> Verdict {
    let connection = LocalDatagram::<B>::connect(stage.arg(0))?;
    connection.send(b"one")?;
    connection.send(b"")?;
    stage.say("sent");
    stage.wait_for_end_of_input();
    Ok(())
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
