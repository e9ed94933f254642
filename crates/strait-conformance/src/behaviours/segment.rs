//! Creating and opening named shared memory.

use super::{error_of, kind_of, race};
use crate::{
    Actor, Backend, Peer, Stage, Verdict, actors, behaviours, fixtures::impossible_lengths, unique,
};
use strait::{
    ErrorKind,
    generic::{Shared, SharedMemory},
};

behaviours! {
    segment;
    create_is_exclusive_among_64_processes needs [NamedSegments],
    open_or_create_gives_all_of_16_processes_the_same_memory needs [NamedSegments],
    what_does_not_exist_is_not_found needs [NamedSegments],
    an_invalid_name_is_refused needs [NamedSegments],
    a_length_of_zero_is_refused needs [NamedSegments],
    a_length_beyond_memory_is_an_error_at_creation needs [NamedSegments, Reservation],
    the_longest_name_and_any_script_work needs [NamedSegments],
    names_that_differ_are_different_memory needs [NamedSegments],
    another_length_or_kind_is_a_mismatch needs [NamedSegments],
    a_removed_name_can_be_created_again needs [NamedSegments],
    two_owners_never_unlink_each_others_segment needs [NamedSegments],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![create_when_told::<B>, count_in::<B>]
}

fn create_is_exclusive_among_64_processes<B: Backend>() -> Verdict {
    let said = ("created", "AlreadyExists");
    let (winners, peers) = race(64, create_when_told::<B>, &unique("exclusive"), said)?;
    assert_eq!(winners, 1);
    for peer in peers {
        peer.finish()?;
    }
    Ok(())
}

pub(super) fn create_when_told<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("ready");
    stage.expect("go")?;
    let created = SharedMemory::<B>::create(stage.arg(0), 4096);
    match &created {
        Ok(_) => stage.say("created"),
        Err(error) => stage.say(format!("{:?}", error.kind())),
    }
    stage.wait_for_end_of_input();
    Ok(())
}

fn open_or_create_gives_all_of_16_processes_the_same_memory<B: Backend>() -> Verdict {
    let name = unique("same");
    let mut peers =
        (0..16).map(|_| Peer::with_args(count_in::<B>, [&name])).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("counted")?;
    }
    let memory = SharedMemory::<B>::open_or_create(&name, 4096)?;
    assert_eq!(memory.atomic_u64(8)?.load(std::sync::atomic::Ordering::SeqCst), 16);
    for peer in peers {
        peer.finish()?;
    }
    drop(memory);
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn count_in<B: Backend>(stage: &mut Stage) -> Verdict {
    let memory = SharedMemory::<B>::open_or_create(stage.arg(0), 4096)?;
    memory.atomic_u64(8)?.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    stage.say("counted");
    stage.wait_for_end_of_input();
    Ok(())
}

