//! Processes: who they are, and their end.

use super::waiting::{NOTICED, PATIENCE};
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root, unavailable,
    unique, wait_until,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{CancelToken, Process, Shared},
};

behaviours! {
    process;
    a_process_is_the_same_however_it_is_found needs [Liveness],
    the_end_of_a_process_that_is_no_child_is_noticed needs [Liveness],
    the_end_of_the_parent_is_noticed_by_the_child needs [Liveness, NamedSegments],
    a_parent_that_can_not_be_seen_is_not_found needs [Liveness],
    waiting_for_a_process_ends_at_the_deadline needs [Liveness],
    waiting_for_a_process_can_be_cancelled needs [Liveness],
    a_process_that_has_ended_is_waited_for_at_once needs [Liveness],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![idle, watch::<B>, name_parent::<B>, look_for_parent::<B>, bear::<B>, survive::<B>]
}

fn a_process_is_the_same_however_it_is_found<B: Backend>() -> Verdict {
    let this = Process::<B>::current()?;
    assert_eq!(this, Process::with_id(std::process::id())?);
    assert_eq!(this.id(), std::process::id());
    assert_eq!(this, Process::from_identity(this.identity()).clone());
    assert!(this.is_alive());
    let mut peer = Peer::start(name_parent::<B>)?;
    assert_ne!(this, Process::with_id(peer.id())?);
    peer.expect(&this.id().to_string())?;
    Ok(peer.finish()?)
}

fn name_parent<B: Backend>(stage: &mut Stage) -> Verdict {
    let parent = Process::<B>::parent()?;
    assert_eq!(parent, Process::parent()?);
    assert!(parent.is_alive());
    stage.say(parent.id());
    stage.wait_for_end_of_input();
    Ok(())
}

fn the_end_of_a_process_that_is_no_child_is_noticed<B: Backend>() -> Verdict {
    let mut peer = Peer::start(idle)?;
    let mut watcher = Peer::with_args(watch::<B>, [peer.id()])?;
    watcher.expect("watching")?;
    let killed = Instant::now();
    peer.kill()?;
    watcher.expect("ended")?;
    assert!(killed.elapsed() < NOTICED, "noticed after {:?}", killed.elapsed());
    Ok(watcher.finish()?)
}

fn watch<B: Backend>(stage: &mut Stage) -> Verdict {
    let process = Process::<B>::with_id(stage.arg(0).parse()?)?;
    assert!(process.is_alive());
    stage.say("watching");
    process.wait_exit_timeout(PATIENCE)?;
    assert!(!process.is_alive());
    stage.say("ended");
    Ok(())
}

fn the_end_of_the_parent_is_noticed_by_the_child<B: Backend>() -> Verdict {
    let name = unique("orphan");
    let step = Shared::<AtomicU32, B>::create(&name, AtomicU32::new(0))?;
    let mut parent = Peer::with_args(bear::<B>, [&name])?;
    parent.expect("born")?;
    wait_until("the child waits", || step.load(Ordering::SeqCst) == WATCHES)?;
    parent.kill()?;
    // The child, whom nobody can hear any more, says so in what is shared.
    let ended = Instant::now();
    let noticed = || step.load(Ordering::SeqCst) == NOTICED_IT;
    wait_until("the child notices that", noticed)?;
    assert!(ended.elapsed() < NOTICED, "noticed after {:?}", ended.elapsed());
    Ok(())
}

const WATCHES: u32 = 1;
const NOTICED_IT: u32 = 2;

fn bear<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut child = Peer::with_args(survive::<B>, [stage.arg(0)])?;
    child.expect("here")?;
    stage.say("born");
    stage.wait_for_end_of_input();
    Ok(())
}

fn survive<B: Backend>(stage: &mut Stage) -> Verdict {
    let parent = Process::<B>::parent()?;
    let step = Shared::<AtomicU32, B>::open(stage.arg(0))?;
    stage.say("here");
    step.store(WATCHES, Ordering::SeqCst);
    parent.wait_exit_timeout(PATIENCE)?;
    // Whoever this process has been given to isn't the one that started it.
    let after = Process::<B>::parent().map_err(|error| error.kind());
    assert_eq!(after.err(), Some(ErrorKind::NotFound));
    assert!(!parent.is_alive());
    step.store(NOTICED_IT, Ordering::SeqCst);
    Ok(())
}

fn a_parent_that_can_not_be_seen_is_not_found<B: Backend>() -> Verdict {
    if !is_linux() || !is_root() {
        return unavailable("needs root on Linux, to make a PID namespace");
    }
    let wrapper = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut peer = Peer::under(wrapper, look_for_parent::<B>, [""; 0])?;
    peer.expect("Err(NotFound)")?;
    Ok(peer.finish()?)
}

fn look_for_parent<B: Backend>(stage: &mut Stage) -> Verdict {
    let parent = Process::<B>::parent().map(|parent| parent.id()).map_err(|error| error.kind());
    stage.say(format!("{parent:?}"));
    Ok(())
}

fn waiting_for_a_process_ends_at_the_deadline<B: Backend>() -> Verdict {
    let this = Process::<B>::current()?;
    let timeout = Duration::from_millis(30);
    let begin = Instant::now();
    let error = this.wait_exit_timeout(timeout).err().ok_or("this process has ended")?;
    assert!(begin.elapsed() >= timeout);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    Ok(())
}

fn waiting_for_a_process_can_be_cancelled<B: Backend>() -> Verdict {
    let (this, token) = (Process::<B>::current()?, CancelToken::<B>::new()?);
    let ended = thread::scope(|scope| {
        let waiter = scope.spawn(|| this.wait_exit_deadline(&token).map_err(|error| error.kind()));
        token.cancel();
        waiter.join().map_err(|_| "who waits panicked")
    })?;
    assert_eq!(ended, Err(ErrorKind::Cancelled));
    Ok(())
}

fn a_process_that_has_ended_is_waited_for_at_once<B: Backend>() -> Verdict {
    let mut peer = Peer::start(idle)?;
    let process = Process::<B>::with_id(peer.id())?;
    peer.kill()?;
    process.wait_exit()?;
    process.wait_exit_timeout(Duration::ZERO)?;
    assert_eq!(Process::<B>::with_id(peer.id()).err().map(|e| e.kind()), Some(ErrorKind::NotFound));
    Ok(())
}

fn idle(stage: &mut Stage) -> Verdict {
    stage.wait_for_end_of_input();
    Ok(())
}
