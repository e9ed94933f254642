//! Waits that are ended before their time.

use super::kind_of;
use crate::{Backend, Failure, Verdict, behaviours, is_linux, unique, wait_until};
use std::{
    fs,
    io::Write,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use strait::{
    Deadline, Error, ErrorKind, Result, Shareable,
    generic::{
        Barrier, ByteReceiver, ByteSender, CancelToken, Condvar, Event, Mutex, NamedPipe, Once,
        Options, RwLock, Semaphore, Shared, pipe,
    },
};

behaviours! {
    cancel;
    waits_at_a_pipe_can_be_cancelled needs [Pipes],
    waits_for_a_named_pipe_can_be_cancelled needs [NamedPipes],
    waits_of_a_receiver_can_be_cancelled needs [Rendezvous],
    waits_of_a_sender_can_be_cancelled needs [Rendezvous],
    waits_for_locks_can_be_cancelled needs [NamedSegments, WaitAddress, Seats],
    waits_for_others_can_be_cancelled needs [NamedSegments, WaitAddress, Seats],
    waits_for_a_condition_can_be_cancelled needs [NamedSegments, WaitAddress, Seats],
    waits_for_who_runs_a_once_can_be_cancelled needs [NamedSegments, WaitAddress, Seats],
    waits_for_who_creates_a_value_can_be_cancelled needs [NamedSegments, Seats],
    one_token_ends_the_waits_of_many_threads needs [Pipes],
    what_was_cancelled_before_begins_nothing needs [Pipes, Rendezvous],
    a_token_can_be_waited_for,
    a_deadline_ends_a_wait_that_nobody_cancels needs [Pipes],
}

fn waits_at_a_pipe_can_be_cancelled<B: Backend>() -> Verdict {
    let (reader, mut writer) = pipe::<B>()?;
    cancelled::<B>(|deadline| reader.read_deadline(&mut [0], deadline).map(drop))?;
    while writer.write_timeout(&[0; 4096], Duration::ZERO).is_ok() {}
    cancelled::<B>(|deadline| writer.write_deadline(&[0; 4096], deadline).map(drop))?;
    // They can be used as before.
    reader.read_timeout(&mut [0; 8192], Duration::ZERO)?;
    Ok(writer.write_all(b"x")?)
}

fn waits_for_a_named_pipe_can_be_cancelled<B: Backend>() -> Verdict {
    let name = unique("cancel-pipe");
    cancelled::<B>(|d| NamedPipe::<B>::open_reader_deadline(&name, d).map(drop))?;
    cancelled::<B>(|d| NamedPipe::<B>::open_writer_deadline(&name, d).map(drop))?;
    let pipe = NamedPipe::<B>::create(&name)?;
    cancelled::<B>(|d| NamedPipe::<B>::open_writer_deadline(&name, d).map(drop))?;
    cancelled::<B>(|d| pipe.writer_deadline(d).map(drop))?;
    // For the first writer.
    let reader = pipe.reader()?;
    cancelled::<B>(|d| reader.read_deadline(&mut [0], d).map(drop))?;
    (&pipe.writer()?).write_all(b"x")?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 1);
    // Neither what ended it nor a deadline that nobody cancels is taken for data.
    let token = CancelToken::<B>::new()?;
    let deadline = Deadline::after(PATIENCE).or_cancelled(&token);
    assert_eq!(reader.read_deadline(&mut [0], deadline)?, 0);
    Ok(())
}

fn waits_of_a_receiver_can_be_cancelled<B: Backend>() -> Verdict {
    let name = unique("cancel-receiver");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    // For a sender, and then for a message.
    cancelled::<B>(|deadline| receiver.recv_ref_deadline(deadline).map(drop))?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"one")?;
    assert_eq!(*receiver.recv_ref()?, *b"one");
    cancelled::<B>(|deadline| receiver.recv_ref_deadline(deadline).map(drop))?;
    cancelled::<B>(|deadline| receiver.recv_into_deadline(&mut Vec::new(), deadline))?;
    sender.send(b"two")?;
    assert_eq!(*receiver.recv_ref_timeout(PATIENCE)?, *b"two");
    Ok(())
}

