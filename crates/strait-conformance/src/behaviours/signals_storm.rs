//! Very many signals, at which no call that waits notices anything.

use super::waiting::PATIENCE;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, fixtures::open_files,
    is_linux, unique,
};
use std::{
    io::{Read, Write},
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    Deadline, ErrorKind, Signal,
    generic::{
        Barrier, ByteReceiver, ByteSender, CancelToken, Condvar, Event, LocalDatagram,
        LocalDatagramListener, LocalStream, Mutex, NamedPipe, Process, RwLock, Semaphore, Shared,
        Signals, pipe, signal,
    },
};

behaviours! {
    signals_storm;
    no_call_that_waits_notices_a_storm needs [Signals, Pipes, NamedPipes, LocalSockets, Rendezvous, NamedSegments, WaitAddress, Seats, Liveness],
    no_wait_ends_early_in_a_storm needs [Signals, Pipes, NamedSegments, WaitAddress, Seats, Liveness],
    subscriptions_come_and_go_in_a_storm needs [Signals],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![work::<B>, wait_to_the_end::<B>, subscribe_and_drop::<B>, rage::<B>]
}

fn no_call_that_waits_notices_a_storm<B: Backend>() -> Verdict {
    in_a_storm::<B>(Peer::with_args(work::<B>, [unique("storm")])?)
}

fn no_wait_ends_early_in_a_storm<B: Backend>() -> Verdict {
    in_a_storm::<B>(Peer::with_args(wait_to_the_end::<B>, [unique("early")])?)
}

fn subscriptions_come_and_go_in_a_storm<B: Backend>() -> Verdict {
    in_a_storm::<B>(Peer::start(subscribe_and_drop::<B>)?)
}

/// Has another process send signals to the peer, as fast as it can, until that has done its work.
fn in_a_storm<B: Backend>(mut peer: Peer) -> Verdict {
    peer.set_deadline(Duration::from_secs(60));
    peer.expect("ready")?;
    let mut storm = Peer::with_args(rage::<B>, [peer.id()])?;
    storm.set_deadline(Duration::from_secs(60));
    storm.expect("raging")?;
    let begin = Instant::now();
    peer.tell("begin");
    peer.expect("worked")?;
    storm.tell("enough");
    let sent: u64 = storm.hear()?.parse()?;
    let rate = sent as f64 / begin.elapsed().as_secs_f64();
    assert!(rate > 1000.0, "that was no storm: {rate} signals a second");
    // Whatever has come, these come too.
    peer.tell("end");
    peer.expect("received")?;
    Ok(peer.finish()?)
}

/// Sends signals until it is told that there have been enough.
fn rage<B: Backend>(stage: &mut Stage) -> Verdict {
    let victim = Process::<B>::with_id(stage.arg(0).parse()?)?;
    let enough = AtomicBool::new(false);
    let sent = thread::scope(|scope| {
        let storm = scope.spawn(|| -> strait::Result<u64> {
            let mut sent = 0;
            while !enough.load(Ordering::Relaxed) {
                for signal in [Signal::User1, Signal::User2] {
                    signal::send::<B>(&victim, signal)?;
                    sent += 1;
                }
            }
            Ok(sent)
        });
        stage.say("raging");
        stage.hear();
        enough.store(true, Ordering::Relaxed);
        storm.join()
    });
    stage.say(sent.map_err(|_| "the storm panicked")??);
    Ok(())
}

/// Runs something in a storm, in the thread that most signals interrupt; a thread beside it receives
/// these.
fn weather<B: Backend>(stage: &mut Stage, run: impl FnOnce(&Stage) -> Verdict) -> Verdict {
    let signals = Signals::<B>::subscribe([Signal::User1, Signal::User2, Signal::HangUp])?;
    stage.say("ready");
    stage.expect("begin")?;
    let stop = CancelToken::<B>::new()?;
    let arrived = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            let mut arrived = 0_u64;
            while signals.recv_deadline(&stop).is_ok() {
                arrived += 1;
            }
            arrived
        });
        let ran = run(stage);
        stop.cancel();
        let arrived = receiver.join().map_err(|_| "the receiver panicked")?;
        ran.map(|()| arrived)
    })?;
    assert!(arrived > 0, "the storm passed by");
    stage.say("worked");
    stage.expect("end")?;
    // What comes last is received behind all that is left of the storm.
    signal::send::<B>(std::process::id(), Signal::HangUp)?;
    while signals.recv_timeout(PATIENCE)?.signal != Signal::HangUp {}
    stage.say("received");
    Ok(())
}

