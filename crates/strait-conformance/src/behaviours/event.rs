//! Events that processes wait for.

use super::{kind_of, locking::wait_until_asleep};
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, kill_point, unique,
    wait_until,
};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Mapping, Name,
    backend::Segment,
    generic::{Event, Shared},
};
use strait_protocol::{Header, shared};

behaviours! {
    event;
    setting_lets_waiters_through needs [NamedSegments, WaitAddress],
    an_auto_reset_event_lets_one_through_each_time needs [NamedSegments, WaitAddress],
    waiting_ends_at_the_deadline needs [NamedSegments, WaitAddress],
    no_event_is_lost_in_20_000_round_trips needs [NamedSegments, WaitAddress],
    a_killed_waiter_takes_nobodys_event needs [NamedSegments, WaitAddress],
    one_that_is_killed_before_it_wakes_delays_nobody_for_long needs [NamedSegments, WaitAddress],
    whatever_a_peer_writes_into_an_event_waiting_ends needs [NamedSegments, WaitAddress],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![wait::<B>, answer::<B>, set_and_stop::<B>]
}

fn setting_lets_waiters_through<B: Backend>() -> Verdict {
    let event = SharedEvent::<B>::create(unique("manual"), Event::manual_reset())?;
    assert!(!event.is_set() && !event.try_wait());
    event.set();
    event.set();
    assert!(event.is_set() && event.try_wait() && event.try_wait());
    event.wait()?;
    event.reset();
    assert!(!event.is_set() && !event.try_wait());
    let (event, mut peers) = waiters::<B>("all", Event::manual_reset(), 4)?;
    event.set();
    for peer in &mut peers {
        peer.expect("through")?;
    }
    Ok(())
}

fn an_auto_reset_event_lets_one_through_each_time<B: Backend>() -> Verdict {
    let event = SharedEvent::<B>::create(unique("auto"), Event::auto_reset())?;
    event.set();
    event.set();
    assert!(event.try_wait() && !event.try_wait());
    let (event, mut peers) = waiters::<B>("one", Event::auto_reset(), 4)?;
    for _ in 0..peers.len() {
        event.set();
        // Taken by one of them, before it is set again.
        wait_until("somebody is let through", || !event.is_set())?;
    }
    for peer in &mut peers {
        peer.expect("through")?;
    }
    assert!(!event.try_wait());
    Ok(())
}

fn waiting_ends_at_the_deadline<B: Backend>() -> Verdict {
    let event = SharedEvent::<B>::create(unique("deadline"), Event::auto_reset())?;
    for timeout in [Duration::ZERO, Duration::from_micros(10), Duration::from_millis(30)] {
        let begin = Instant::now();
        assert_eq!(kind_of(event.wait_timeout(timeout)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= timeout);
    }
    // Who gave up leaves the event as it was.
    event.set();
    event.wait_timeout(Duration::ZERO)?;
    Ok(())
}

const ROUND_TRIPS: u32 = 20_000;

fn no_event_is_lost_in_20_000_round_trips<B: Backend>() -> Verdict {
    let name = unique("round-trips");
    let both = || [Event::auto_reset(), Event::auto_reset()];
    let events = Shared::<[Event<B>; 2], B>::open_or_create(&name, both)?;
    let mut peer = Peer::with_args(answer::<B>, [&name])?;
    peer.set_deadline(Duration::from_secs(100));
    for _ in 0..ROUND_TRIPS {
        events[0].set();
        events[1].wait_timeout(PATIENCE)?;
    }
    Ok(peer.finish()?)
}

fn answer<B: Backend>(stage: &mut Stage) -> Verdict {
    let events = Shared::<[Event<B>; 2], B>::open(stage.arg(0))?;
    for _ in 0..ROUND_TRIPS {
        events[0].wait_timeout(PATIENCE)?;
        events[1].set();
    }
    Ok(())
}

fn a_killed_waiter_takes_nobodys_event<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let (event, mut peers) = waiters::<B>("killed", Event::auto_reset(), 2)?;
        peers[0].kill()?;
        event.set();
        peers[1].expect("through")?;
    }
    Ok(())
}

fn one_that_is_killed_before_it_wakes_delays_nobody_for_long<B: Backend>() -> Verdict {
    for event in [Event::auto_reset as fn() -> Event<B>, Event::manual_reset] {
        let (event, mut peers) = waiters::<B>("not-woken", event(), 1)?;
        // Otherwise there is nobody to be woken.
        wait_until_asleep(&peers[0])?;
        let mut setter = Peer::with_args(set_and_stop::<B>, [event.name()])?;
        setter.expect("at event: set, nobody woken")?;
        setter.kill()?;
        peers[0].expect("through")?;
    }
    Ok(())
}

fn set_and_stop<B: Backend>(stage: &mut Stage) -> Verdict {
    let event = SharedEvent::<B>::open(stage.arg(0))?;
    kill_point::arm("event: set, nobody woken");
    event.set();
    Ok(())
}

fn whatever_a_peer_writes_into_an_event_waiting_ends<B: Backend>() -> Verdict {
    for value in [0, 2, 3, 7, u32::MAX] {
        let name = unique("scribbled");
        let event = SharedEvent::<B>::create(&name, Event::auto_reset())?;
        let memory = B::Segment::open(&Name::new(&name)?, None, Mapping::ReadWrite)?;
        for word in 0..2 {
            shared::write(&memory, Header::LEN + 4 * word, &value.to_ne_bytes())?;
        }
        let soon = Duration::from_millis(5);
        assert_eq!(kind_of(event.wait_timeout(soon)), ErrorKind::TimedOut, "{value}");
        event.set();
        event.wait_timeout(PATIENCE)?;
    }
    Ok(())
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

type SharedEvent<B> = Shared<Event<B>, B>;

/// Processes that wait for an event, or are about to.
fn waiters<B: Backend>(
    label: &str,
    event: Event<B>,
    how_many: u32,
) -> Result<(SharedEvent<B>, Vec<Peer>), Failure> {
    let name = unique(label);
    let event = SharedEvent::<B>::create(&name, event)?;
    let counter = format!("{name}/count");
    let count = Shared::<AtomicU32, B>::create(&counter, AtomicU32::new(0))?;
    let peers = (0..how_many)
        .map(|_| Peer::with_args(wait::<B>, [&name, &counter]))
        .collect::<Result<Vec<_>, _>>()?;
    wait_until("all wait", || count.load(Ordering::SeqCst) == how_many)?;
    Ok((event, peers))
}

fn wait<B: Backend>(stage: &mut Stage) -> Verdict {
    let event = SharedEvent::<B>::open(stage.arg(0))?;
    Shared::<AtomicU32, B>::open(stage.arg(1))?.fetch_add(1, Ordering::SeqCst);
    event.wait_timeout(PATIENCE)?;
    stage.say("through");
    Ok(())
}
