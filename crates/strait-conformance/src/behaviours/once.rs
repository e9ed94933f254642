//! What is to happen once, although who does it may die.

use super::{
    kind_of, signal,
    waiting::{
        NOTICED, PATIENCE, SEVERAL_LOOKS, WOKEN, act_when_told, fastest, needs_signals, stopped_at,
        waiting,
    },
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    array,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{Once, Shared},
};

behaviours! {
    once;
    one_of_8_processes_does_it_and_all_see_it_done needs [NamedSegments, WaitAddress, Seats],
    who_waits_is_woken_when_it_is_done needs [NamedSegments, WaitAddress, Seats],
    where_a_process_is_killed_at_it_the_next_one_does_it needs [NamedSegments, WaitAddress, Seats],
    where_it_panics_the_next_one_does_it needs [NamedSegments, WaitAddress, Seats],
    where_a_process_is_killed_and_the_next_one_panics_another_one_does_it needs [NamedSegments, WaitAddress, Seats],
    a_panic_wakes_the_next_one needs [NamedSegments, WaitAddress, Seats],
    who_does_it_while_it_does_it_is_told_of_the_deadlock needs [NamedSegments, WaitAddress, Seats],
    waiting_until_it_is_done_ends_at_the_deadline needs [NamedSegments, WaitAddress, Seats],
    a_stopped_process_that_is_at_it_is_waited_for needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![do_all::<B>, do_once::<B>, do_until_told::<B>, panic_when_told::<B>]
}

const ROUNDS: usize = 2_000;

fn one_of_8_processes_does_it_and_all_see_it_done<B: Backend>() -> Verdict {
    let name = unique("8");
    let onces = array::from_fn(|_| Once::new());
    let onces = Shared::<[Once<B>; ROUNDS], B>::create(&name, onces)?;
    let count = Count::<B>::create(format!("{name}/count"), array::from_fn(|_| 0.into()))?;
    let start = |_| Peer::with_args(do_all::<B>, [&name]);
    let mut peers = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("ready")?;
    }
    assert!(onces.iter().all(|once| !once.is_completed()));
    for peer in &peers {
        peer.tell("go");
    }
    let mut all = 0;
    for peer in &mut peers {
        let mine: usize = peer.hear()?.parse()?;
        all += mine;
    }
    assert_eq!(all, ROUNDS);
    assert!(count.iter().all(|count| count.load(Ordering::SeqCst) == 1));
    Ok(())
}

/// How often each was done.
type Count<B> = Shared<[AtomicU32; ROUNDS], B>;

fn do_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let onces = Shared::<[Once<B>; ROUNDS], B>::open(stage.arg(0))?;
    let count = Count::<B>::open(format!("{}/count", stage.arg(0)))?;
    stage.say("ready");
    stage.expect("go")?;
    let mut mine = 0;
    let end = Instant::now() + PATIENCE;
    for (once, count) in onces.iter().zip(count.iter()) {
        once.call_once_deadline(end, || {
            // So that others come while it is at it.
            thread::yield_now();
            count.fetch_add(1, Ordering::Relaxed);
            mine += 1;
        })?;
        assert!(once.is_completed());
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
    stage.say(mine);
    Ok(())
}

fn who_waits_is_woken_when_it_is_done<B: Backend>() -> Verdict {
    let took = fastest(|| {
        let name = unique("woken");
        let once = SharedOnce::<B>::create(&name, Once::new())?;
        let mut peers = Vec::new();
        let mut begin = None;
        once.call_once(|| {
            peers.push(waiting(do_once::<B>, &name));
            peers.push(waiting(do_once::<B>, &name));
            begin = Some(Instant::now());
        })?;
        for peer in peers {
            peer?.expect("found it done")?;
        }
        Ok(begin.ok_or("it wasn't done")?.elapsed())
    })?;
    assert!(took < WOKEN, "{took:?}");
    Ok(())
}

fn where_a_process_is_killed_at_it_the_next_one_does_it<B: Backend>() -> Verdict {
    for done in [false, true] {
        let name = unique("killed");
        let once = SharedOnce::<B>::create(&name, Once::new())?;
        let mut killed = if done {
            stopped_at(do_once::<B>, &[&name, "once: done, not said"])?
        } else {
            at_it::<B>(&name)?
        };
        let mut others = [waiting(do_once::<B>, &name)?, waiting(do_once::<B>, &name)?];
        assert!(!once.is_completed());
        killed.kill()?;
        let since = Instant::now();
        let said = [others[0].hear()?, others[1].hear()?];
        let took = since.elapsed();
        assert!(took < NOTICED, "{took:?}");
        // Either of them, and not both.
        assert!(said.contains(&"did it".to_owned()), "{said:?}");
        assert!(said.contains(&"found it done".to_owned()), "{said:?}");
        assert!(once.is_completed());
        once.call_once(|| unreachable!("it has happened"))?;
    }
    Ok(())
}

