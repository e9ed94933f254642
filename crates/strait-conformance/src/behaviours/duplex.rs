//! Traffic both ways, and std's methods with a deadline.

use super::kind_of;
use crate::{Backend, Failure, Verdict, behaviours, wait_until};
use std::{
    io::{self, Read, Write},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{CancelToken, Duplex, pipe},
};

behaviours! {
    duplex;
    ten_megabytes_go_both_ways_at_once needs [Pipes],
    an_end_that_writes_no_more_still_reads needs [Pipes],
    a_dropped_end_is_the_end_and_disconnected needs [Pipes],
    waits_of_a_duplex_end_at_the_deadline needs [Pipes],
    a_peer_that_stops_within_a_message_is_timed_out needs [Pipes],
    a_peer_that_trickles_does_not_put_off_the_deadline needs [Pipes],
    a_peer_that_reads_no_more_ends_write_all_in_time needs [Pipes],
    until_ends_when_it_is_cancelled needs [Pipes],
}

fn ten_megabytes_go_both_ways_at_once<B: Backend>() -> Verdict {
    const LEN: usize = 10 << 20;
    let (here, there) = Duplex::<B>::pair()?;
    let bytes = |seed: usize| (0..LEN).map(move |i| (i * seed % 251) as u8).collect::<Vec<u8>>();
    let both = |end: Duplex<B>, send: Vec<u8>, expected: Vec<u8>| -> io::Result<bool> {
        thread::scope(|scope| {
            let writer = scope.spawn(|| end.until(PATIENCE).write_all(&send));
            let mut all = vec![0; LEN];
            end.until(PATIENCE).read_exact(&mut all)?;
            writer.join().map_err(|_| io::Error::other("the writer panicked"))??;
            Ok(all == expected)
        })
    };
    thread::scope(|scope| -> Verdict {
        let peer = scope.spawn(|| both(there, bytes(7), bytes(3)));
        assert!(both(here, bytes(3), bytes(7))?, "other bytes came");
        assert!(peer.join().map_err(|_| "the peer panicked")??, "other bytes came");
        Ok(())
    })
}

fn an_end_that_writes_no_more_still_reads<B: Backend>() -> Verdict {
    let (mut here, mut there) = Duplex::<B>::pair()?;
    here.write_all(b"question")?;
    let mut here = here.close_write();
    let mut question = String::new();
    there.until(PATIENCE).read_to_string(&mut question)?;
    there.write_all(b"answer")?;
    let (_reads_on, writer) = there.split();
    drop(writer);
    let mut answer = String::new();
    here.read_to_string(&mut answer)?;
    assert_eq!((&*question, &*answer), ("question", "answer"));
    Ok(())
}

fn a_dropped_end_is_the_end_and_disconnected<B: Backend>() -> Verdict {
    let (here, mut there) = Duplex::<B>::pair()?;
    there.write_all(b"last")?;
    let clone = there.try_clone()?;
    drop(there);
    assert_eq!(here.write_timeout(b"heard", PATIENCE)?, 5);
    drop(clone);
    let mut all = String::new();
    here.until(PATIENCE).read_to_string(&mut all)?;
    assert_eq!(all, "last");
    // A process that another thread is just starting may have the other end a little longer.
    wait_until("the reader is gone", || {
        let lost = here.write_timeout(b"lost", PATIENCE);
        lost.is_err_and(|error| error.kind() == ErrorKind::Disconnected)
    })?;
    Ok(())
}

fn waits_of_a_duplex_end_at_the_deadline<B: Backend>() -> Verdict {
    let (here, there) = Duplex::<B>::pair()?;
    let begin = Instant::now();
    assert_eq!(kind_of(here.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    while here.write_timeout(&[0; 4096], Duration::ZERO).is_ok() {}
    let begin = Instant::now();
    assert_eq!(kind_of(here.write_timeout(&[0; 4096], SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    // The other way there is room.
    assert_eq!(there.write_timeout(b"room", SOON)?, 4);
    Ok(())
}

fn a_peer_that_stops_within_a_message_is_timed_out<B: Backend>() -> Verdict {
    let (here, mut there) = Duplex::<B>::pair()?;
    let (reader, mut writer) = pipe::<B>()?;
    there.write_all(b"half")?;
    writer.write_all(b"half")?;
    let mut message = [0; 8];
    let begin = Instant::now();
    let mut limited = here.until(SOON);
    let error = limited.read_exact(&mut message).err().ok_or("it was read")?;
    assert_eq!((error.kind(), limited.count()), (io::ErrorKind::TimedOut, 4));
    assert!(begin.elapsed() >= SOON && message == *b"half\0\0\0\0");
    let mut limited = reader.until(SOON);
    let error = limited.read_to_end(&mut Vec::new()).err().ok_or("it was read")?;
    assert_eq!((error.kind(), limited.count()), (io::ErrorKind::TimedOut, 4));
    // What was read is read no more, and the rest comes after it.
    there.write_all(b"rest")?;
    here.until(PATIENCE).read_exact(&mut message[4..])?;
    assert_eq!(&message, b"halfrest");
    Ok(())
}

fn a_peer_that_trickles_does_not_put_off_the_deadline<B: Backend>() -> Verdict {
    let (reader, writer) = pipe::<B>()?;
    thread::scope(|scope| -> Verdict {
        let peer = scope.spawn(move || while (&writer).write_all(&[1]).is_ok() {});
        let begin = Instant::now();
        let error = reader.until(SOON).read_to_end(&mut Vec::new()).err().ok_or("it ended")?;
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < PATIENCE);
        drop(reader);
        Ok(peer.join().map_err(|_| "the peer panicked")?)
    })
}

fn a_peer_that_reads_no_more_ends_write_all_in_time<B: Backend>() -> Verdict {
    let (here, there) = Duplex::<B>::pair()?;
    let much = vec![7; 64 << 20];
    let mut limited = here.until(SOON);
    let error = limited.write_all(&much).err().ok_or("it was written")?;
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    // So much is there, and nothing else.
    let written = limited.count();
    drop(here);
    assert_eq!(io::copy(&mut there.until(PATIENCE), &mut io::sink())?, written);
    assert!(0 < written && written < much.len() as u64);
    Ok(())
}

fn until_ends_when_it_is_cancelled<B: Backend>() -> Verdict {
    let (here, _there) = Duplex::<B>::pair()?;
    let token = CancelToken::<B>::new()?;
    thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| here.until(&token).read_exact(&mut [0; 8]));
        token.cancel();
        let ended = waiter.join().map_err(|_| "the waiter panicked")?;
        let error = ended.err().ok_or("it was read")?;
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<strait::Error>());
        assert_eq!(cause.map(strait::Error::kind), Some(ErrorKind::Cancelled));
        Ok::<(), Failure>(())
    })
}

const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
