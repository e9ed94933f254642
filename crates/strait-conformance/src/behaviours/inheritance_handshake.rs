//! Whether parent and child understand each other when endpoints are handed over.

use super::{
    error_of,
    inheritance::{PATIENCE, ends_well, hold, worker},
    kind_of,
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours};
use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};
use strait::{
    Deadline, ErrorKind,
    backend::{Socket, Style, Transfer},
    generic::{PipeWriter, Process, inherited, pipe},
};
use strait_protocol::{Greeting, Label};

behaviours! {
    inheritance_handshake;
    who_waits_for_a_child_to_take_over_learns_of_its_end needs [Pipes, HandlePassing],
    who_waits_for_a_child_does_not_wait_for_what_that_has_started needs [Pipes, HandlePassing],
    another_version_is_a_mismatch_on_both_sides needs [Pipes, HandlePassing],
    a_parent_that_says_nonsense_gets_its_child_an_error needs [HandlePassing],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![speak_another_version::<B>, leave, leave_another, stay, expect_error::<B>]
}

fn who_waits_for_a_child_to_take_over_learns_of_its_end<B: Backend>() -> Verdict {
    let (_reader, writer) = pipe::<B>()?;
    let mut child = worker::<B, _>(hold::<B>, &[""])?.pass("writer", writer).spawn()?;
    let soon = Duration::from_millis(10);
    assert_eq!(kind_of(child.handshake_timeout(soon)), ErrorKind::TimedOut);
    child.kill()?;
    assert_eq!(kind_of(child.handshake_timeout(PATIENCE)), ErrorKind::Disconnected);
    // A program that isn't strait's ends without a word.
    let (_reader, writer) = pipe::<B>()?;
    let mut child = worker::<B, _>(leave, &[])?.pass("writer", writer).spawn()?;
    assert_eq!(kind_of(child.handshake_timeout(PATIENCE)), ErrorKind::Disconnected);
    ends_well(child)
}

fn leave(_: &mut Stage) -> Verdict {
    Ok(())
}

fn who_waits_for_a_child_does_not_wait_for_what_that_has_started<B: Backend>() -> Verdict {
    let (_reader, writer) = pipe::<B>()?;
    let command = worker::<B, _>(leave_another, &[])?.stdin(Stdio::piped());
    let mut child = command.pass("writer", writer).spawn()?;
    // The input of both, which ends the other one in the end.
    let input = child.stdin.take();
    assert_eq!(kind_of(child.handshake_timeout(PATIENCE)), ErrorKind::Disconnected);
    ends_well(child)?;
    drop(input);
    Ok(())
}

/// Starts a process that holds open whatever isn't closed in it, and ends.
fn leave_another(_: &mut Stage) -> Verdict {
    Peer::command(stay, [""; 0])?.spawn()?;
    Ok(())
}

fn stay(stage: &mut Stage) -> Verdict {
    stage.wait_for_end_of_input();
    Ok(())
}

fn another_version_is_a_mismatch_on_both_sides<B: Backend>() -> Verdict {
    let (_reader, writer) = pipe::<B>()?;
    let command = worker::<B, _>(speak_another_version::<B>, &[])?;
    let mut child = command.pass("writer", writer).spawn()?;
    assert_eq!(kind_of(child.handshake_timeout(PATIENCE)), ErrorKind::VersionMismatch);
    ends_well(child)?;
    // The child answers all the same, so that such a parent knows.
    let (parent, status) = with_parent_that_says::<B>("VersionMismatch", &[&other_version()])?;
    super::ended_well(status)?;
    let mut answer = [0; Greeting::LEN];
    assert_eq!(parent.receive(&mut answer, None, Deadline::after(PATIENCE))?.len, Greeting::LEN);
    assert_eq!(Greeting::from_bytes(&answer, "read")?.endpoints, 0);
    Ok(())
}

fn speak_another_version<B: Backend>(_: &mut Stage) -> Verdict {
    let handle = B::inherit()?.ok_or("nothing was passed")?;
    B::Socket::from_handle(handle)?.send(&other_version(), &[], Deadline::after(PATIENCE))?;
    Ok(())
}

/// What a greeting of another version begins with.
fn other_version() -> [u8; Greeting::LEN] {
    let mut bytes = Greeting { endpoints: 1 }.to_bytes();
    bytes[8] ^= 0x40;
    bytes
}

fn a_parent_that_says_nonsense_gets_its_child_an_error<B: Backend>() -> Verdict {
    let one = Greeting { endpoints: 1 }.to_bytes();
    let most = Greeting { endpoints: u32::MAX }.to_bytes();
    let label = |handles| {
        Label { kind: 3, handles, name: "writer", state: &[] }.to_bytes("pass an endpoint")
    };
    let cases: [(&str, &[&[u8]]); 6] = [
        ("PeerCorrupt", &[&one]),
        ("PeerCorrupt", &[&most, &label(0)?]),
        ("PeerCorrupt", &[&one, b"nonsense"]),
        ("PeerCorrupt", &[&one, &label(1)?]),
        ("PeerCorrupt", &[&one, &label(0)?]),
        ("Foreign", &[b"nonsense"]),
    ];
    for (expected, messages) in cases {
        let (_parent, status) = with_parent_that_says::<B>(expected, messages)?;
        super::ended_well(status).map_err(|failure| format!("{failure} after {messages:?}"))?;
    }
    Ok(())
}

/// How a child ends that expects an error of this kind from what its parent has said.
fn with_parent_that_says<B: Backend>(
    expected: &str,
    messages: &[&[u8]],
) -> Result<(B::Socket, ExitStatus), Failure> {
    let (parent, child) = B::socket_pair(Style::Datagram)?;
    for message in messages {
        parent.send(message, &[], Deadline::now())?;
    }
    let mut command = Peer::command(expect_error::<B>, [expected])?;
    let bequest = B::bequeath(&mut command, child.to_handle()?)?;
    let mut started = command.stdin(Stdio::null()).spawn()?;
    B::settle(bequest, &started);
    // Nothing more comes.
    drop((command, child));
    parent.shutdown(std::net::Shutdown::Write)?;
    Process::<B>::with_id(started.id())?.wait_exit_timeout(PATIENCE)?;
    Ok((parent, started.wait()?))
}

fn expect_error<B: Backend>(stage: &mut Stage) -> Verdict {
    let error = error_of(inherited::<B, PipeWriter<B>>("writer"));
    assert_eq!(format!("{:?}", error.kind()), stage.arg(0), "{error}");
    // Where nothing was understood whoever asks again gets the same answer. An endpoint is taken once.
    let again = error_of(inherited::<B, PipeWriter<B>>("writer"));
    assert!([error.kind(), ErrorKind::NotFound].contains(&again.kind()), "{again}");
    assert!(error.kind() == ErrorKind::PeerCorrupt || again.kind() == error.kind(), "{again}");
    Ok(())
}
