//! Names whose creator was killed.

use super::{kind_of, race, segment::create_when_told, signal};
use crate::{Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, unique};
use strait::{
    ErrorKind, Lifetime,
    generic::{Shared, SharedMemory},
};

behaviours! {
    stale;
    no_opener_sees_an_unready_segment_while_creators_are_killed needs [NamedSegments, StaleNames],
    a_stale_name_is_reclaimed_by_create needs [NamedSegments, StaleNames],
    a_stale_name_is_reclaimed_by_open_or_create needs [NamedSegments, StaleNames],
    a_stale_name_is_not_found_by_open needs [NamedSegments, StaleNames],
    a_name_is_stale_when_the_last_of_those_attached_was_killed needs [NamedSegments, StaleNames],
    a_live_name_is_not_reclaimed needs [NamedSegments, StaleNames],
    a_live_name_is_not_reclaimed_while_its_owner_is_stopped needs [NamedSegments, StaleNames],
    one_of_16_processes_reclaims_a_stale_name needs [NamedSegments, StaleNames],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![hold::<B>, create_again_and_again::<B>]
}

/// As long as a page, so that a part of it would show.
type Pattern = [u64; 1024];
const PATTERN: Pattern = [0x5555_aaaa_5555_aaaa; 1024];

fn no_opener_sees_an_unready_segment_while_creators_are_killed<B: Backend>() -> Verdict {
    let name = unique("unready");
    let mut seen = 0;
    for round in 0..60_u32 {
        let mut peer = Peer::with_args(create_again_and_again::<B>, [&name])?;
        peer.expect("ready")?;
        // As many looks as make the kill fall somewhere else each time.
        for _ in 0..100 + 37 * (round % 16) {
            match Shared::<Pattern, B>::open(&name) {
                Ok(value) => {
                    seen += 1;
                    assert!(*value == PATTERN, "a part of a segment was seen");
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        peer.kill()?;
    }
    assert!(seen > 0, "no opener ever found anything");
    Shared::<Pattern, B>::create(&name, PATTERN)?;
    Ok(())
}

fn create_again_and_again<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    loop {
        let value = Shared::<Pattern, B>::create(stage.arg(0), PATTERN)?;
        // Time for the opener to find it, where there are fewer processors than processes.
        std::thread::yield_now();
        drop(value);
    }
}

fn a_stale_name_is_reclaimed_by_create<B: Backend>() -> Verdict {
    let name = stale_name::<B>("create", "creator")?;
    let memory = SharedMemory::<B>::create(&name, 100)?;
    let mut bytes = [9; 100];
    memory.read(0, &mut bytes)?;
    assert_eq!(bytes, [0; 100]);
    Ok(())
}

fn a_stale_name_is_reclaimed_by_open_or_create<B: Backend>() -> Verdict {
    let name = stale_name::<B>("or-create", "creator")?;
    // Of another length, which what is stale doesn't stand in the way of.
    assert_eq!(SharedMemory::<B>::open_or_create(&name, 100)?.len(), 100);
    Ok(())
}

fn a_stale_name_is_not_found_by_open<B: Backend>() -> Verdict {
    let name = stale_name::<B>("open", "creator")?;
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(SharedMemory::<B>::remove(&name)), ErrorKind::NotFound);
    Ok(())
}

fn a_name_is_stale_when_the_last_of_those_attached_was_killed<B: Backend>() -> Verdict {
    let name = unique("attached");
    let mut peers = [
        Peer::with_args(hold::<B>, [name.as_str(), "last"])?,
        Peer::with_args(hold::<B>, [name.as_str(), "last"])?,
    ];
    for peer in &mut peers {
        peer.expect("holding")?;
    }
    peers[0].kill()?;
    drop(SharedMemory::<B>::open(&name)?);
    peers[1].kill()?;
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    SharedMemory::<B>::create(&name, 64)?;
    Ok(())
}

fn a_live_name_is_not_reclaimed<B: Backend>() -> Verdict {
    let name = unique("live");
    let mut peer = Peer::with_args(hold::<B>, [name.as_str(), "creator"])?;
    peer.expect("holding")?;
    assert_eq!(kind_of(SharedMemory::<B>::create(&name, 4096)), ErrorKind::AlreadyExists);
    assert_eq!(held::<B>(&name)?, [7]);
    Ok(peer.finish()?)
}

fn a_live_name_is_not_reclaimed_while_its_owner_is_stopped<B: Backend>() -> Verdict {
    if !crate::is_linux() {
        return crate::unavailable("no command here stops a process");
    }
    let name = unique("stopped");
    let mut peer = Peer::with_args(hold::<B>, [name.as_str(), "creator"])?;
    peer.expect("holding")?;
    signal("-STOP", peer.id())?;
    assert_eq!(kind_of(SharedMemory::<B>::create(&name, 4096)), ErrorKind::AlreadyExists);
    assert_eq!(held::<B>(&name)?, [7]);
    signal("-CONT", peer.id())?;
    Ok(peer.finish()?)
}

fn one_of_16_processes_reclaims_a_stale_name<B: Backend>() -> Verdict {
    for _ in 0..5 {
        let name = stale_name::<B>("race", "creator")?;
        let said = ("created", "AlreadyExists");
        let (winners, peers) = race(16, create_when_told::<B>, &name, said)?;
        assert_eq!(winners, 1);
        for peer in peers {
            peer.finish()?;
        }
    }
    Ok(())
}

fn hold<B: Backend>(stage: &mut Stage) -> Verdict {
    let options = SharedMemory::<B>::options().len(4096);
    let memory = match stage.arg(1) {
        "last" => options.lifetime(Lifetime::LastDetach).open_or_create(stage.arg(0))?,
        _ => options.create(stage.arg(0))?,
    };
    memory.write(0, &[7])?;
    stage.say("holding");
    stage.wait_for_end_of_input();
    Ok(())
}

/// A name whose holder was killed.
fn stale_name<B: Backend>(label: &str, lifetime: &str) -> Result<String, Failure> {
    let name = unique(label);
    let mut peer = Peer::with_args(hold::<B>, [name.as_str(), lifetime])?;
    peer.expect("holding")?;
    peer.kill()?;
    Ok(name)
}

/// What a holder wrote.
fn held<B: Backend>(name: &str) -> Result<[u8; 1], Failure> {
    let mut byte = [0];
    SharedMemory::<B>::open(name)?.read(0, &mut byte)?;
    Ok(byte)
}
