//! The child's side of starting: the executable finds out that it is a peer, and as whom it acts.

use crate::{
    Stage, Verdict,
    verdict::{is_refusal, refusal_of, with_causes},
};
use std::{
    any::type_name,
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process,
};

/// Set in a peer's environment to the key of its actor. Its arguments are the actor's arguments.
pub(crate) const ACTOR: &str = "STRAIT_ACTOR";

/// How a peer ends where its actor was refused what it needs: of the same kind is the behaviour's end then.
pub(crate) const REFUSED: i32 = 3;

/// A function that a peer can run, and the key under which it is asked for. [`actors!`] makes them.
///
/// [`actors!`]: crate::actors!
#[derive(Debug, Clone, Copy)]
pub struct Actor {
    key: &'static str,
    act: fn(&mut Stage) -> Verdict,
}

impl Actor {
    /// An actor with the key of `function`, which is what `act` calls.
    #[doc(hidden)]
    pub fn new<F: Fn(&mut Stage) -> R, R>(_function: F, act: fn(&mut Stage) -> Verdict) -> Self {
        Self { key: key::<F>(), act }
    }
}

/// Lists actors: functions that take a `&mut Stage` and return a [`Verdict`] or nothing.
///
/// ```
/// use strait_conformance::{Actor, Backend, Stage, Verdict, actors};
///
/// fn hold_lock<B: Backend>(stage: &mut Stage) -> Verdict {
///     stage.say("locked");
///     stage.expect("unlock")
/// }
///
/// fn actors<B: Backend>() -> Vec<Actor> {
///     actors![hold_lock::<B>]
/// }
/// ```
#[macro_export]
macro_rules! actors {
    ($($actor:expr),* $(,)?) => {
        ::std::vec![$($crate::Actor::new($actor, |stage| {
            $crate::IntoVerdict::into_verdict($actor(stage))
        })),*]
    };
}

/// Where this process was started as a peer, plays its part and ends the process; otherwise does
/// nothing. To be called first in `main`, before the arguments are read.
///
/// The process ends with 0; with 1 where the actor failed, 2 where there is no such actor, 3 where the backend
/// doesn't offer what it needs, and as usual where it panicked.
pub fn act_if_asked(actors: &[Actor]) {
    let Some(asked) = env::var_os(ACTOR) else { return };
    let Some(actor) = actors.iter().find(|actor| asked == actor.key) else {
        let known: String = actors.iter().map(|actor| format!("\n  {}", actor.key)).collect();
        eprintln!("no actor `{}` is listed; those that are:{known}", asked.to_string_lossy());
        process::exit(2);
    };
    let mut stage = Stage::new(env::args().skip(1).collect());
    // The stage isn't used any more, whatever its state.
    let ended = catch_unwind(AssertUnwindSafe(|| (actor.act)(&mut stage)));
    let ended = ended.or_else(|payload| Ok(Err(refusal_of(payload)?)));
    match ended.unwrap_or_else(|payload| resume_unwind(payload)) {
        Ok(()) => process::exit(0),
        Err(failure) => {
            eprintln!("{}", with_causes(&*failure));
            process::exit(if is_refusal(&*failure) { REFUSED } else { 1 });
        }
    }
}

/// The name under which both sides know the function item `F`; it tells generic arguments apart.
pub(crate) fn key<F>() -> &'static str {
    type_name::<F>()
}
