//! Child processes: how long they are waited for, and what ends with whom.

use super::{error_of, kind_of};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux};
use std::{
    io::{Read, Write},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{CancelToken, Command, Process},
};

behaviours! {
    children;
    a_child_is_waited_for_until_the_deadline needs [Liveness],
    a_child_that_has_ended_can_be_waited_for_again_and_again needs [Liveness],
    waiting_for_a_child_can_be_cancelled needs [Liveness],
    waiting_closes_the_input_of_the_child needs [Liveness],
    a_child_is_killed_when_it_is_dropped_if_that_was_asked_for needs [Liveness],
    a_child_outlives_what_stands_for_it_otherwise needs [Liveness],
    a_program_that_is_not_there_is_not_found needs [Liveness],
    a_child_notices_that_its_parent_was_killed needs [Liveness],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![wait_for_end, parent::<B>, orphan::<B>]
}

/// An actor that does nothing until its input ends.
fn wait_for_end(stage: &mut Stage) {
    stage.wait_for_end_of_input();
}

fn idle<B: Backend>() -> Result<Command<B>, Failure> {
    let command = Command::from(Peer::command(wait_for_end, [""; 0])?);
    Ok(command.stdin(Stdio::piped()))
}

fn a_child_is_waited_for_until_the_deadline<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.kill_on_drop(true).spawn()?;
    // Held open here, as waiting would close it.
    let input = child.stdin.take();
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let begin = Instant::now();
        assert_eq!(kind_of(child.wait_timeout(timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
    }
    assert!(child.try_wait()?.is_none() && child.process().is_alive());
    drop(input);
    assert!(child.wait_timeout(PATIENCE)?.success());
    Ok(())
}

fn a_child_that_has_ended_can_be_waited_for_again_and_again<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.kill_on_drop(true).spawn()?;
    child.kill()?;
    let status = child.wait()?;
    assert!(!status.success() && !child.process().is_alive());
    assert_eq!(child.wait()?, status);
    assert_eq!(child.wait_timeout(Duration::ZERO)?, status);
    assert_eq!(child.try_wait()?, Some(status));
    child.process().wait_exit_timeout(Duration::ZERO)?;
    Ok(())
}

fn waiting_for_a_child_can_be_cancelled<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.kill_on_drop(true).spawn()?;
    let _input = child.stdin.take();
    let token = CancelToken::<B>::new()?;
    thread::scope(|scope| {
        let waiter = scope.spawn(|| child.wait_deadline(&token));
        token.cancel();
        let waited = waiter.join().map_err(|_| "the waiter panicked")?;
        assert_eq!(kind_of(waited), ErrorKind::Cancelled);
        Ok::<_, Failure>(())
    })?;
    assert!(child.try_wait()?.is_none());
    Ok(())
}

fn waiting_closes_the_input_of_the_child<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.kill_on_drop(true).spawn()?;
    assert!(child.wait_timeout(PATIENCE)?.success());
    Ok(())
}

fn a_child_is_killed_when_it_is_dropped_if_that_was_asked_for<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.kill_on_drop(true).spawn()?;
    let (input, process) = (child.stdin.take(), child.process().clone());
    assert!(process.is_alive());
    drop(child);
    // It is reaped too: not even a zombie is left.
    assert_eq!(kind_of(Process::<B>::with_id(process.id())), ErrorKind::NotFound);
    drop(input);
    Ok(())
}

fn a_child_outlives_what_stands_for_it_otherwise<B: Backend>() -> Verdict {
    let mut child = idle::<B>()?.spawn()?;
    let (input, process) = (child.stdin.take(), child.process().clone());
    drop(child);
    assert!(process.is_alive());
    drop(input);
    Ok(process.wait_exit_timeout(PATIENCE)?)
}

fn a_program_that_is_not_there_is_not_found<B: Backend>() -> Verdict {
    let error = error_of(Command::<B>::new("no-such-program-of-strait").spawn());
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("no-such-program-of-strait"), "{error}");
    Ok(())
}

fn a_child_notices_that_its_parent_was_killed<B: Backend>() -> Verdict {
    if !is_linux() {
        return crate::unavailable("the child's output is another's here");
    }
    let mut parent = Peer::start(parent::<B>)?;
    let child: u32 = parent.hear()?.parse()?;
    let child = Process::<B>::with_id(child)?;
    let begin = Instant::now();
    // Its output is the child's too, and ends when both have ended.
    parent.kill()?;
    parent.expect("orphan")?;
    child.wait_exit_timeout(PATIENCE)?;
    assert!(begin.elapsed() < PATIENCE);
    Ok(())
}

fn parent<B: Backend>(stage: &mut Stage) -> Verdict {
    let command = Command::<B>::from(Peer::command(orphan::<B>, [""; 0])?);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    // It knows its parent.
    child.stderr.as_mut().ok_or("it has no pipe")?.read_exact(&mut [0])?;
    stage.say(child.id());
    stage.wait_for_end_of_input();
    Ok(())
}

fn orphan<B: Backend>(stage: &mut Stage) -> Verdict {
    let parent = Process::<B>::parent()?;
    std::io::stderr().write_all(b"!")?;
    parent.wait_exit_timeout(PATIENCE)?;
    stage.say("orphan");
    Ok(())
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
