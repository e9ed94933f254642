//! Every behaviour and every actor of the suite, module by module.

mod access;
mod barrier;
mod barrier_death;
mod cancel;
mod channel;
mod channel_death;
mod channel_hostile;
mod children;
mod condvar;
mod condvar_death;
mod condvar_traffic;
mod datagrams;
mod deadlock;
mod duplex;
mod duplex_name;
mod endpoints;
mod event;
mod handles;
mod handles_hostile;
mod inheritance;
mod inheritance_handshake;
mod lifetime;
mod liveness;
mod lock_hostile;
mod lock_memory;
mod locking;
mod memory;
mod mutex;
mod mutex_death;
mod mutex_repair;
mod named_pipe;
mod named_pipe_name;
mod once;
mod once_lock;
mod owners;
mod pipe;
mod process;
mod rendezvous;
mod ring;
mod rwlock;
mod rwlock_death;
mod rwlock_repair;
mod seats;
mod segment;
mod semaphore;
mod semaphore_counting;
mod seqlock;
mod shared;
mod shutdown;
mod signals;
mod signals_actions;
mod signals_many;
mod signals_storm;
mod sockets;
mod sockets_refusal;
mod stale;
mod sync_hostile;
mod wait_address;
mod waiting;

use crate::{
    Actor, Backend, Behaviour, Error, ErrorKind, Failure, Peer, Stage, Verdict, actor::REFUSED,
    verdict::refuse,
};
use std::{
    process::{Command, ExitStatus},
    time::Duration,
};

/// The actors of all modules.
pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    [
        access::actors::<B>(),
        barrier::actors::<B>(),
        barrier_death::actors::<B>(),
        channel::actors::<B>(),
        channel_death::actors::<B>(),
        channel_hostile::actors::<B>(),
        children::actors::<B>(),
        condvar::actors::<B>(),
        condvar_traffic::actors::<B>(),
        datagrams::actors::<B>(),
        duplex_name::actors::<B>(),
        endpoints::actors::<B>(),
        event::actors::<B>(),
        handles::actors::<B>(),
        handles_hostile::actors::<B>(),
        inheritance::actors::<B>(),
        inheritance_handshake::actors::<B>(),
        lifetime::actors::<B>(),
        liveness::actors::<B>(),
        lock_hostile::actors::<B>(),
        lock_memory::actors::<B>(),
        memory::actors::<B>(),
        mutex::actors::<B>(),
        mutex_death::actors::<B>(),
        named_pipe::actors::<B>(),
        named_pipe_name::actors::<B>(),
        once::actors::<B>(),
        once_lock::actors::<B>(),
        owners::actors::<B>(),
        process::actors::<B>(),
        rendezvous::actors::<B>(),
        ring::actors::<B>(),
        rwlock::actors::<B>(),
        rwlock_death::actors::<B>(),
        seats::actors::<B>(),
        segment::actors::<B>(),
        semaphore::actors::<B>(),
        semaphore_counting::actors::<B>(),
        seqlock::actors::<B>(),
        shared::actors::<B>(),
        shutdown::actors::<B>(),
        signals::actors::<B>(),
        signals_actions::actors::<B>(),
        signals_many::actors::<B>(),
        signals_storm::actors::<B>(),
        sockets::actors::<B>(),
        sockets_refusal::actors::<B>(),
        stale::actors::<B>(),
        sync_hostile::actors::<B>(),
        wait_address::actors::<B>(),
    ]
    .concat()
}

