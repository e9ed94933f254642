//! How long names live.

use super::kind_of;
use crate::{Actor, Backend, Peer, Stage, Verdict, actors, behaviours, is_wine, unique};
use std::time::Duration;
use strait::{
    ErrorKind, Lifetime,
    generic::{Shared, SharedMemory},
};

behaviours! {
    lifetime;
    a_name_ends_with_its_creator_and_the_memory_stays needs [NamedSegments],
    a_name_ends_with_the_last_that_has_it_open needs [NamedSegments],
    a_name_ends_with_the_last_also_if_that_one_only_reads needs [NamedSegments, ReadOnlyMappings],
    a_persistent_name_stays_until_it_is_removed needs [NamedSegments],
    a_name_of_the_last_survives_any_order_of_coming_and_going needs [NamedSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![come_and_go::<B>, create_persistent::<B>]
}

fn a_name_ends_with_its_creator_and_the_memory_stays<B: Backend>() -> Verdict {
    let name = unique("creator");
    let creator = SharedMemory::<B>::create(&name, 64)?;
    let opener = SharedMemory::<B>::open(&name)?;
    creator.write(0, b"kept")?;
    drop(creator);
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    let mut kept = [0; 4];
    opener.read(0, &mut kept)?;
    assert_eq!(&kept, b"kept");
    // What comes next under the name is something else.
    let next = SharedMemory::<B>::create(&name, 64)?;
    next.read(0, &mut kept)?;
    assert_eq!(kept, [0; 4]);
    Ok(())
}

fn a_name_ends_with_the_last_that_has_it_open<B: Backend>() -> Verdict {
    let name = unique("last");
    let options = SharedMemory::<B>::options().len(64).lifetime(Lifetime::LastDetach);
    let first = options.create(&name)?;
    let second = SharedMemory::<B>::open(&name)?;
    drop(first);
    let third = SharedMemory::<B>::open(&name)?;
    drop(second);
    drop(SharedMemory::<B>::open(&name)?);
    drop(third);
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn a_name_ends_with_the_last_also_if_that_one_only_reads<B: Backend>() -> Verdict {
    let name = unique("reader");
    let writer = SharedMemory::<B>::open_or_create(&name, 64)?;
    let reader = SharedMemory::<B>::options().read_only().open(&name)?;
    drop(writer);
    drop(SharedMemory::<B>::open(&name)?);
    drop(reader);
    // Removed, and not only stale, which opening would hide.
    assert_eq!(kind_of(SharedMemory::<B>::remove(&name)), ErrorKind::NotFound);
    Ok(())
}

fn a_persistent_name_stays_until_it_is_removed<B: Backend>() -> Verdict {
    let name = unique("persistent");
    let mut peer = Peer::with_args(create_persistent::<B>, [&name])?;
    peer.expect("created")?;
    peer.kill()?;
    let mut bytes = [0; 7];
    SharedMemory::<B>::open(&name)?.read(0, &mut bytes)?;
    assert_eq!(&bytes, b"durable");
    assert_eq!(kind_of(SharedMemory::<B>::create(&name, 64)), ErrorKind::AlreadyExists);
    SharedMemory::<B>::remove(&name)?;
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn create_persistent<B: Backend>(stage: &mut Stage) -> Verdict {
    let options = SharedMemory::<B>::options().len(64).lifetime(Lifetime::Persistent);
    options.create(stage.arg(0))?.write(0, b"durable")?;
    stage.say("created");
    stage.wait_for_end_of_input();
    Ok(())
}

type Value = [u64; 512];

fn a_name_of_the_last_survives_any_order_of_coming_and_going<B: Backend>() -> Verdict {
    let name = unique("churn");
    let mut peers = (0..6)
        .map(|number| Peer::with_args(come_and_go::<B>, [name.clone(), number.to_string()]))
        .collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.set_deadline(Duration::from_secs(100));
    }
    // Two of them don't get to the end.
    for peer in &mut peers[..2] {
        peer.expect("half")?;
        peer.kill()?;
    }
    for mut peer in peers.into_iter().skip(2) {
        peer.expect("half")?;
        peer.expect("done")?;
        peer.finish()?;
    }
    assert_eq!(kind_of(Shared::<Value, B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn come_and_go<B: Backend>(stage: &mut Stage) -> Verdict {
    // What a name costs there is a hundred times as much.
    let rounds = if is_wine() { 100 } else { 1500 };
    let mine: u64 = stage.arg(1).parse()?;
    for round in 0..rounds {
        if round == rounds / 2 {
            stage.say("half");
        }
        let value = Shared::<Value, B>::open_or_create(stage.arg(0), || [mine; 512])?;
        assert!(value.iter().all(|&word| word == value[0]), "a mixture of two segments");
    }
    stage.say("done");
    stage.wait_for_end_of_input();
    Ok(())
}
