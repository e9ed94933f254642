//! A value that is written once, although who writes it may die.

use super::{
    kind_of,
    waiting::{NOTICED, PATIENCE, act_when_told, stopped_at, waiting_with},
};
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    array,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{OnceLock, Shared},
};

behaviours! {
    once_lock;
    all_of_8_processes_get_the_value_of_one_of_them needs [NamedSegments, WaitAddress, Seats],
    a_value_is_there_from_when_it_is_set needs [NamedSegments, WaitAddress, Seats],
    where_a_process_is_killed_before_the_value_is_there_the_next_one_makes_it needs [NamedSegments, WaitAddress, Seats],
    where_making_the_value_panics_the_next_one_makes_it needs [NamedSegments, WaitAddress, Seats],
    who_makes_the_value_while_it_makes_it_is_told_of_the_deadlock needs [NamedSegments, WaitAddress, Seats],
    waiting_for_the_value_ends_at_the_deadline needs [NamedSegments, WaitAddress, Seats],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![make_all::<B>, make::<B>, make_until_told::<B>]
}

/// As large as that others could see a part of it.
type Large = [u32; 256];
const ROUNDS: usize = 50;
type All<B> = Shared<[OnceLock<Large, B>; ROUNDS], B>;

fn all_of_8_processes_get_the_value_of_one_of_them<B: Backend>() -> Verdict {
    let name = unique("8");
    let values = All::<B>::create(&name, array::from_fn(|_| OnceLock::new()))?;
    let start = |_| Peer::with_args(make_all::<B>, [&name]);
    let mut peers = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("ready")?;
    }
    for peer in &peers {
        peer.tell("go");
    }
    let mut said = Vec::new();
    for peer in &mut peers {
        said.push(peer.hear()?);
    }
    let owners: Vec<u32> = values.iter().filter_map(|value| Some(value.get()?[0])).collect();
    assert_eq!(owners.len(), ROUNDS);
    let owners = format!("{owners:?}");
    assert!(said.iter().all(|said| *said == owners), "{said:?}");
    Ok(())
}

fn make_all<B: Backend>(stage: &mut Stage) -> Verdict {
    let values = All::<B>::open(stage.arg(0))?;
    stage.say("ready");
    stage.expect("go")?;
    let mut owners = Vec::new();
    let end = Instant::now() + PATIENCE;
    for value in values.iter() {
        let value = value.get_or_init_deadline(end, || [process::id(); 256])?;
        assert!(value.iter().all(|word| *word == value[0]), "a part of a value was seen");
        owners.push(value[0]);
    }
    stage.say(format!("{owners:?}"));
    Ok(())
}

fn a_value_is_there_from_when_it_is_set<B: Backend>() -> Verdict {
    let name = unique("set");
    let value = SharedValue::<B>::create(&name, OnceLock::new())?;
    assert_eq!(value.get(), None);
    let mut peer = Peer::with_args(make::<B>, [&name, "", "7"])?;
    peer.tell("begin");
    peer.expect("7")?;
    assert_eq!(value.get(), Some(&7));
    assert_eq!(*value.get_or_init(|| unreachable!("it is there"))?, 7);
    assert_eq!(kind_of(value.set(8)), ErrorKind::AlreadyExists);
    let other = SharedValue::<B>::create(unique("set"), OnceLock::new())?;
    other.set(9)?;
    assert_eq!(kind_of(other.set(8)), ErrorKind::AlreadyExists);
    assert_eq!((other.get(), other.get_or_init(|| 8)?), (Some(&9), &9));
    // Also where it is all zeros.
    let zero = SharedValue::<B>::create(unique("set"), OnceLock::new())?;
    zero.set(0)?;
    assert_eq!(zero.get(), Some(&0));
    Ok(())
}

fn where_a_process_is_killed_before_the_value_is_there_the_next_one_makes_it<B: Backend>() -> Verdict
{
    for point in ["once lock: written", "once: done, not said"] {
        let name = unique("killed");
        let value = SharedValue::<B>::create(&name, OnceLock::new())?;
        let mut killed = stopped_at(make::<B>, &[&name, point, "7"])?;
        let mut others =
            [waiting_with(make::<B>, &name, "8")?, waiting_with(make::<B>, &name, "9")?];
        assert_eq!(value.get(), None);
        killed.kill()?;
        let since = Instant::now();
        let said = [others[0].hear()?, others[1].hear()?];
        let took = since.elapsed();
        assert!(took < NOTICED, "{took:?}");
        assert!(said[0] == said[1] && ["8", "9"].contains(&said[0].as_str()), "{said:?}");
        assert_eq!(value.get().map(u64::to_string).as_ref(), Some(&said[0]));
    }
    Ok(())
}

fn where_making_the_value_panics_the_next_one_makes_it<B: Backend>() -> Verdict {
    let value = SharedValue::<B>::create(unique("panics"), OnceLock::new())?;
    // Without what a panic prints.
    let panics = || value.get_or_init(|| resume_unwind(Box::new(()))).map(drop);
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(value.get(), None);
    assert_eq!(*value.get_or_init_deadline(NOTICED, || 2)?, 2);
    Ok(())
}

fn who_makes_the_value_while_it_makes_it_is_told_of_the_deadlock<B: Backend>() -> Verdict {
    let value = SharedValue::<B>::create(unique("deadlock"), OnceLock::new())?;
    let mut kinds = Vec::new();
    value.get_or_init(|| {
        kinds.push(kind_of(value.get_or_init_deadline(NOTICED, || unreachable!("it is at it"))));
        if kinds == [ErrorKind::Deadlock] {
            kinds.push(kind_of(value.get_or_init(|| unreachable!("it is at it"))));
            kinds.push(kind_of(value.set(1)));
        }
        3
    })?;
    assert_eq!(kinds, [ErrorKind::Deadlock; 3]);
    assert_eq!(value.get(), Some(&3));
    Ok(())
}

fn waiting_for_the_value_ends_at_the_deadline<B: Backend>() -> Verdict {
    let name = unique("deadline");
    let value = SharedValue::<B>::create(&name, OnceLock::new())?;
    let mut peer = Peer::with_args(make_until_told::<B>, [&name])?;
    peer.expect("at it")?;
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        let begin = Instant::now();
        let result = value.get_or_init_deadline(timeout, || unreachable!("another one is at it"));
        assert_eq!(kind_of(result), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
        assert_eq!(value.get(), None);
    }
    peer.tell("go on");
    peer.expect("made it")?;
    assert_eq!(*value.get_or_init_deadline(Duration::ZERO, || unreachable!("it is there"))?, 5);
    Ok(())
}

type SharedValue<B> = Shared<OnceLock<u64, B>, B>;

/// Makes the value that is its third argument, unless it is there; and says which one it is.
fn make<B: Backend>(stage: &mut Stage) -> Verdict {
    let value = SharedValue::<B>::open(stage.arg(0))?;
    let mine: u64 = stage.arg(2).parse()?;
    act_when_told(stage, |_| Ok(*value.get_or_init_deadline(PATIENCE, || mine)?));
    Ok(())
}

fn make_until_told<B: Backend>(stage: &mut Stage) -> Verdict {
    let value = SharedValue::<B>::open(stage.arg(0))?;
    value.get_or_init(|| {
        stage.say("at it");
        stage.hear();
        5
    })?;
    stage.say("made it");
    Ok(())
}