/// Each call that waits, a number of times, and with everything that it moved looked at.
fn work<B: Backend>(stage: &mut Stage) -> Verdict {
    weather::<B>(stage, |stage| {
        let name = stage.arg(0);
        bytes_through(pipe::<B>)?;
        bytes_through(LocalStream::<B>::pair)?;
        messages_through_a_socket::<B>(name)?;
        messages_through_a_channel::<B>(name)?;
        numbers_under_locks::<B>()?;
        turns_by_a_condition::<B>()?;
        turns_by_events::<B>()?;
        connecting_and_the_end_of_processes::<B>(name)
    })
}

const ROUNDS: u32 = 1500;

fn bytes_through<R: Read + Send, W: Write + Send>(
    ends: impl Fn() -> strait::Result<(R, W)>,
) -> Verdict {
    let text: Vec<u8> = (0..2_000_003_u32).map(|at| (at % 251) as u8).collect();
    // First who reads is interrupted, then who writes.
    for reads_here in [true, false] {
        let (mut reader, mut writer) = ends()?;
        let read = thread::scope(|scope| -> Result<Vec<u8>, Failure> {
            let mut all = Vec::new();
            if reads_here {
                scope.spawn(|| writer.write_all(&text).map(|()| drop(writer)));
                reader.read_to_end(&mut all)?;
            } else {
                let other = scope.spawn(move || {
                    let mut all = Vec::new();
                    reader.read_to_end(&mut all).map(|_| all)
                });
                writer.write_all(&text)?;
                drop(writer);
                all = other.join().map_err(|_| "the reader panicked")??;
            }
            Ok(all)
        })?;
        assert!(read == text);
    }
    Ok(())
}

fn messages_through_a_channel<B: Backend>(name: &str) -> Verdict {
    for receives_here in [true, false] {
        let mut receiver = ByteReceiver::<B>::bind_with_capacity(name, 4096)?;
        let mut sender = ByteSender::<B>::connect(name)?;
        let send = move || -> strait::Result<()> {
            for number in 0..ROUNDS {
                sender.send(&number.to_ne_bytes())?;
            }
            sender.finish()
        };
        let mut receive = move || -> strait::Result<u32> {
            let mut next = 0_u32;
            loop {
                match receiver.recv_ref() {
                    Ok(message) => {
                        assert_eq!(&*message, next.to_ne_bytes());
                        next += 1;
                    }
                    Err(error) if error.kind() == ErrorKind::Disconnected => return Ok(next),
                    Err(error) => return Err(error),
                }
            }
        };
        let received = thread::scope(|scope| -> Result<u32, Failure> {
            if receives_here {
                let sent = scope.spawn(send);
                let received = receive()?;
                sent.join().map_err(|_| "the sender panicked")??;
                Ok(received)
            } else {
                let received = scope.spawn(receive);
                send()?;
                Ok(received.join().map_err(|_| "the receiver panicked")??)
            }
        })?;
        assert_eq!(received, ROUNDS);
    }
    Ok(())
}

fn messages_through_a_socket<B: Backend>(name: &str) -> Verdict {
    let listener = LocalDatagramListener::<B>::bind(name)?;
    thread::scope(|scope| -> Verdict {
        let other = scope.spawn(|| -> strait::Result<()> {
            let socket = LocalDatagram::<B>::connect_timeout(name, PATIENCE)?;
            (0..ROUNDS).try_for_each(|number| socket.send(&number.to_ne_bytes()))
        });
        let socket = listener.accept()?;
        for number in 0..ROUNDS {
            assert_eq!(socket.recv_vec()?, number.to_ne_bytes());
        }
        Ok(other.join().map_err(|_| "the sender panicked")??)
    })
}