fn what_does_not_exist_is_not_found<B: Backend>() -> Verdict {
    let name = unique("absent");
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(SharedMemory::<B>::remove(&name)), ErrorKind::NotFound);
    assert_eq!(kind_of(Shared::<u64, B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn an_invalid_name_is_refused<B: Backend>() -> Verdict {
    for name in ["", "..", "../x", "a/../../b", "/etc", "a b", "a\0b", "a\nb", &"x".repeat(201)] {
        assert_eq!(
            kind_of(SharedMemory::<B>::create(name, 1)),
            ErrorKind::InvalidInput,
            "{name:?}"
        );
        assert_eq!(kind_of(SharedMemory::<B>::open(name)), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(kind_of(SharedMemory::<B>::remove(name)), ErrorKind::InvalidInput, "{name:?}");
    }
    Ok(())
}

fn a_length_of_zero_is_refused<B: Backend>() -> Verdict {
    let name = unique("zero");
    assert_eq!(kind_of(SharedMemory::<B>::create(&name, 0)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(SharedMemory::<B>::open_or_create(&name, 0)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(SharedMemory::<B>::options().create(&name)), ErrorKind::InvalidInput);
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    Ok(())
}

fn a_length_beyond_memory_is_an_error_at_creation<B: Backend>() -> Verdict {
    let name = unique("beyond");
    for len in impossible_lengths() {
        let error = error_of(SharedMemory::<B>::create(&name, len));
        assert_eq!(error.kind(), ErrorKind::OutOfMemory, "{len}: {error}");
        assert!(error.to_string().contains("bytes"), "the message has no figure: {error}");
        assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    }
    // Nothing was left behind that stands in the way.
    SharedMemory::<B>::create(&name, 4096)?;
    Ok(())
}

fn the_longest_name_and_any_script_work<B: Backend>() -> Verdict {
    let unique = unique("name");
    let padding = 200 - unique.len() - 1;
    let longest = format!("{unique}/{}", "x".repeat(padding));
    for name in [longest, format!("{unique}/größe/данные/データ.7_-")] {
        let memory = SharedMemory::<B>::create(&name, 64)?;
        memory.write(0, b"here")?;
        let mut here = [0; 4];
        SharedMemory::<B>::open(&name)?.read(0, &mut here)?;
        assert_eq!(&here, b"here", "{name}");
        assert_eq!(memory.name().map(|name| name.as_str()), Some(name.as_str()));
    }
    Ok(())
}

fn names_that_differ_are_different_memory<B: Backend>() -> Verdict {
    let name = unique("differ");
    let names = [name.clone(), format!("{name}/a"), format!("{name}.a"), format!("{name}-a")];
    let all = names
        .iter()
        .map(|name| SharedMemory::<B>::create(name, 64))
        .collect::<Result<Vec<_>, _>>()?;
    for (number, memory) in all.iter().enumerate() {
        memory.write(0, &[number as u8 + 1])?;
    }
    for (number, name) in names.iter().enumerate() {
        let mut byte = [0];
        SharedMemory::<B>::open(name)?.read(0, &mut byte)?;
        assert_eq!(byte[0], number as u8 + 1);
    }
    Ok(())
}

fn another_length_or_kind_is_a_mismatch<B: Backend>() -> Verdict {
    let name = unique("mismatch");
    let _memory = SharedMemory::<B>::create(&name, 4096)?;
    let other = SharedMemory::<B>::open_or_create(&name, 4097);
    assert_eq!(kind_of(other), ErrorKind::TypeMismatch);
    assert_eq!(kind_of(Shared::<u64, B>::open(&name)), ErrorKind::TypeMismatch);
    assert_eq!(SharedMemory::<B>::open_or_create(&name, 4096)?.len(), 4096);
    Ok(())
}

fn a_removed_name_can_be_created_again<B: Backend>() -> Verdict {
    let name = unique("removed");
    let first = SharedMemory::<B>::create(&name, 4096)?;
    first.write(0, &[1])?;
    SharedMemory::<B>::remove(&name)?;
    assert_eq!(kind_of(SharedMemory::<B>::open(&name)), ErrorKind::NotFound);
    let second = SharedMemory::<B>::create(&name, 4096)?;
    let (mut old, mut new) = ([9], [9]);
    first.read(0, &mut old)?;
    second.read(0, &mut new)?;
    assert_eq!((old, new), ([1], [0]));
    Ok(())
}

fn two_owners_never_unlink_each_others_segment<B: Backend>() -> Verdict {
    let name = unique("owners");
    for _ in 0..100 {
        let first = SharedMemory::<B>::create(&name, 64)?;
        SharedMemory::<B>::remove(&name)?;
        let second = SharedMemory::<B>::create(&name, 64)?;
        second.write(0, &[2])?;
        // The first owner's name is long gone, and the second's isn't its business.
        drop(first);
        let mut byte = [0];
        SharedMemory::<B>::open(&name)?.read(0, &mut byte)?;
        assert_eq!(byte, [2]);
    }
    Ok(())
}
