//! The behaviours that the runs under test are made of: one for each way to end.

use std::thread;
use strait_conformance::{
    Actor, Backend, Error, ErrorKind, Peer, Stage, Verdict, actors, behaviours, unavailable,
};

behaviours! {
    sample;
    passes,
    fails,
    panics,
    steps_aside,
    hangs,
    is_refused needs [NamedSegments, Liveness],
    is_refused_in_a_peer needs [NamedSegments],
    says_that_it_is_refused_in_a_peer needs [NamedSegments],
    works_anyway needs [NamedSegments],
    fails_otherwise needs [NamedSegments],
}

pub(crate) fn actors() -> Vec<Actor> {
    actors![be_refused, say_that_it_is_refused]
}

fn passes<B: Backend>() -> Verdict {
    Ok(())
}

fn fails<B: Backend>() -> Verdict {
    let number: u32 = "seven".parse()?;
    Err(format!("parsed {number}").into())
}

fn panics<B: Backend>() -> Verdict {
    assert_eq!(1 + 1, 3, "arithmetic is off");
    Ok(())
}

fn steps_aside<B: Backend>() -> Verdict {
    let moon: &str = unavailable("needs a\tfull moon")?;
    Err(moon.into())
}

fn hangs<B: Backend>() -> Verdict {
    loop {
        thread::park();
    }
}

fn is_refused<B: Backend>() -> Verdict {
    Err(Error::new(ErrorKind::Unsupported, "create", "there are no names"))?
}

fn is_refused_in_a_peer<B: Backend>() -> Verdict {
    Ok(Peer::start(be_refused)?.finish()?)
}

fn says_that_it_is_refused_in_a_peer<B: Backend>() -> Verdict {
    Ok(Peer::start(say_that_it_is_refused)?.expect("PermissionDenied")?)
}

fn be_refused(_: &mut Stage) -> Verdict {
    is_refused::<strait_conformance::Native>()
}

fn say_that_it_is_refused(stage: &mut Stage) {
    stage.say(format!("{:?}", ErrorKind::Unsupported));
}

fn works_anyway<B: Backend>() -> Verdict {
    Ok(())
}

fn fails_otherwise<B: Backend>() -> Verdict {
    Err(Error::new(ErrorKind::NotFound, "create", "there is no such thing"))?
}
