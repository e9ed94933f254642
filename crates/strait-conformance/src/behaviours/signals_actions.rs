//! What signals do where nobody receives them, and that it is there again afterwards.

use super::signals::{answer, ask, children_are_told_of, ended_by, subject, subject_after};
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, is_linux};
use strait::{
    Signal,
    generic::{Signals, signal},
};

behaviours! {
    signals_actions;
    a_signal_that_nobody_receives_any_more_ends_the_process needs [Signals],
    a_signal_that_comes_as_its_last_subscription_goes_is_not_lost needs [Signals],
    a_signal_that_somebody_still_receives_does_not needs [Signals],
    what_was_ignored_before_is_ignored_again needs [Signals],
    what_is_ignored_and_received_is_ignored_again needs [Signals],
    resetting_has_a_signal_do_what_it_does_by_default needs [Signals],
    ignoring_and_resetting_leave_subscribers_alone needs [Signals],
    a_closure_handles_a_signal_until_something_else_does needs [Signals],
    a_closure_and_a_subscriber_both_learn_of_it needs [Signals],
    a_refused_subscription_changes_nothing needs [Signals],
    children_that_nobody_wants_to_hear_of_vanish_all_the_same needs [Signals],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![lose_children::<B>, let_go::<B>]
}

fn a_signal_that_nobody_receives_any_more_ends_the_process<B: Backend>() -> Verdict {
    let fatal = [
        Signal::Interrupt,
        Signal::Terminate,
        Signal::HangUp,
        Signal::User1,
        Signal::User2,
        Signal::Alarm,
    ];
    for fatal in fatal {
        let mut peer = match is_linux() {
            true => subject_after::<B>("trap - HUP INT TERM USR1 USR2")?,
            false => subject::<B>()?,
        };
        for _ in 0..3 {
            ask(&mut peer, &format!("subscribe window-change {fatal}"), "done")?;
            signal::send::<B>(peer.id(), fatal)?;
            let said = answer(&mut peer, "receive")?;
            assert!(said.starts_with(&fatal.to_string()), "{said}");
            ask(&mut peer, "drop", "done")?;
        }
        // Started by a shell it may ignore Ctrl-C, and a hang-up.
        if answer(&mut peer, &format!("is_ignored {fatal}"))? == "true" {
            continue;
        }
        signal::send::<B>(peer.id(), fatal)?;
        ended_by(&mut peer, fatal.posix_name())?;
    }
    Ok(())
}

fn a_signal_that_comes_as_its_last_subscription_goes_is_not_lost<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let mut peer = Peer::start(let_go::<B>)?;
        peer.expect("ready")?;
        // Before, while, or after it is dropped: it does what it does by default.
        signal::send::<B>(peer.id(), Signal::User1)?;
        ended_by(&mut peer, "SIGUSR1")?;
    }
    Ok(())
}

fn let_go<B: Backend>(stage: &mut Stage) -> Verdict {
    signal::reset::<B>(Signal::User1)?;
    let signals = Signals::<B>::subscribe([Signal::User1])?;
    stage.say("ready");
    drop(signals);
    stage.wait_for_end_of_input();
    Ok(())
}

fn a_signal_that_somebody_still_receives_does_not<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    for signals in ["user1", "user1 user2", "user2 alarm"] {
        ask(&mut peer, &format!("subscribe {signals}"), "done")?;
    }
    ask(&mut peer, "drop", "done")?;
    ask(&mut peer, "drop", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    let said = answer(&mut peer, "receive")?;
    assert!(said.starts_with("user1"), "{said}");
    // But nobody receives this one.
    signal::send::<B>(peer.id(), Signal::User2)?;
    ended_by(&mut peer, "SIGUSR2")
}

fn what_was_ignored_before_is_ignored_again<B: Backend>() -> Verdict {
    let mut peer = subject_after::<B>("trap '' USR1 HUP")?;
    ask(&mut peer, "is_ignored user1", "true")?;
    ask(&mut peer, "is_ignored hang-up", "true")?;
    ask(&mut peer, "is_ignored user2", "false")?;
    for _ in 0..2 {
        ask(&mut peer, "subscribe user1", "done")?;
        ask(&mut peer, "is_ignored user1", "true")?;
        signal::send::<B>(peer.id(), Signal::User1)?;
        let said = answer(&mut peer, "receive")?;
        assert!(said.starts_with("user1"), "{said}");
        ask(&mut peer, "drop", "done")?;
        ask(&mut peer, "is_ignored user1", "true")?;
        signal::send::<B>(peer.id(), Signal::User1)?;
        signal::send::<B>(peer.id(), Signal::HangUp)?;
    }
    ask(&mut peer, "is_ignored user1", "true")
}