fn numbers_under_locks<B: Backend>() -> Verdict {
    let name = unique("storm-lock");
    let mutex = Shared::<Mutex<u32, B>, B>::create(&name, Mutex::new(0))?;
    let rwlock = Shared::<RwLock<u32, B>, B>::create(format!("{name}/rw"), RwLock::new(0))?;
    let permit = Shared::<Semaphore<B>, B>::create(format!("{name}/permit"), Semaphore::new(1))?;
    let barrier = Shared::<Barrier<B>, B>::create(format!("{name}/barrier"), Barrier::new(2))?;
    in_two_threads(|| {
        for _ in 0..ROUNDS {
            let mut count = mutex.lock()?;
            *count += 1;
            thread::yield_now();
        }
        for _ in 0..ROUNDS {
            assert!(*rwlock.read()? <= 2 * ROUNDS);
            let mut count = rwlock.write()?;
            *count += 1;
            thread::yield_now();
        }
        for _ in 0..ROUNDS {
            let held = permit.acquire()?;
            assert_eq!(permit.available(), 0);
            drop(held);
        }
        for _ in 0..ROUNDS / 3 {
            barrier.wait_timeout(PATIENCE)?;
        }
        Ok(())
    })?;
    assert_eq!((*mutex.lock()?, *rwlock.read()?), (2 * ROUNDS, 2 * ROUNDS));
    Ok(())
}

fn turns_by_a_condition<B: Backend>() -> Verdict {
    let name = unique("storm-turn");
    let turn = Shared::<Mutex<u32, B>, B>::create(&name, Mutex::new(0))?;
    let changed = Shared::<Condvar<B>, B>::create(format!("{name}/changed"), Condvar::new())?;
    let next = AtomicU32::new(0);
    in_two_threads(|| {
        let this = next.fetch_add(1, Ordering::Relaxed);
        for round in 0..ROUNDS / 3 {
            let others = |turn: &mut u32| *turn != 2 * round + this;
            let (mut turn, waited) = changed.wait_timeout_while(turn.lock()?, PATIENCE, others)?;
            assert!(!waited.timed_out(), "a notice was lost");
            *turn += 1;
            drop(turn);
            changed.notify_one();
        }
        Ok(())
    })
}

/// Runs that here and in another thread.
fn in_two_threads(run: impl Fn() -> strait::Result<()> + Sync) -> Verdict {
    thread::scope(|scope| -> Verdict {
        let other = scope.spawn(&run);
        run()?;
        Ok(other.join().map_err(|_| "the other thread panicked")??)
    })
}

fn turns_by_events<B: Backend>() -> Verdict {
    let make = || Shared::<Event<B>, B>::create(unique("storm-event"), Event::auto_reset());
    let (there, back) = (make()?, make()?);
    thread::scope(|scope| -> Verdict {
        let other = scope.spawn(|| -> strait::Result<()> {
            for _ in 0..ROUNDS {
                there.wait_timeout(PATIENCE)?;
                back.set();
            }
            Ok(())
        });
        for _ in 0..ROUNDS {
            there.set();
            back.wait_timeout(PATIENCE)?;
        }
        Ok(other.join().map_err(|_| "the other thread panicked")??)
    })
}

fn connecting_and_the_end_of_processes<B: Backend>(name: &str) -> Verdict {
    for _ in 0..10 {
        thread::scope(|scope| -> Verdict {
            let receiver = scope.spawn(|| ByteReceiver::<B>::bind(name));
            let mut sender = ByteSender::<B>::connect_timeout(name, PATIENCE)?;
            let mut receiver = receiver.join().map_err(|_| "the receiver panicked")??;
            sender.send(b"met")?;
            assert_eq!(*receiver.recv_ref()?, *b"met");
            Ok(())
        })?;
    }
    let fifo = NamedPipe::<B>::create(name)?;
    for _ in 0..10 {
        thread::scope(|scope| -> Verdict {
            let reader = scope.spawn(|| fifo.reader());
            let writer = fifo.writer_timeout(PATIENCE)?;
            let reader = reader.join().map_err(|_| "the reader panicked")??;
            (&writer).write_all(b"met")?;
            assert_eq!(reader.read_timeout(&mut [0; 4], PATIENCE)?, 3);
            Ok(())
        })?;
    }
    if is_linux() {
        let mut child = std::process::Command::new("sleep").arg("0.2").spawn()?;
        Process::<B>::with_id(child.id())?.wait_exit_timeout(PATIENCE)?;
        assert!(child.wait()?.success());
    }
    Ok(())
}

