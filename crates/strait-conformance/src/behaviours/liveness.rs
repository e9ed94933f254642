//! Telling the living from the dead.

use super::signal;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root,
    unavailable,
};
use std::{
    process::Command,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    backend::{Deadline, ProcessIdentity},
};

behaviours! {
    liveness;
    this_process_is_alive needs [Liveness],
    a_process_is_alive_until_it_is_killed needs [Liveness],
    a_stopped_process_is_alive needs [Liveness],
    a_zombie_is_dead needs [Liveness],
    an_earlier_process_of_the_same_number_is_dead needs [Liveness],
    a_number_that_is_reused_is_another_process needs [Liveness],
    waiting_for_the_end_ends_with_the_process needs [Liveness],
    waiting_for_the_end_ends_at_the_deadline needs [Liveness],
    a_number_without_a_process_is_not_found needs [Liveness],
    a_process_in_another_pid_namespace_is_alive needs [Liveness],
    two_processes_of_a_nested_pid_namespace_know_each_other needs [Liveness],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![introduce::<B>, judge::<B>, judge_own_child::<B>, reuse_a_number::<B>]
}

fn this_process_is_alive<B: Backend>() -> Verdict {
    let this = B::current_process()?;
    assert_eq!(this, B::identify(std::process::id())?);
    assert!(this.start != 0, "its start is not known");
    assert!(B::is_alive(&this));
    Ok(())
}

fn a_process_is_alive_until_it_is_killed<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let (mut peer, identity) = introduced::<B>([""; 0])?;
        assert_eq!(identity, B::identify(peer.id())?);
        assert!(B::is_alive(&identity));
        peer.kill()?;
        assert!(!B::is_alive(&identity));
    }
    Ok(())
}

fn a_stopped_process_is_alive<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here stops a process");
    }
    let (mut peer, identity) = introduced::<B>([""; 0])?;
    signal("-STOP", identity.pid)?;
    assert!(B::is_alive(&identity));
    assert!(!B::wait_for_end(&identity, Deadline::after(Duration::from_millis(20)))?);
    peer.kill()?;
    assert!(!B::is_alive(&identity));
    Ok(())
}

fn a_zombie_is_dead<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("there are no zombies here");
    }
    // The actor's own child, which it doesn't reap.
    let mut peer = Peer::start(judge_own_child::<B>)?;
    peer.expect("alive")?;
    peer.expect("dead")?;
    Ok(peer.finish()?)
}

fn judge_own_child<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut child = Command::new("sleep").arg("60").spawn()?;
    let identity = B::identify(child.id())?;
    stage.say(if B::is_alive(&identity) { "alive" } else { "dead" });
    child.kill()?;
    assert!(B::wait_for_end(&identity, Deadline::after(Duration::from_secs(10)))?);
    stage.say(if B::is_alive(&identity) { "alive" } else { "dead" });
    child.wait()?;
    Ok(())
}

fn an_earlier_process_of_the_same_number_is_dead<B: Backend>() -> Verdict {
    let (peer, identity) = introduced::<B>([""; 0])?;
    // What was written when the number belonged to a process that started earlier.
    let earlier = ProcessIdentity { start: identity.start - 1, ..identity };
    assert!(!B::is_alive(&earlier));
    assert!(B::wait_for_end(&earlier, Deadline::NEVER)?);
    assert!(B::is_alive(&identity));
    Ok(peer.finish()?)
}

fn a_number_that_is_reused_is_another_process<B: Backend>() -> Verdict {
    // In a namespace of its own, where nobody else takes the number.
    needs_namespaces()?;
    let mut peer = Peer::under(NESTED_WITH_PROC, reuse_a_number::<B>, [""; 0])?;
    peer.expect("reused")?;
    Ok(peer.finish()?)
}

fn reuse_a_number<B: Backend>(stage: &mut Stage) -> Verdict {
    let sleep = || Command::new("sleep").arg("60").spawn();
    let mut first = sleep()?;
    let old = B::identify(first.id())?;
    first.kill()?;
    first.wait()?;
    // Starts are counted in ticks of the system's clock: let one pass.
    let later = || -> Result<bool, Failure> {
        let mut child = sleep()?;
        let start = B::identify(child.id())?.start;
        child.kill()?;
        child.wait()?;
        Ok(start > old.start)
    };
    while !later()? {}
    std::fs::write("/proc/sys/kernel/ns_last_pid", (old.pid - 1).to_string())?;
    let mut second = sleep()?;
    let new = B::identify(second.id())?;
    assert_eq!(new.pid, old.pid, "the number was not reused");
    let lives = (B::is_alive(&old), B::is_alive(&new));
    let ended = B::wait_for_end(&old, Deadline::NEVER)?;
    second.kill()?;
    second.wait()?;
    assert_eq!((lives, ended), ((false, true), true));
    stage.say("reused");
    Ok(())
}