fn waits_of_a_sender_can_be_cancelled<B: Backend>() -> Verdict {
    let name = unique("cancel-sender");
    cancelled::<B>(|deadline| ByteSender::<B>::connect_deadline(&name, deadline).map(drop))?;
    let mut receiver = ByteReceiver::<B>::bind_with_capacity(&name, 4096)?;
    let mut sender = ByteSender::<B>::connect(&name)?;
    let mut sent = 0;
    while sender.try_send(&[7; 1000]).is_ok() {
        sent += 1;
    }
    // The receiver takes it over meanwhile, and receives nothing.
    assert_eq!(receiver.recv_ref_timeout(PATIENCE)?.len(), 1000);
    cancelled::<B>(|deadline| {
        loop {
            sender.send_deadline(&[8; 1000], deadline)?;
            sent += 1;
        }
    })?;
    cancelled::<B>(|deadline| sender.loan_deadline(1000, deadline).map(drop))?;
    cancelled::<B>(|deadline| sender.finish_deadline(deadline))?;
    // What was sent is received, and nothing else.
    for _ in 1..sent {
        assert_eq!(receiver.recv_ref_timeout(PATIENCE)?.len(), 1000);
    }
    assert_eq!(kind_of(receiver.recv_ref_timeout(PATIENCE)), ErrorKind::Disconnected);
    assert!(receiver.is_finished());
    Ok(())
}

fn waits_for_locks_can_be_cancelled<B: Backend>() -> Verdict {
    let mutex = shared::<B, _>(Mutex::<u64, B>::new(0))?;
    let held = mutex.lock()?;
    cancelled::<B>(|deadline| mutex.lock_deadline(deadline).map(drop).map_err(Error::from))?;
    drop(held);
    let rwlock = shared::<B, _>(RwLock::<u64, B>::new(0))?;
    let held = rwlock.write()?;
    cancelled::<B>(|deadline| rwlock.read_deadline(deadline).map(drop).map_err(Error::from))?;
    cancelled::<B>(|deadline| rwlock.write_deadline(deadline).map(drop).map_err(Error::from))?;
    drop(held);
    let held = rwlock.read()?;
    cancelled::<B>(|deadline| rwlock.write_deadline(deadline).map(drop).map_err(Error::from))?;
    drop(held);
    // None of them has left anything behind.
    drop((mutex.try_lock()?, rwlock.try_write()?));
    Ok(())
}

fn waits_for_others_can_be_cancelled<B: Backend>() -> Verdict {
    let semaphore = shared::<B, _>(Semaphore::<B>::new(1))?;
    let held = semaphore.acquire()?;
    cancelled::<B>(|deadline| semaphore.acquire_deadline(deadline).map(drop))?;
    drop(held);
    drop(semaphore.try_acquire()?);
    let counting = shared::<B, _>(Semaphore::<B>::counting(0))?;
    cancelled::<B>(|deadline| counting.acquire_deadline(deadline).map(drop))?;
    let barrier = shared::<B, _>(Barrier::<B>::new(2))?;
    cancelled::<B>(|deadline| barrier.wait_deadline(deadline).map(drop))?;
    let event = shared::<B, _>(Event::<B>::auto_reset())?;
    cancelled::<B>(|deadline| event.wait_deadline(deadline))?;
    event.set();
    assert!(event.try_wait());
    Ok(())
}

/// The mutex is taken again, and it counts as the end of its time.
fn waits_for_a_condition_can_be_cancelled<B: Backend>() -> Verdict {
    let mutex = shared::<B, _>(Mutex::<u64, B>::new(0))?;
    let changed = shared::<B, _>(Condvar::<B>::new())?;
    cancelled::<B>(|deadline| {
        let mut value = mutex.lock()?;
        loop {
            let (guard, waited) = changed.wait_deadline(value, deadline)?;
            value = guard;
            if waited.timed_out() {
                assert_eq!(kind_of(mutex.try_lock().map_err(Error::from)), ErrorKind::Deadlock);
                return Err(deadline.error("wait"));
            }
        }
    })?;
    drop(mutex.try_lock()?);
    Ok(())
}

fn waits_for_who_runs_a_once_can_be_cancelled<B: Backend>() -> Verdict {
    let once = shared::<B, _>(Once::<B>::new())?;
    let ((inside, begun), (go_on, done)) = (mpsc::channel(), mpsc::channel::<()>());
    thread::scope(|scope| {
        let runner = scope.spawn(|| {
            once.call_once(move || {
                let _ = inside.send(());
                let _ = done.recv();
            })
        });
        begun.recv()?;
        let outcome = cancelled::<B>(|deadline| once.call_once_deadline(deadline, || {}));
        drop(go_on);
        runner.join().map_err(|_| "the runner panicked")??;
        outcome
    })?;
    assert!(once.is_completed());
    Ok(())
}

fn shared<B: Backend, T: Shareable>(value: T) -> Result<Shared<T, B>> {
    Shared::create(unique("cancel"), value)
}

fn waits_for_who_creates_a_value_can_be_cancelled<B: Backend>() -> Verdict {
    let name = unique("cancel-create");
    let options = Options::<B>::new();
    let mut outcome = Err("it was not tried".into());
    options.open_or_create_shared::<u64>(&name, || {
        outcome = cancelled::<B>(|deadline| {
            options.open_or_create_shared_deadline::<u64>(&name, deadline, || 2).map(drop)
        });
        1
    })?;
    outcome
}

