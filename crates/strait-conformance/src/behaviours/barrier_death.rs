//! Barriers of which a party dies, is stopped, or is replaced.

use super::{
    barrier::pass,
    kind_of, signal,
    waiting::{
        ASLEEP, NOTICED, SEVERAL_LOOKS, expect_soon, needs_signals, stopped_at, wait_again, waiting,
    },
};
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::time::{Duration, Instant};
use strait::{
    ErrorKind,
    generic::{Barrier, Shared},
};

behaviours! {
    barrier_death;
    a_party_that_is_killed_while_it_waits_breaks_the_barrier needs [NamedSegments, WaitAddress, Seats],
    a_party_that_was_killed_while_it_waited_has_not_come needs [NamedSegments, WaitAddress, Seats],
    a_round_is_complete_although_who_completed_it_was_killed needs [NamedSegments, WaitAddress, Seats],
    a_round_is_complete_although_the_next_one_breaks needs [NamedSegments, WaitAddress, Seats],
    a_party_that_joined_and_dies_before_it_comes_breaks_the_barrier needs [NamedSegments, WaitAddress, Seats],
    a_party_that_has_left_may_die needs [NamedSegments, WaitAddress, Seats],
    those_who_join_do_not_hide_that_another_one_died needs [NamedSegments, WaitAddress, Seats],
    a_repaired_barrier_can_be_used_again needs [NamedSegments, WaitAddress, Seats],
    who_waited_when_the_barrier_broke_learns_it_also_after_the_repair needs [NamedSegments, WaitAddress, Seats],
    a_barrier_can_be_repaired_before_anybody_noticed_the_death needs [NamedSegments, WaitAddress, Seats],
    a_stopped_party_does_not_break_the_barrier needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![join_and_pass::<B>, join_and_leave::<B>]
}

fn a_party_that_is_killed_while_it_waits_breaks_the_barrier<B: Backend>() -> Verdict {
    for point in ["barrier: entered, not counted", "barrier: counted", ASLEEP] {
        let name = unique("breaks");
        let barrier = SharedBarrier::<B>::create(&name, Barrier::new(4))?;
        let mut others = [waiting(pass::<B>, &name)?, waiting(pass::<B>, &name)?];
        let mut party = stopped_at(pass::<B>, &[&name, point])?;
        party.kill()?;
        let killed = Instant::now();
        for other in &mut others {
            expect_soon(other, "Disconnected", killed)?;
        }
        // And everybody who comes later.
        assert!(barrier.is_broken());
        assert_eq!(kind_of(barrier.wait()), ErrorKind::Disconnected, "{point}");
        assert_eq!(kind_of(barrier.wait_timeout(Duration::ZERO)), ErrorKind::Disconnected);
    }
    Ok(())
}

fn a_party_that_was_killed_while_it_waited_has_not_come<B: Backend>() -> Verdict {
    for point in ["barrier: counted", ASLEEP] {
        let name = unique("not-come");
        let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
        let mut party = stopped_at(pass::<B>, &[&name, point])?;
        party.kill()?;
        // Who would have been the last to come.
        assert_eq!(kind_of(barrier.wait_timeout(NOTICED)), ErrorKind::Disconnected, "{point}");
        assert!(barrier.is_broken());
    }
    Ok(())
}

fn a_round_is_complete_although_who_completed_it_was_killed<B: Backend>() -> Verdict {
    let name = unique("complete");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let mut others = [waiting(pass::<B>, &name)?, waiting(pass::<B>, &name)?];
    let mut last = stopped_at(pass::<B>, &[&name, "barrier: complete, not rung"])?;
    last.kill()?;
    let killed = Instant::now();
    for other in &mut others {
        expect_soon(other, "passed", killed)?;
    }
    // Nobody that waits has died, so it can be used as before.
    let [first, second] = &mut others;
    wait_again(first, ASLEEP)?;
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    wait_again(second, ASLEEP)?;
    assert!(barrier.wait_timeout(NOTICED)?.is_leader());
    first.expect("passed")?;
    second.expect("passed")?;
    Ok(())
}

fn a_round_is_complete_although_the_next_one_breaks<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("next");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let mut slow = waiting(pass::<B>, &name)?;
    signal("-STOP", slow.id())?;
    let mut other = waiting(pass::<B>, &name)?;
    assert!(barrier.wait_timeout(NOTICED)?.is_leader());
    other.expect("passed")?;
    let mut party = stopped_at(pass::<B>, &[&name, ASLEEP])?;
    party.kill()?;
    assert_eq!(kind_of(barrier.wait_timeout(NOTICED)), ErrorKind::Disconnected);
    signal("-CONT", slow.id())?;
    slow.expect("passed")?;
    Ok(())
}

fn a_party_that_joined_and_dies_before_it_comes_breaks_the_barrier<B: Backend>() -> Verdict {
    let name = unique("joined");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let mut joined = Peer::with_args(join_and_pass::<B>, [&name, ""])?;
    joined.expect("joined")?;
    let mut other = waiting(pass::<B>, &name)?;
    // As long as it lives there is nothing wrong.
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    joined.kill()?;
    expect_soon(&mut other, "Disconnected", Instant::now())?;
    assert_eq!(kind_of(barrier.wait()), ErrorKind::Disconnected);
    // It doesn't have to leave for a repair.
    barrier.repair();
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    Ok(())
}