fn waiting_for_the_end_ends_with_the_process<B: Backend>() -> Verdict {
    let (mut peer, identity) = introduced::<B>([""; 0])?;
    let waiter = std::thread::spawn(move || {
        let ended = B::wait_for_end(&identity, Deadline::after(Duration::from_secs(20)));
        (ended.map_err(|error| error.to_string()), Instant::now())
    });
    let killed = Instant::now();
    peer.kill()?;
    let (ended, at) = waiter.join().map_err(|_| "the waiter panicked")?;
    assert_eq!(ended, Ok(true));
    assert!(at.duration_since(killed) < Duration::from_millis(500), "noticed late");
    Ok(())
}

fn waiting_for_the_end_ends_at_the_deadline<B: Backend>() -> Verdict {
    let this = B::current_process()?;
    let begin = Instant::now();
    assert!(!B::wait_for_end(&this, Deadline::after(Duration::from_millis(30)))?);
    assert!(begin.elapsed() >= Duration::from_millis(30));
    Ok(())
}

fn a_number_without_a_process_is_not_found<B: Backend>() -> Verdict {
    for pid in [0, i32::MAX as u32, u32::MAX] {
        let error = B::identify(pid).err().ok_or("it was identified")?;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{pid}");
    }
    Ok(())
}

fn a_process_in_another_pid_namespace_is_alive<B: Backend>() -> Verdict {
    // With the /proc of the outer one still mounted, as a careless container has it.
    for words in [&NESTED[..], &NESTED_WITH_PROC[..]] {
        needs_namespaces()?;
        let (mut peer, identity) = introduced::<B>(words)?;
        let this = B::current_process()?;
        assert_ne!(identity.space, this.space);
        assert!(B::is_alive(&identity));
        // What is inside can't know of what is outside either.
        let mut judge = Peer::under(words, judge::<B>, fields(&this))?;
        judge.expect("alive")?;
        judge.finish()?;
        peer.kill()?;
        // It can't be known any more than before.
        assert!(B::is_alive(&identity));
    }
    Ok(())
}

fn two_processes_of_a_nested_pid_namespace_know_each_other<B: Backend>() -> Verdict {
    for words in [&NESTED[..], &NESTED_WITH_PROC[..]] {
        needs_namespaces()?;
        let mut peer = Peer::under(words, judge_own_child::<B>, [""; 0])?;
        peer.expect("alive")?;
        peer.expect("dead")?;
        peer.finish()?;
    }
    Ok(())
}

const NESTED: [&str; 4] = ["unshare", "--pid", "--fork", "--kill-child"];
const NESTED_WITH_PROC: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

fn needs_namespaces() -> Verdict {
    match is_linux() && is_root() {
        true => Ok(()),
        false => unavailable("needs root on Linux, to make a PID namespace"),
    }
}

/// A peer, and who it says it is.
fn introduced<B: Backend>(
    wrapper: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
) -> Result<(Peer, ProcessIdentity), Failure> {
    let mut peer = Peer::under(wrapper, introduce::<B>, [""; 0])?;
    let line = peer.hear()?;
    let words: Vec<&str> = line.split(' ').collect();
    Ok((peer, identity(&words)?))
}

fn introduce<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say(fields(&B::current_process()?).join(" "));
    stage.wait_for_end_of_input();
    Ok(())
}

fn judge<B: Backend>(stage: &mut Stage) -> Verdict {
    let words: Vec<&str> = stage.args().iter().map(String::as_str).collect();
    stage.say(if B::is_alive(&identity(&words)?) { "alive" } else { "dead" });
    Ok(())
}

fn fields(identity: &ProcessIdentity) -> [String; 3] {
    [identity.pid.to_string(), identity.start.to_string(), identity.space.to_string()]
}

fn identity(words: &[&str]) -> Result<ProcessIdentity, Failure> {
    let [pid, start, space] = words else { return Err(format!("{words:?}").into()) };
    let (pid, start, space) = (pid.parse()?, start.parse()?, space.parse()?);
    Ok(ProcessIdentity { pid, start, space, ..ProcessIdentity::default() })
}
