//! Peers: what they say is heard, how they end is reported, and they never outstay their deadline.

use std::{
    any::{type_name, type_name_of_val},
    env,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use strait_conformance::{
    Actor, Backend, Peer, PeerError, Stage, Verdict, actors, behaviours, is_linux, unavailable,
};

behaviours! {
    peers;
    a_peer_and_its_parent_talk,
    arguments_arrive_intact,
    an_actor_is_started_with_its_generic_arguments,
    an_actor_that_is_not_listed_is_an_error,
    a_peer_is_another_process,
    a_peer_runs_under_another_command,
    a_killed_command_takes_the_actor_with_it,
    a_command_that_does_not_exist_is_an_error,
    many_peers_start_and_end_at_once,
    an_unexpected_line_is_an_error,
    a_silent_peer_is_an_error_at_its_deadline,
    an_ended_peer_is_an_error_before_its_deadline,
    a_panic_of_a_peer_is_part_of_the_error,
    a_failure_of_a_peer_is_part_of_the_error,
    a_peer_that_does_not_end_is_killed_at_its_deadline,
    a_process_that_a_peer_left_behind_is_an_error,
    the_end_of_its_input_ends_an_actor,
    what_a_peer_was_told_comes_before_the_end_of_its_input,
    a_killed_peer_is_reported,
    what_a_killed_peer_said_is_heard,
    a_peer_that_has_ended_cannot_be_killed,
    a_dropped_peer_is_reaped,
    a_peer_that_writes_much_does_not_block,
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![
        echo,
        list_arguments,
        name_backend::<B>,
        name_backend::<u8>,
        greet,
        panic_on_stage,
        fail,
        hang,
        leave_a_process_behind,
        write_much,
    ]
}

fn a_peer_and_its_parent_talk<B: Backend>() -> Verdict {
    let mut peer = Peer::start(echo)?;
    for line in ["one", "", " two \r", "drei und vier: ü"] {
        peer.tell(line);
        peer.expect(line)?;
    }
    Ok(peer.finish()?)
}

fn arguments_arrive_intact<B: Backend>() -> Verdict {
    let args =
        ["", "two\nlines\n", "--help", "a \"quoted\\\" word\\", "日本 🦀", " ", "%PATH% $HOME"];
    let mut peer = Peer::with_args(list_arguments, args)?;
    for arg in args {
        peer.expect(&format!("{arg:?}"))?;
    }
    Ok(peer.finish()?)
}

fn an_actor_is_started_with_its_generic_arguments<B: Backend>() -> Verdict {
    let mut one = Peer::start(name_backend::<B>)?;
    let mut other = Peer::start(name_backend::<u8>)?;
    one.expect(type_name::<B>())?;
    other.expect("u8")?;
    one.finish()?;
    Ok(other.finish()?)
}

fn an_actor_that_is_not_listed_is_an_error<B: Backend>() -> Verdict {
    let error = Peer::start(|_: &mut Stage| ())?.hear().unwrap_err();
    let text = error.to_string();
    assert_eq!(error.exit_status().unwrap().code(), Some(2), "{text}");
    assert!(text.contains("is listed") && text.contains("peers::echo"), "{text}");
    Ok(())
}

fn a_peer_is_another_process<B: Backend>() -> Verdict {
    let mut peer = Peer::start(greet)?;
    let id = peer.id().to_string();
    assert_ne!(id, std::process::id().to_string());
    peer.expect("hello")?;
    peer.expect(&id)?;
    Ok(peer.finish()?)
}

fn a_peer_runs_under_another_command<B: Backend>() -> Verdict {
    if Command::new("env").arg("true").status().is_err() {
        return unavailable("needs the command env");
    }
    let mut peer = Peer::under(["env", "STRAIT_WRAPPED=yes"], list_arguments, ["a", "b"])?;
    peer.expect("wrapped")?;
    peer.expect("\"a\"")?;
    peer.expect("\"b\"")?;
    Ok(peer.finish()?)
}

fn a_killed_command_takes_the_actor_with_it<B: Backend>() -> Verdict {
    let namespace = ["unshare", "--pid", "--fork", "--kill-child"];
    let probe = Command::new(namespace[0]).args(&namespace[1..]).arg("true").output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return unavailable("needs the command unshare, and root to make a PID namespace");
    }
    let mut peer = Peer::under(namespace, greet, [""; 0])?;
    peer.expect("hello")?;
    peer.expect("1")?;
    peer.kill()?;
    assert!(peer.hear().is_err());
    Ok(())
}