fn a_party_that_has_left_may_die<B: Backend>() -> Verdict {
    let name = unique("left");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
    let mut party = Peer::with_args(join_and_leave::<B>, [&name])?;
    party.expect("left")?;
    party.kill()?;
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    assert!(!barrier.is_broken());
    Ok(())
}

fn those_who_join_do_not_hide_that_another_one_died<B: Backend>() -> Verdict {
    let name = unique("hidden");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
    let mut joined = Peer::with_args(join_and_pass::<B>, [&name, ""])?;
    joined.expect("joined")?;
    joined.kill()?;
    // Until there is no place left but that of the dead.
    let mut parties = Vec::new();
    while let Ok(party) = barrier.join() {
        parties.push(party);
        assert!(parties.len() < 1_000, "anybody can join");
    }
    drop(parties);
    assert_eq!(kind_of(barrier.wait_timeout(NOTICED)), ErrorKind::Disconnected);
    Ok(())
}

fn a_repaired_barrier_can_be_used_again<B: Backend>() -> Verdict {
    let name = unique("repaired");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let args = [&name, ASLEEP];
    let mut others = [Peer::with_args(pass::<B>, args)?, Peer::with_args(pass::<B>, args)?];
    for _ in 0..3 {
        for other in &mut others {
            wait_again(other, ASLEEP)?;
        }
        stopped_at(pass::<B>, &[&name, "barrier: entered, not counted"])?.kill()?;
        for other in &mut others {
            other.expect("Disconnected")?;
        }
        barrier.repair();
        assert!(!barrier.is_broken());
        for other in &mut others {
            wait_again(other, ASLEEP)?;
        }
        // There is nothing to repair any more, and nobody is disturbed.
        barrier.repair();
        assert!(barrier.wait_timeout(NOTICED)?.is_leader());
        for other in &mut others {
            other.expect("passed")?;
        }
    }
    Ok(())
}

fn who_waited_when_the_barrier_broke_learns_it_also_after_the_repair<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("learns");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let mut slow = waiting(pass::<B>, &name)?;
    signal("-STOP", slow.id())?;
    stopped_at(pass::<B>, &[&name, "barrier: entered, not counted"])?.kill()?;
    assert_eq!(kind_of(barrier.wait_timeout(NOTICED)), ErrorKind::Disconnected);
    barrier.repair();
    signal("-CONT", slow.id())?;
    expect_soon(&mut slow, "Disconnected", Instant::now())?;
    // It isn't counted in the new round.
    let mut other = waiting(pass::<B>, &name)?;
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    wait_again(&mut slow, ASLEEP)?;
    assert!(barrier.wait_timeout(NOTICED)?.is_leader());
    other.expect("passed")?;
    slow.expect("passed")?;
    Ok(())
}

fn a_barrier_can_be_repaired_before_anybody_noticed_the_death<B: Backend>() -> Verdict {
    let name = unique("unnoticed");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(2))?;
    stopped_at(pass::<B>, &[&name, ASLEEP])?.kill()?;
    barrier.repair();
    // Whether it was repaired or is broken now, the dead one hasn't come.
    let alone = kind_of(barrier.wait_timeout(SEVERAL_LOOKS));
    assert!([ErrorKind::TimedOut, ErrorKind::Disconnected].contains(&alone), "{alone:?}");
    barrier.repair();
    let mut other = waiting(pass::<B>, &name)?;
    assert!(barrier.wait_timeout(NOTICED)?.is_leader());
    other.expect("passed")?;
    Ok(())
}

fn a_stopped_party_does_not_break_the_barrier<B: Backend>() -> Verdict {
    needs_signals()?;
    let name = unique("stopped");
    let barrier = SharedBarrier::<B>::create(&name, Barrier::new(3))?;
    let mut waits = waiting(pass::<B>, &name)?;
    let mut comes = Peer::with_args(join_and_pass::<B>, [&name, ASLEEP])?;
    comes.expect("joined")?;
    for peer in [&waits, &comes] {
        signal("-STOP", peer.id())?;
    }
    assert_eq!(kind_of(barrier.wait_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    assert!(!barrier.is_broken());
    for peer in [&waits, &comes] {
        signal("-CONT", peer.id())?;
    }
    wait_again(&mut comes, ASLEEP)?;
    assert!(barrier.wait_timeout(NOTICED)?.is_leader());
    waits.expect("passed")?;
    comes.expect("passed")?;
    Ok(())
}

type SharedBarrier<B> = Shared<Barrier<B>, B>;

fn join_and_pass<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = SharedBarrier::<B>::open(stage.arg(0))?;
    let _party = barrier.join()?;
    stage.say("joined");
    pass::<B>(stage)
}

fn join_and_leave<B: Backend>(stage: &mut Stage) -> Verdict {
    let barrier = SharedBarrier::<B>::open(stage.arg(0))?;
    drop(barrier.join()?);
    stage.say("left");
    stage.wait_for_end_of_input();
    Ok(())
}