fn where_it_panics_the_next_one_does_it<B: Backend>() -> Verdict {
    let once = SharedOnce::<B>::create(unique("panics"), Once::new())?;
    for _ in 0..2 {
        // Without what a panic prints.
        let panics = || once.call_once(|| resume_unwind(Box::new(())));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(!once.is_completed());
    }
    let mut done = false;
    once.call_once_deadline(NOTICED, || done = true)?;
    assert!(done && once.is_completed());
    Ok(())
}

fn where_a_process_is_killed_and_the_next_one_panics_another_one_does_it<B: Backend>() -> Verdict {
    let name = unique("both");
    let once = SharedOnce::<B>::create(&name, Once::new())?;
    at_it::<B>(&name)?.kill()?;
    let panics = || once.call_once_deadline(NOTICED, || resume_unwind(Box::new(())));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    at_it::<B>(&name)?.kill()?;
    let mut done = false;
    once.call_once_deadline(NOTICED, || done = true)?;
    assert!(done && once.is_completed());
    Ok(())
}

fn a_panic_wakes_the_next_one<B: Backend>() -> Verdict {
    let took = fastest(|| {
        let name = unique("next");
        let _once = SharedOnce::<B>::create(&name, Once::new())?;
        let mut peer = Peer::with_args(panic_when_told::<B>, [&name])?;
        peer.expect("at it")?;
        let mut others = [waiting(do_once::<B>, &name)?, waiting(do_once::<B>, &name)?];
        let begin = Instant::now();
        peer.tell("panic");
        let mut said = [others[0].hear()?, others[1].hear()?];
        let took = begin.elapsed();
        said.sort();
        assert_eq!(said, ["did it", "found it done"]);
        peer.finish()?;
        Ok(took)
    })?;
    assert!(took < WOKEN, "{took:?}");
    Ok(())
}

fn panic_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let once = SharedOnce::<B>::open(stage.arg(0))?;
    let panics = || {
        once.call_once(|| {
            stage.say("at it");
            stage.hear();
            resume_unwind(Box::new(()));
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    stage.wait_for_end_of_input();
    Ok(())
}

fn who_does_it_while_it_does_it_is_told_of_the_deadlock<B: Backend>() -> Verdict {
    let name = unique("deadlock");
    let once = SharedOnce::<B>::create(&name, Once::new())?;
    // The same by another mapping.
    let again = SharedOnce::<B>::open(&name)?;
    let mut kinds = Vec::new();
    once.call_once(|| {
        for once in [&once, &again] {
            let deadline = once.call_once_deadline(NOTICED, || unreachable!("it is at it"));
            kinds.push(kind_of(deadline));
            if kinds.contains(&ErrorKind::Deadlock) {
                kinds.push(kind_of(once.call_once(|| unreachable!("it is at it"))));
            }
        }
    })?;
    assert_eq!(kinds, [ErrorKind::Deadlock; 4]);
    assert!(once.is_completed());
    Ok(())
}

fn waiting_until_it_is_done_ends_at_the_deadline<B: Backend>() -> Verdict {
    let name = unique("deadline");
    let once = SharedOnce::<B>::create(&name, Once::new())?;
    let mut peer = at_it::<B>(&name)?;
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let begin = Instant::now();
        let result = once.call_once_deadline(timeout, || unreachable!("another one is at it"));
        assert_eq!(kind_of(result), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
    }
    peer.tell("go on");
    peer.expect("did it")?;
    once.call_once_deadline(Duration::ZERO, || unreachable!("it has happened"))?;
    // Where nobody is at it there is nothing to wait for.
    let other = SharedOnce::<B>::create(unique("deadline"), Once::new())?;
    other.call_once_deadline(Duration::ZERO, || ())?;
    assert!(other.is_completed());
    Ok(())
}

fn a_stopped_process_that_is_at_it_is_waited_for<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("stopped");
    let once = SharedOnce::<B>::create(&name, Once::new())?;
    let mut peer = at_it::<B>(&name)?;
    signal("-STOP", peer.id())?;
    let result = once.call_once_deadline(SEVERAL_LOOKS, || unreachable!("it isn't dead"));
    assert_eq!(kind_of(result), ErrorKind::TimedOut);
    signal("-CONT", peer.id())?;
    peer.tell("go on");
    peer.expect("did it")?;
    assert!(once.is_completed());
    Ok(())
}

type SharedOnce<B> = Shared<Once<B>, B>;

/// Does it, unless it is done.
fn do_once<B: Backend>(stage: &mut Stage) -> Verdict {
    let once = SharedOnce::<B>::open(stage.arg(0))?;
    act_when_told(stage, |_| {
        let mut mine = false;
        once.call_once_deadline(PATIENCE, || mine = true)?;
        Ok(if mine { "did it" } else { "found it done" })
    });
    Ok(())
}

/// A peer that is at it, until it is told to go on.
fn at_it<B: Backend>(name: &str) -> Result<Peer, Failure> {
    let mut peer = Peer::with_args(do_until_told::<B>, [name])?;
    peer.expect("at it")?;
    Ok(peer)
}

fn do_until_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let once = SharedOnce::<B>::open(stage.arg(0))?;
    once.call_once(|| {
        stage.say("at it");
        stage.hear();
    })?;
    stage.say("did it");
    Ok(())
}
