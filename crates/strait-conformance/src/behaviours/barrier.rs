//! Waiting until all parties have come.

use super::{
    kind_of,
    waiting::{
        ASLEEP, NOTICED, PATIENCE, WOKEN, act_when_told, expect_soon, fastest, wait_again, waiting,
    },
};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    array,
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{Barrier, Shared},
};

behaviours! {
    barrier;
    all_parties_pass_together_round_after_round needs [NamedSegments, WaitAddress, Seats],
    the_last_to_come_wakes_all_others needs [NamedSegments, WaitAddress, Seats],
    a_party_that_gives_up_has_not_come needs [NamedSegments, WaitAddress, Seats],
    where_parties_give_up_again_and_again_all_agree_on_what_was_complete needs [NamedSegments, WaitAddress, Seats],
    a_barrier_for_one_or_for_none_lets_everybody_through needs [NamedSegments, WaitAddress, Seats],
    sixty_four_parties_can_join_while_others_wait needs [NamedSegments, WaitAddress, Seats],
    sixty_four_parties_can_wait_and_no_more needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![pass_rounds::<B>, pass::<B>, give_up_often::<B>]
}

const PARTIES: u32 = 4;
const ROUNDS: u32 = 1_000;

fn all_parties_pass_together_round_after_round<B: Backend>() -> Verdict {
    let name = unique("rounds");
    let _barrier = SharedBarrier::<B>::create(&name, Barrier::new(PARTIES))?;
    let seen = Seen::<B>::create(format!("{name}/seen"), array::from_fn(|_| AtomicU32::new(0)))?;
    let start = |_| Peer::with_args(pass_rounds::<B>, [&name]);
    let mut peers = (0..PARTIES).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("done")?;
    }
    for (round, leaders) in seen[1..].iter().enumerate() {
        assert_eq!(leaders.load(Ordering::SeqCst), 1, "leaders of round {round}");
    }
    Ok(())
}

/// How many have come in all rounds together; and the leaders of each round, of which there are two a
/// round of the parties': one before they look how many have come, and one after.
type Seen<B> = Shared<[AtomicU32; 1 + 2 * ROUNDS as usize], B>;

fn pass_rounds<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = SharedBarrier::<B>::open(stage.arg(0))?;
    let seen = Seen::<B>::open(format!("{}/seen", stage.arg(0)))?;
    let end = Instant::now() + PATIENCE;
    let pass = |round: u32| -> strait::Result<()> {
        if barrier.wait_deadline(end)?.is_leader() {
            seen[1 + round as usize].fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    };
    for round in 0..ROUNDS {
        seen[0].fetch_add(1, Ordering::SeqCst);
        pass(2 * round)?;
        assert_eq!(seen[0].load(Ordering::SeqCst), (round + 1) * PARTIES, "round {round}");
        pass(2 * round + 1)?;
    }
    stage.say("done");
    Ok(())
}

fn the_last_to_come_wakes_all_others<B: Backend>() -> Verdict {
    let name = unique("wakes");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let args = [&name, ASLEEP];
    let mut peers = [Peer::with_args(pass::<B>, args)?, Peer::with_args(pass::<B>, args)?];
    let took = fastest(|| {
        for peer in &mut peers {
            wait_again(peer, ASLEEP)?;
        }
        let begin = Instant::now();
        assert!(barrier.wait_timeout(PATIENCE)?.is_leader());
        for peer in &mut peers {
            peer.expect("passed")?;
        }
        Ok(begin.elapsed())
    })?;
    assert!(took < WOKEN, "{took:?}");
    Ok(())
}