fn what_is_ignored_and_received_is_ignored_again<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    ask(&mut peer, "ignore user1", "done")?;
    ask(&mut peer, "is_ignored user1", "true")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ask(&mut peer, "subscribe user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    let said = answer(&mut peer, "receive")?;
    assert!(said.starts_with("user1"), "{said}");
    ask(&mut peer, "receive at once", "WouldBlock")?;
    ask(&mut peer, "drop", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ask(&mut peer, "is_ignored user1", "true")
}

fn resetting_has_a_signal_do_what_it_does_by_default<B: Backend>() -> Verdict {
    let mut peer = match is_linux() {
        true => subject_after::<B>("trap '' USR1")?,
        false => subject::<B>()?,
    };
    if !is_linux() {
        ask(&mut peer, "ignore user1", "done")?;
    }
    ask(&mut peer, "is_ignored user1", "true")?;
    ask(&mut peer, "reset user1", "done")?;
    ask(&mut peer, "is_ignored user1", "false")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ended_by(&mut peer, "SIGUSR1")
}

fn ignoring_and_resetting_leave_subscribers_alone<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    ask(&mut peer, "subscribe user1", "done")?;
    for verb in ["ignore", "reset", "ignore"] {
        ask(&mut peer, &format!("{verb} user1"), "done")?;
        signal::send::<B>(peer.id(), Signal::User1)?;
        let said = answer(&mut peer, "receive")?;
        assert!(said.starts_with("user1"), "{said}");
    }
    // What was set last is what is there when nobody receives it.
    ask(&mut peer, "drop", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ask(&mut peer, "is_ignored user1", "true")
}

fn a_closure_handles_a_signal_until_something_else_does<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    for _ in 0..2 {
        // Each counts from one on, and panics at the first: that ends none.
        ask(&mut peer, "handle user1", "done")?;
        for count in 1..=3 {
            signal::send::<B>(peer.id(), Signal::User1)?;
            peer.expect(&format!("closure: user1, {count}"))?;
        }
    }
    ask(&mut peer, "ignore user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ask(&mut peer, "handle user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    peer.expect("closure: user1, 1")?;
    ask(&mut peer, "reset user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ended_by(&mut peer, "SIGUSR1")
}

fn a_closure_and_a_subscriber_both_learn_of_it<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    ask(&mut peer, "subscribe user1", "done")?;
    ask(&mut peer, "handle user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    peer.expect("closure: user1, 1")?;
    let said = answer(&mut peer, "receive")?;
    assert!(said.starts_with("user1"), "{said}");
    ask(&mut peer, "reset user1", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    let said = answer(&mut peer, "receive")?;
    assert!(said.starts_with("user1"), "{said}");
    ask(&mut peer, "drop", "done")?;
    signal::send::<B>(peer.id(), Signal::User1)?;
    ended_by(&mut peer, "SIGUSR1")
}

fn a_refused_subscription_changes_nothing<B: Backend>() -> Verdict {
    // Three files are open already, and so is what another subscription needs.
    let mut peer = subject_after::<B>("ulimit -n 12")?;
    ask(&mut peer, "subscribe user1", "done")?;
    while answer(&mut peer, "subscribe user2")? == "done" {}
    ask(&mut peer, "subscribe user2", "Os")?;
    ask(&mut peer, "subscribe hang-up", "Os")?;
    ask(&mut peer, "rotate", "done")?;
    signal::send::<B>(peer.id(), Signal::User2)?;
    let said = answer(&mut peer, "receive")?;
    assert!(said.starts_with("user2"), "{said}");
    signal::send::<B>(peer.id(), Signal::Alarm)?;
    ended_by(&mut peer, "SIGALRM")
}

fn children_that_nobody_wants_to_hear_of_vanish_all_the_same<B: Backend>() -> Verdict {
    children_are_told_of::<B>()?;
    let mut peer = Peer::start(lose_children::<B>)?;
    peer.expect("gone")?;
    Ok(peer.finish()?)
}

fn lose_children<B: Backend>(stage: &mut Stage) -> Verdict {
    signal::ignore::<B>(Signal::Child)?;
    let signals = Signals::<B>::subscribe([Signal::Child])?;
    let mut child = std::process::Command::new("true").spawn()?;
    let arrival = signals.recv_timeout(super::waiting::PATIENCE)?;
    assert_eq!(arrival.signal, Signal::Child);
    // There is nothing left of it to wait for.
    assert!(child.wait().is_err());
    stage.say("gone");
    Ok(())
}