fn a_command_that_does_not_exist_is_an_error<B: Backend>() -> Verdict {
    let error = Peer::under(["no-such-command-anywhere"], echo, [""; 0]).unwrap_err();
    assert!(error.to_string().contains("could not be started"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    Ok(())
}

fn many_peers_start_and_end_at_once<B: Backend>() -> Verdict {
    fn one_peer(number: usize) -> Result<(), PeerError> {
        let mut peer = Peer::start(echo)?;
        peer.tell(number);
        peer.expect(&number.to_string())?;
        peer.finish()
    }
    thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || one_peer(number))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    })?;
    Ok(())
}

fn an_unexpected_line_is_an_error<B: Backend>() -> Verdict {
    let error = Peer::start(greet)?.expect("good bye").unwrap_err();
    assert!(error.to_string().contains("said \"hello\" instead of \"good bye\""), "{error}");
    assert!(!error.is_timeout());
    Ok(())
}

fn a_silent_peer_is_an_error_at_its_deadline<B: Backend>() -> Verdict {
    let mut peer = Peer::start(echo)?;
    let (start, patience) = (Instant::now(), Duration::from_millis(50));
    peer.set_deadline(patience);
    let error = peer.expect("anything").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(start.elapsed() >= patience);
    // It is as alive as before.
    peer.set_deadline(Duration::from_secs(30));
    peer.tell("anything");
    peer.expect("anything")?;
    Ok(peer.finish()?)
}

fn an_ended_peer_is_an_error_before_its_deadline<B: Backend>() -> Verdict {
    let mut peer = Peer::start(fail)?;
    peer.set_deadline(Duration::from_secs(3600));
    let error = peer.expect("anything").unwrap_err();
    assert!(error.to_string().contains("has ended too early"), "{error}");
    Ok(())
}

fn a_panic_of_a_peer_is_part_of_the_error<B: Backend>() -> Verdict {
    let error = Peer::start(panic_on_stage)?.expect("anything").unwrap_err();
    assert!(error.to_string().contains("stage fright"), "{error}");
    assert!(!error.exit_status().unwrap().success());
    Ok(())
}

fn a_failure_of_a_peer_is_part_of_the_error<B: Backend>() -> Verdict {
    let error = Peer::start(fail)?.finish().unwrap_err();
    assert!(error.to_string().contains("invalid digit"), "{error}");
    assert_eq!(error.exit_status().unwrap().code(), Some(1));
    Ok(())
}

fn a_peer_that_does_not_end_is_killed_at_its_deadline<B: Backend>() -> Verdict {
    let mut peer = Peer::start(hang)?;
    peer.expect("hanging")?;
    peer.set_deadline(Duration::from_millis(50));
    let error = peer.wait().unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(!peer.wait()?.success(), "it was killed");
    Ok(())
}

fn a_process_that_a_peer_left_behind_is_an_error<B: Backend>() -> Verdict {
    let mut peer = Peer::start(leave_a_process_behind)?;
    peer.expect("leaving")?;
    peer.set_deadline(Duration::from_secs(1));
    let error = peer.wait().unwrap_err();
    assert!(error.to_string().contains("holds its output open"), "{error}");
    // The end of the input, which both had, has ended the other process as well.
    peer.set_deadline(Duration::from_secs(30));
    assert!(peer.hear().unwrap_err().exit_status().unwrap().success());
    Ok(())
}

