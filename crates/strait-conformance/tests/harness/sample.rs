//! The behaviours that the runs under test are made of: one for each way to end.

use std::thread;
use strait_conformance::{Backend, Error, ErrorKind, Verdict, behaviours, unavailable};

behaviours! {
    sample;
    passes,
    fails,
    panics,
    steps_aside,
    hangs,
    is_refused needs [NamedSegments, Liveness],
    works_anyway needs [NamedSegments],
    fails_otherwise needs [NamedSegments],
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

fn works_anyway<B: Backend>() -> Verdict {
    Ok(())
}

fn fails_otherwise<B: Backend>() -> Verdict {
    Err(Error::new(ErrorKind::NotFound, "create", "there is no such thing"))?
}