/// Each call that waits, for something that never comes.
fn wait_to_the_end<B: Backend>(stage: &mut Stage) -> Verdict {
    const LONG: Duration = Duration::from_millis(60);
    weather::<B>(stage, |stage| {
        let (reader, writer) = pipe::<B>()?;
        let token = CancelToken::<B>::new()?;
        let event = Shared::<Event<B>, B>::create(unique("never"), Event::auto_reset())?;
        let mutex = Shared::<Mutex<u8, B>, B>::create(unique("held"), Mutex::new(0))?;
        let mut receiver = ByteReceiver::<B>::bind(stage.arg(0))?;
        let alarm = Signals::<B>::subscribe([Signal::Alarm])?;
        let this = Process::<B>::current()?;
        let held = mutex.lock()?;
        while writer.write_timeout(&[0; 4096], Duration::ZERO).is_ok() {}
        let until = || Deadline::after(LONG);
        let mut waits: [(&str, &mut dyn FnMut() -> Option<ErrorKind>); 7] = [
            ("write", &mut || kind(writer.write_deadline(&[0; 4096], until()))),
            ("token", &mut || kind(token.wait_deadline(until()))),
            ("event", &mut || kind(event.wait_deadline(until()))),
            ("receive", &mut || kind(receiver.recv_ref_deadline(until()).map(drop))),
            ("signal", &mut || kind(alarm.recv_deadline(until()))),
            ("process", &mut || kind(this.wait_exit_deadline(until()))),
            ("connect", &mut || {
                kind(ByteSender::<B>::connect_deadline("storm/nobody", until()).map(drop))
            }),
        ];
        for (what, wait) in &mut waits {
            let begin = Instant::now();
            let ended = wait();
            let took = begin.elapsed();
            assert!(took >= LONG && took < PATIENCE, "{what} took {took:?}");
            let given_up = [ErrorKind::TimedOut, ErrorKind::NotFound];
            assert!(ended.is_some_and(|kind| given_up.contains(&kind)), "{what}: {ended:?}");
        }
        thread::scope(|scope| -> Verdict {
            let locked = scope.spawn(|| {
                let begin = Instant::now();
                let kind = mutex.lock_deadline(until()).err().map(|error| error.kind());
                (kind, begin.elapsed() >= LONG)
            });
            let locked = locked.join().map_err(|_| "who locks panicked")?;
            assert_eq!(locked, (Some(ErrorKind::TimedOut), true));
            Ok(())
        })?;
        drop((held, reader));
        Ok(())
    })
}

fn subscribe_and_drop<B: Backend>(stage: &mut Stage) -> Verdict {
    // Ignored while nobody receives it, so that it doesn't end the process.
    for signal in [Signal::User1, Signal::User2] {
        signal::ignore::<B>(signal)?;
    }
    stage.say("ready");
    stage.expect("begin")?;
    let before = open_files()?;
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..300 {
                    let both = [Signal::User1, Signal::User2];
                    let signals = match (thread + round) % 3 {
                        0 => Signals::<B>::subscribe(both),
                        1 => Signals::<B>::subscribe([Signal::User1]),
                        _ => Signals::<B>::subscribe([Signal::User2]),
                    };
                    let arrived = signals.map(|signals| signals.recv_timeout(PATIENCE));
                    assert!(arrived.is_ok_and(|arrived| arrived.is_ok()));
                }
            });
        }
    });
    assert_eq!(open_files()?, before, "files were left open");
    stage.say("worked");
    stage.expect("end")?;
    for signal in [Signal::User1, Signal::User2] {
        assert!(signal::is_ignored::<B>(signal)?);
        signal::send::<B>(std::process::id(), signal)?;
    }
    stage.say("received");
    Ok(())
}

fn kind<T>(result: strait::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
