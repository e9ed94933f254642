//! What the behaviours of synchronisation share: peers that wait, and how long anything may take.

use crate::{Failure, Peer, Stage, Verdict, is_linux, kill_point, unavailable, wait_until};
use std::{
    fs,
    time::{Duration, Instant},
};
use strait::Result;

/// Longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How soon a death is noticed. The promise is 100 ms; the rest is for a machine that is busy.
pub(super) const NOTICED: Duration = Duration::from_millis(500);

/// So long that who waits looks several times whether whom it waits for has died.
pub(super) const SEVERAL_LOOKS: Duration = Duration::from_millis(200);

/// Shorter than the nap after which who waits looks even if nobody has woken it.
pub(super) const WOKEN: Duration = Duration::from_millis(20);

/// Where somebody is that waits, just before it sleeps.
pub(super) const ASLEEP: &str = "bell: about to sleep";

/// Where somebody is that has waited for the time of a nap already.
pub(super) const ASLEEP_FOR_LONG: &str = "bell: woken";

/// A peer that has come as far as the kill point that is the second of its arguments.
pub(super) fn stopped_at<F: Fn(&mut Stage) -> Verdict>(
    actor: F,
    args: &[&str],
) -> std::result::Result<Peer, Failure> {
    let mut peer = Peer::with_args(actor, args)?;
    peer.tell("begin");
    peer.expect(&format!("at {}", args[1]))?;
    Ok(peer)
}

/// A peer that waits, with the name of what it waits for as its first argument.
pub(super) fn waiting<F: Fn(&mut Stage) -> Verdict>(
    actor: F,
    name: &str,
) -> std::result::Result<Peer, Failure> {
    waiting_with(actor, name, "")
}

/// As [`waiting`], with a third argument.
pub(super) fn waiting_with<F: Fn(&mut Stage) -> Verdict>(
    actor: F,
    name: &str,
    arg: &str,
) -> std::result::Result<Peer, Failure> {
    let mut peer = Peer::with_args(actor, [name, ASLEEP, arg])?;
    wait_again(&mut peer, ASLEEP)?;
    Ok(peer)
}

/// Has a peer begin whose second argument is the kill point [`ASLEEP`], and returns when it is about to
/// wait.
pub(super) fn about_to_wait(peer: &mut Peer) -> Verdict {
    peer.tell("begin");
    peer.expect(&format!("at {ASLEEP}"))?;
    peer.tell("go on");
    Ok(())
}

/// Has a peer begin whose second argument is the kill point `asleep`, and returns when it waits.
pub(super) fn wait_again(peer: &mut Peer, asleep: &str) -> Verdict {
    peer.tell("begin");
    peer.expect(&format!("at {asleep}"))?;
    if !is_linux() {
        peer.tell("go on");
        return Ok(());
    }
    // The system tells how often it has fallen asleep: as it listens, and then as it waits.
    let mut listens = 0;
    wait_until("the peer listens", || {
        listens = sleeps(peer).unwrap_or(0);
        listens > 0
    })?;
    peer.tell("go on");
    wait_until("the peer sleeps", || sleeps(peer).is_some_and(|sleeps| sleeps > listens))
}

/// How often a process that sleeps has fallen asleep.
fn sleeps(peer: &Peer) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", peer.id())).ok()?;
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name));
    let asleep = field("State:")?.trim_start().starts_with('S');
    asleep.then(|| field("voluntary_ctxt_switches:")?.trim().parse().ok())?
}

/// The actor's side of these: each time that it is told to, arms the kill point that is its second
/// argument, and says how `act` ended.
pub(super) fn act_when_told<T: ToString>(
    stage: &mut Stage,
    mut act: impl FnMut(&mut Stage) -> Result<T>,
) {
    while stage.hear().is_some() {
        kill_point::arm(stage.arg(1));
        let said = match act(stage) {
            Ok(done) => done.to_string(),
            Err(error) => format!("{:?}", error.kind()),
        };
        stage.say(said);
    }
}

/// Waits until a peer says `line`, which has to be soon after `since`.
pub(super) fn expect_soon(peer: &mut Peer, line: &str, since: Instant) -> Verdict {
    peer.expect(line)?;
    let took = since.elapsed();
    assert!(took < NOTICED, "{line:?} came after {took:?}");
    Ok(())
}

/// The shortest time that `run` takes of ten: what it takes where the machine isn't busy.
pub(super) fn fastest(
    mut run: impl FnMut() -> std::result::Result<Duration, Failure>,
) -> std::result::Result<Duration, Failure> {
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        fastest = fastest.min(run()?);
    }
    Ok(fastest)
}

/// Steps aside where no command stops a process.
pub(super) fn needs_signals() -> Verdict {
    if is_linux() { Ok(()) } else { unavailable("no command here stops a process") }
}
