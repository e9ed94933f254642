//! Values that processes share.

use super::kind_of;
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, unique};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Lifetime,
    generic::{Options, Shared},
};

behaviours! {
    shared;
    a_shared_value_is_one_value needs [NamedSegments],
    a_value_of_another_type_is_refused needs [NamedSegments],
    the_first_initialises_and_the_others_find_it needs [NamedSegments],
    a_value_that_exists_is_not_created_again needs [NamedSegments],
    a_persistent_value_is_found_again needs [NamedSegments],
    exactly_one_of_16_processes_runs_init needs [NamedSegments],
    where_a_process_is_killed_in_init_the_next_one_runs_it needs [NamedSegments],
    where_init_panics_the_next_one_runs_it needs [NamedSegments],
    init_that_asks_for_itself_is_a_deadlock needs [NamedSegments],
    waiting_for_init_ends_at_the_deadline needs [NamedSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![count_inits::<B>, stop_in_init::<B>, init_next::<B>]
}

fn a_shared_value_is_one_value<B: Backend>() -> Verdict {
    let name = unique("value");
    let one = Shared::<[AtomicU64; 3], B>::create(&name, [0, 1, 2].map(AtomicU64::new))?;
    let other = Shared::<[AtomicU64; 3], B>::open(&name)?;
    other[2].fetch_add(40, Ordering::Relaxed);
    assert_eq!(one[2].load(Ordering::Relaxed), 42);
    assert_eq!(one[0].load(Ordering::Relaxed), 0);
    Ok(())
}

fn a_value_of_another_type_is_refused<B: Backend>() -> Verdict {
    let name = unique("type");
    let _value = Shared::<AtomicU32, B>::create(&name, AtomicU32::new(7))?;
    let kinds = [
        kind_of(Shared::<u32, B>::open(&name)),
        kind_of(Shared::<AtomicI32, B>::open(&name)),
        kind_of(Shared::<AtomicU64, B>::open(&name)),
        kind_of(Shared::<[AtomicU32; 1], B>::open(&name)),
        kind_of(strait::generic::SharedMemory::<B>::open(&name)),
    ];
    assert_eq!(kinds, [ErrorKind::TypeMismatch; 5]);
    Ok(())
}

fn the_first_initialises_and_the_others_find_it<B: Backend>() -> Verdict {
    let name = unique("first");
    let first = Shared::<u64, B>::open_or_create(&name, || 1)?;
    let second = Shared::<u64, B>::open_or_create(&name, || 2)?;
    assert_eq!((*first, *second), (1, 1));
    Ok(())
}

fn a_value_that_exists_is_not_created_again<B: Backend>() -> Verdict {
    let name = unique("again");
    let value = Shared::<u64, B>::create(&name, 1)?;
    assert_eq!(kind_of(Shared::<u64, B>::create(&name, 2)), ErrorKind::AlreadyExists);
    assert_eq!(*value, 1);
    Ok(())
}

fn a_persistent_value_is_found_again<B: Backend>() -> Verdict {
    let name = unique("kept");
    let options = Options::<B>::new().lifetime(Lifetime::Persistent);
    drop(options.create_shared(&name, 5_u64)?);
    assert_eq!(*Shared::<u64, B>::open(&name)?, 5);
    Ok(strait::generic::SharedMemory::<B>::remove(&name)?)
}

fn exactly_one_of_16_processes_runs_init<B: Backend>() -> Verdict {
    for _ in 0..5 {
        let (name, counter) = (unique("inits"), unique("inits-count"));
        let count = Shared::<AtomicU32, B>::create(&counter, AtomicU32::new(0))?;
        let start = |_| Peer::with_args(count_inits::<B>, [&name, &counter]);
        let mut peers = (0..16).map(start).collect::<Result<Vec<_>, _>>()?;
        for peer in &mut peers {
            peer.expect("ready")?;
        }
        for peer in &peers {
            peer.tell("go");
        }
        for peer in &mut peers {
            peer.expect("found 1")?;
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        peers.into_iter().try_for_each(Peer::finish)?;
    }
    Ok(())
}

fn count_inits<B: Backend>(stage: &mut Stage) -> Verdict {
    let count = Shared::<AtomicU32, B>::open(stage.arg(1))?;
    stage.say("ready");
    stage.expect("go")?;
    let number = || u64::from(count.fetch_add(1, Ordering::Relaxed)) + 1;
    let value = Shared::<u64, B>::open_or_create(stage.arg(0), number)?;
    stage.say(format!("found {}", *value));
    // As long as it is open nobody creates it anew.
    stage.wait_for_end_of_input();
    Ok(())
}

fn where_a_process_is_killed_in_init_the_next_one_runs_it<B: Backend>() -> Verdict {
    for _ in 0..10 {
        let name = unique("killed");
        let mut first = Peer::with_args(stop_in_init::<B>, [&name])?;
        first.expect("in init")?;
        assert_eq!(kind_of(Shared::<u64, B>::open(&name)), ErrorKind::NotFound);
        let mut others =
            [Peer::with_args(init_next::<B>, [&name])?, Peer::with_args(init_next::<B>, [&name])?];
        for other in &mut others {
            other.expect("waiting")?;
        }
        first.kill()?;
        let said = [others[0].hear()?, others[1].hear()?];
        let ran = said.iter().filter(|said| *said == "ran init").count();
        assert_eq!(ran, 1, "{said:?}");
        assert_eq!(*Shared::<u64, B>::open(&name)?, 2);
        others.into_iter().try_for_each(Peer::finish)?;
    }
    Ok(())
}

fn stop_in_init<B: Backend>(stage: &mut Stage) -> Verdict {
    let name = stage.arg(0).to_owned();
    Shared::<u64, B>::open_or_create(name, || {
        stage.say("in init");
        stage.wait_for_end_of_input();
        1
    })?;
    Ok(())
}

fn init_next<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("waiting");
    let mut ran = "found it";
    let value = Shared::<u64, B>::open_or_create(stage.arg(0), || {
        ran = "ran init";
        2
    })?;
    assert_eq!(*value, 2);
    stage.say(ran);
    stage.wait_for_end_of_input();
    Ok(())
}

fn where_init_panics_the_next_one_runs_it<B: Backend>() -> Verdict {
    let name = unique("panics");
    // Without what a panic prints.
    let panics = || Shared::<u64, B>::open_or_create(&name, || resume_unwind(Box::new(())));
    if let Ok(returned) = catch_unwind(AssertUnwindSafe(panics)) {
        returned?;
        return Err("nobody heard of the panic".into());
    }
    assert_eq!(*Shared::<u64, B>::open_or_create(&name, || 2)?, 2);
    Ok(())
}

fn init_that_asks_for_itself_is_a_deadlock<B: Backend>() -> Verdict {
    let (name, other) = (unique("itself"), unique("other"));
    let mut kind = None;
    let value = Shared::<u64, B>::open_or_create(&name, || {
        kind = Some(kind_of(Shared::<u64, B>::open_or_create(&name, || 1)));
        // Another one is none.
        Shared::<u64, B>::open_or_create(&other, || 5).map_or(0, |other| *other)
    })?;
    assert_eq!((kind, *value), (Some(ErrorKind::Deadlock), 5));
    Ok(())
}

fn waiting_for_init_ends_at_the_deadline<B: Backend>() -> Verdict {
    let name = unique("deadline");
    let mut first = Peer::with_args(stop_in_init::<B>, [&name])?;
    first.expect("in init")?;
    let timeout = Duration::from_millis(30);
    let options = Options::<B>::new().timeout(timeout);
    let begin = Instant::now();
    assert_eq!(kind_of(options.open_or_create_shared(&name, || 2_u64)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= timeout);
    first.finish()?;
    assert_eq!(*options.open_or_create_shared(&name, || 2_u64)?, 2);
    Ok(())
}