fn the_end_of_its_input_ends_an_actor<B: Backend>() -> Verdict {
    Ok(Peer::start(echo)?.finish()?)
}

fn what_a_peer_was_told_comes_before_the_end_of_its_input<B: Backend>() -> Verdict {
    let mut peer = Peer::start(greet)?;
    peer.expect("hello")?;
    for number in 0..10_000 {
        peer.tell(number);
    }
    Ok(peer.finish()?)
}

fn a_killed_peer_is_reported<B: Backend>() -> Verdict {
    let mut peer = Peer::start(echo)?;
    let status = peer.kill()?;
    assert!(!status.success());
    let error = peer.expect("anything").unwrap_err();
    assert_eq!(error.exit_status(), Some(status), "{error}");
    assert_eq!(peer.wait()?, status);
    Ok(())
}

fn what_a_killed_peer_said_is_heard<B: Backend>() -> Verdict {
    let mut peer = Peer::start(greet)?;
    peer.expect("hello")?;
    peer.expect(&peer.id().to_string())?;
    peer.tell("first");
    peer.expect("heard first")?;
    peer.tell("second");
    peer.expect("heard second")?;
    peer.kill()?;
    assert!(peer.hear().is_err());
    Ok(())
}

fn a_peer_that_has_ended_cannot_be_killed<B: Backend>() -> Verdict {
    let mut peer = Peer::start(fail)?;
    peer.wait()?;
    let error = peer.kill().unwrap_err();
    assert!(error.to_string().contains("has ended too early"), "{error}");
    assert!(error.to_string().contains("invalid digit"), "{error}");
    Ok(())
}

fn a_dropped_peer_is_reaped<B: Backend>() -> Verdict {
    let mut peer = Peer::start(hang)?;
    peer.expect("hanging")?;
    let identity = B::identify(peer.id())?;
    let process = format!("/proc/{}", peer.id());
    assert!(!is_linux() || Path::new(&process).exists());
    drop(peer);
    assert!(!B::is_alive(&identity));
    // One that is dead, but not reaped, is still shown there.
    assert!(!is_linux() || !Path::new(&process).exists());
    Ok(())
}

fn a_peer_that_writes_much_does_not_block<B: Backend>() -> Verdict {
    let mut peer = Peer::start(write_much)?;
    assert!(peer.wait()?.success());
    assert_eq!(peer.hear()?.len(), 1 << 20);
    assert_eq!(peer.stderr().len(), (1 << 20) + 1);
    Ok(())
}

fn echo(stage: &mut Stage) {
    while let Some(line) = stage.hear() {
        stage.say(line);
    }
}

fn list_arguments(stage: &mut Stage) {
    if env::var_os("STRAIT_WRAPPED").is_some() {
        stage.say("wrapped");
    }
    for arg in stage.args() {
        stage.say(format!("{arg:?}"));
    }
}

fn name_backend<T>(stage: &mut Stage) {
    stage.say(type_name::<T>());
}

fn greet(stage: &mut Stage) {
    stage.say("hello");
    stage.say(std::process::id());
    while let Some(line) = stage.hear() {
        stage.say(format!("heard {line}"));
    }
}

fn panic_on_stage(stage: &mut Stage) {
    assert!(stage.args().len() > 1, "stage fright");
}

fn fail(_: &mut Stage) -> Verdict {
    "seven".parse::<u32>()?;
    Ok(())
}

fn hang(stage: &mut Stage) {
    stage.say("hanging");
    loop {
        thread::park();
    }
}

fn leave_a_process_behind(stage: &mut Stage) -> Verdict {
    Command::new(env::current_exe()?)
        .env("STRAIT_ACTOR", type_name_of_val(&echo))
        .stdin(Stdio::inherit())
        .spawn()?;
    stage.say("leaving");
    Ok(())
}

fn write_much(stage: &mut Stage) {
    stage.say("x".repeat(1 << 20));
    eprintln!("{}", "y".repeat(1 << 20));
}