fn a_party_that_gives_up_has_not_come<B: Backend>() -> Verdict {
    let name = unique("gives-up");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let begin = Instant::now();
        assert_eq!(kind_of(barrier.wait_timeout(timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
        let deadline = Instant::now() + timeout;
        assert_eq!(kind_of(barrier.wait_deadline(deadline)), ErrorKind::TimedOut);
        assert!(Instant::now() >= deadline);
        // Otherwise this one wouldn't have to wait.
        let mut peer = waiting(pass::<B>, &name)?;
        assert!(barrier.wait_timeout(NOTICED)?.is_leader());
        expect_soon(&mut peer, "passed", Instant::now())?;
        peer.finish()?;
    }
    assert!(!barrier.is_broken());
    Ok(())
}

fn where_parties_give_up_again_and_again_all_agree_on_what_was_complete<B: Backend>() -> Verdict {
    const ROUNDS: u32 = 3_000;
    let name = unique("agree");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
    let enough = Shared::<AtomicU32, B>::create(format!("{name}/enough"), AtomicU32::new(0))?;
    let mut peer = Peer::with_args(give_up_often::<B>, [&name])?;
    let begin = Instant::now();
    let is_enough = |passed| {
        assert!(begin.elapsed() < PATIENCE, "passed only {passed} times");
        passed == ROUNDS
    };
    let (passed, led) = pass_often(&barrier, is_enough)?;
    // So the other one is in no round but the last of these.
    enough.store(1, Ordering::SeqCst);
    peer.expect(&format!("passed {passed}, led {}", passed - led))?;
    Ok(())
}

fn give_up_often<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = SharedBarrier::<B>::open(stage.arg(0))?;
    let enough = Shared::<AtomicU32, B>::open(format!("{}/enough", stage.arg(0)))?;
    let (passed, led) = pass_often(&barrier, |_| enough.load(Ordering::SeqCst) == 1)?;
    stage.say(format!("passed {passed}, led {led}"));
    Ok(())
}

/// Waits again and again, with deadlines that fall together with all that another one does. Returns how
/// often that passed, and how often as the leader.
fn pass_often<B: Backend>(
    barrier: &Barrier<B>,
    is_enough: impl Fn(u32) -> bool,
) -> Result<(u32, u32), Failure> {
    let (mut passed, mut led) = (0, 0);
    for timeout in (0..100).cycle() {
        if is_enough(passed) {
            break;
        }
        match barrier.wait_timeout(Duration::from_micros(timeout)) {
            Ok(result) => {
                passed += 1;
                led += u32::from(result.is_leader());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::TimedOut),
        }
    }
    Ok((passed, led))
}

fn a_barrier_for_one_or_for_none_lets_everybody_through<B: Backend>() -> Verdict {
    for parties in [0, 1] {
        let barrier = SharedBarrier::<B>::create(unique("one"), Barrier::new(parties))?;
        for _ in 0..10 {
            assert!(barrier.wait_timeout(Duration::ZERO)?.is_leader());
            assert!(barrier.wait()?.is_leader());
        }
    }
    Ok(())
}

fn sixty_four_parties_can_wait_and_no_more<B: Backend>() -> Verdict {
    let most = Barrier::<B>::MAX_PARTIES;
    assert_eq!(most, 64);
    let barrier = SharedBarrier::<B>::create(unique("most"), Barrier::new(most))?;
    let end = Instant::now() + PATIENCE;
    let results = thread::scope(|scope| {
        let rounds = || (0..20).map(|_| barrier.wait_deadline(end)).collect::<Vec<_>>();
        let threads: Vec<_> = (0..most).map(|_| scope.spawn(rounds)).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut led = 0;
    for rounds in results {
        for result in rounds.map_err(|_| "a party panicked")? {
            led += u32::from(result?.is_leader());
        }
    }
    assert_eq!(led, 20);
    for too_many in [most + 1, u32::MAX] {
        let barrier = SharedBarrier::<B>::create(unique("more"), Barrier::new(too_many))?;
        assert_eq!(kind_of(barrier.wait()), ErrorKind::InvalidInput);
        assert_eq!(kind_of(barrier.wait_timeout(Duration::ZERO)), ErrorKind::InvalidInput);
    }
    Ok(())
}

fn sixty_four_parties_can_join_while_others_wait<B: Backend>() -> Verdict {
    let most = Barrier::<B>::MAX_PARTIES;
    let barrier = SharedBarrier::<B>::create(unique("join"), Barrier::new(most))?;
    let results = thread::scope(|scope| {
        let join_and_wait = || {
            let party = barrier.join().map_err(|error| error.to_string())?;
            let result = barrier.wait_timeout(PATIENCE / 4).map_err(|error| error.to_string());
            drop(party);
            result.map(drop)
        };
        let threads: Vec<_> = (0..most).map(|_| scope.spawn(join_and_wait)).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let results = results.into_iter().collect::<Result<Vec<_>, _>>().map_err(|_| "a panic")?;
    let errors: BTreeSet<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(errors.is_empty(), "{errors:?}");
    Ok(())
}

type SharedBarrier<B> = Shared<Barrier<B>, B>;

/// Waits each time that it is told to.
pub(super) fn pass<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = SharedBarrier::<B>::open(stage.arg(0))?;
    act_when_told(stage, |_| {
        let leader = barrier.wait_timeout(PATIENCE)?.is_leader();
        Ok(if leader { "passed as the leader" } else { "passed" })
    });
    Ok(())
}