/// The behaviours of all modules.
pub(crate) fn behaviours<B: Backend>() -> Vec<Behaviour> {
    [
        access::behaviours::<B>(),
        barrier::behaviours::<B>(),
        barrier_death::behaviours::<B>(),
        cancel::behaviours::<B>(),
        channel::behaviours::<B>(),
        channel_death::behaviours::<B>(),
        channel_hostile::behaviours::<B>(),
        children::behaviours::<B>(),
        condvar::behaviours::<B>(),
        condvar_death::behaviours::<B>(),
        condvar_traffic::behaviours::<B>(),
        datagrams::behaviours::<B>(),
        deadlock::behaviours::<B>(),
        duplex::behaviours::<B>(),
        duplex_name::behaviours::<B>(),
        endpoints::behaviours::<B>(),
        event::behaviours::<B>(),
        handles::behaviours::<B>(),
        handles_hostile::behaviours::<B>(),
        inheritance::behaviours::<B>(),
        inheritance_handshake::behaviours::<B>(),
        lifetime::behaviours::<B>(),
        liveness::behaviours::<B>(),
        lock_hostile::behaviours::<B>(),
        lock_memory::behaviours::<B>(),
        memory::behaviours::<B>(),
        mutex::behaviours::<B>(),
        mutex_death::behaviours::<B>(),
        mutex_repair::behaviours::<B>(),
        named_pipe::behaviours::<B>(),
        named_pipe_name::behaviours::<B>(),
        once::behaviours::<B>(),
        once_lock::behaviours::<B>(),
        owners::behaviours::<B>(),
        pipe::behaviours::<B>(),
        process::behaviours::<B>(),
        rendezvous::behaviours::<B>(),
        ring::behaviours::<B>(),
        rwlock::behaviours::<B>(),
        rwlock_death::behaviours::<B>(),
        rwlock_repair::behaviours::<B>(),
        seats::behaviours::<B>(),
        segment::behaviours::<B>(),
        semaphore::behaviours::<B>(),
        semaphore_counting::behaviours::<B>(),
        seqlock::behaviours::<B>(),
        shared::behaviours::<B>(),
        shutdown::behaviours::<B>(),
        signals::behaviours::<B>(),
        signals_actions::behaviours::<B>(),
        signals_many::behaviours::<B>(),
        signals_storm::behaviours::<B>(),
        sockets::behaviours::<B>(),
        sockets_refusal::behaviours::<B>(),
        stale::behaviours::<B>(),
        sync_hostile::behaviours::<B>(),
        wait_address::behaviours::<B>(),
    ]
    .concat()
}

/// The kind of an error that was to come; a panic where none did.
fn kind_of<T>(result: strait::Result<T>) -> ErrorKind {
    error_of(result).kind()
}

/// An error that was to come; a panic where none did. A refusal is the behaviour's end.
#[expect(clippy::panic, reason = "a behaviour fails by it")]
fn error_of<T>(result: strait::Result<T>) -> Error {
    match result {
        Err(error) if error.kind() == ErrorKind::Unsupported => refuse(error),
        Err(error) => error,
        Ok(_) => panic!("an error was to come, and none did"),
    }
}

/// A child whose actor has failed, or was refused, is how the behaviour ends too.
fn ended_well(status: ExitStatus) -> Verdict {
    match status.code() {
        Some(0) => Ok(()),
        Some(REFUSED) => Err(Error::new(ErrorKind::Unsupported, "use it", "a child was refused"))?,
        _ => Err(format!("the child ended with {status}"))?,
    }
}

/// Peers that were all told at once to get hold of `name`, each of which says either `won` or `lost`;
/// and how many won.
fn race<F: Fn(&mut Stage) -> Verdict + Copy>(
    how_many: u32,
    actor: F,
    name: &str,
    (won, lost): (&str, &str),
) -> Result<(u32, Vec<Peer>), Failure> {
    let start = |_| Peer::with_args(actor, [name]);
    let mut peers = (0..how_many).map(start).collect::<Result<Vec<_>, _>>()?;
    // Starting as many takes a while: each has all its time from when it is its turn.
    for peer in &mut peers {
        peer.set_deadline(PATIENCE);
        peer.expect("ready")?;
    }
    for peer in &mut peers {
        peer.set_deadline(PATIENCE);
        peer.tell("go");
    }
    let mut winners = 0;
    for peer in &mut peers {
        winners += u32::from(peer.expect_one_of([lost, won])? == 1);
    }
    Ok((winners, peers))
}

/// Longer than any of those that race takes, once it runs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a signal to a process, `-STOP` say, on a system that has the command for it.
fn signal(which: &str, pid: u32) -> Verdict {
    let status = Command::new("kill").arg(which).arg(pid.to_string()).status()?;
    assert!(status.success(), "kill {which} {pid}: {status}");
    Ok(())
}