fn one_token_ends_the_waits_of_many_threads<B: Backend>() -> Verdict {
    let (reader, _writer) = pipe::<B>()?;
    let token = CancelToken::<B>::new()?;
    thread::scope(|scope| {
        let waiters: Vec<_> = (0..16)
            .map(|_| {
                let (token, reader) = (token.clone(), &reader);
                scope.spawn(move || reader.read_deadline(&mut [0], &token))
            })
            .collect();
        token.cancel();
        token.cancel();
        for waiter in waiters {
            let read = waiter.join().map_err(|_| "a waiter panicked")?;
            assert_eq!(kind_of(read), ErrorKind::Cancelled);
        }
        Ok(())
    })
}

fn what_was_cancelled_before_begins_nothing<B: Backend>() -> Verdict {
    let token = CancelToken::<B>::new()?;
    token.cancel();
    let (reader, mut writer) = pipe::<B>()?;
    writer.write_all(b"1")?;
    assert_eq!(kind_of(reader.read_deadline(&mut [0], &token)), ErrorKind::Cancelled);
    assert_eq!(kind_of(writer.write_deadline(b"2", &token)), ErrorKind::Cancelled);
    let name = unique("cancel-before");
    let mut receiver = ByteReceiver::<B>::bind(&name)?;
    assert_eq!(kind_of(ByteSender::<B>::connect_deadline(&name, &token)), ErrorKind::Cancelled);
    let mut sender = ByteSender::<B>::connect(&name)?;
    sender.send(b"3")?;
    assert_eq!(kind_of(sender.send_deadline(b"4", &token)), ErrorKind::Cancelled);
    assert_eq!(kind_of(receiver.recv_ref_deadline(&token)), ErrorKind::Cancelled);
    // What was there still is, and nothing else came.
    drop((writer, sender));
    let mut bytes = [0; 8];
    assert_eq!((reader.read_timeout(&mut bytes, PATIENCE)?, bytes[0]), (1, b'1'));
    assert_eq!(*receiver.recv_ref()?, *b"3");
    assert_eq!(kind_of(receiver.recv_ref()), ErrorKind::Disconnected);
    Ok(())
}

fn a_token_can_be_waited_for<B: Backend>() -> Verdict {
    let (token, other) = (CancelToken::<B>::new()?, CancelToken::<B>::new()?);
    let soon = Duration::from_millis(10);
    let begin = Instant::now();
    assert_eq!(kind_of(token.wait_timeout(soon)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= soon && !token.is_cancelled());
    cancelled::<B>(|deadline| token.wait_deadline(deadline))?;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait().and_then(|()| other.wait()));
        token.clone().cancel();
        other.cancel();
        Ok::<_, Failure>(waiter.join().map_err(|_| "the waiter panicked")??)
    })?;
    assert!(token.is_cancelled());
    Ok(token.wait_timeout(Duration::ZERO)?)
}

fn a_deadline_ends_a_wait_that_nobody_cancels<B: Backend>() -> Verdict {
    let token = CancelToken::<B>::new()?;
    let (reader, _writer) = pipe::<B>()?;
    for timeout in [Duration::ZERO, Duration::from_micros(10), Duration::from_millis(60)] {
        let begin = Instant::now();
        let deadline = Deadline::after(timeout).or_cancelled(&token);
        assert_eq!(kind_of(reader.read_deadline(&mut [0], deadline)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
    }
    Ok(())
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins to wait in another thread, cancels when that sleeps, and looks whether it ends by that.
fn cancelled<B: Backend>(
    wait: impl FnOnce(Deadline<'_>) -> Result<()> + Send,
) -> Result<(), Failure> {
    let token = CancelToken::<B>::new()?;
    let (tell, hear) = mpsc::channel();
    let (ended, after) = thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let _ = tell.send(fs::read_link("/proc/thread-self").unwrap_or_default());
            wait(Deadline::after(PATIENCE).or_cancelled(&token))
        });
        let asleep = hear
            .recv()
            .map_err(Failure::from)
            .and_then(|thread| wait_until_asleep(&Path::new("/proc").join(thread)));
        let begin = Instant::now();
        token.cancel();
        let ended = waiter.join().map_err(|_| Failure::from("the waiter panicked"));
        asleep.and(ended).map(|ended| (ended, begin.elapsed()))
    })?;
    assert_eq!(kind_of(ended), ErrorKind::Cancelled);
    // Locks look every 40 ms; a machine that is busy may delay it.
    assert!(after < Duration::from_secs(2), "it ended after {after:?}");
    Ok(())
}

/// Waits until a thread of this process sleeps, where the system tells.
fn wait_until_asleep(thread: &Path) -> Result<(), Failure> {
    if !is_linux() {
        return Ok(());
    }
    wait_until("the waiter sleeps", || {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('S'))
    })
}
