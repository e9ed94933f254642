//! The behavioural suite of strait: what every backend promises, checked with real processes.
//!
//! # A behaviour
//! is a private generic function whose name is a sentence. It returns a [`Verdict`]: it ends with
//! `Ok(())` where the promise was kept, fails with `?` or `assert!`, and steps aside with
//! [`unavailable`] where this machine can't show it. It is listed once, with the capabilities that
//! it needs, in the [`behaviours!`] table of its module; one that isn't listed is dead code, about
//! which the compiler warns.
//!
//! # A peer
//! is a real process: [`Peer::start`] starts the running executable again as the named *actor*, a
//! function that gets a [`Stage`] on which it talks with its parent, line by line. `main` calls
//! [`act_if_asked`] with all actors, which [`actors!`] lists, before it does anything else.
//!
//! # A suite
//! is the behaviours of one backend. [`run()`] runs one or more of them and holds each behaviour to
//! what was declared:
//!
//! | declared | the behaviour has to |
//! |---|---|
//! | nothing | pass |
//! | the backend lacks a capability that it needs | fail with an error of kind `Unsupported`, or with a peer that does |
//! | [`broken`](Suite::broken), with a reason | not do what it would have to do otherwise |
//!
//! So nothing is left out in silence, and a declaration that is no longer true fails the run. What
//! came out is written as a table to the file that the environment variable `STRAIT_MATRIX` names.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use strait_conformance::{Native, Suite, act_if_asked, run};
//!
//! fn main() -> ExitCode {
//!     act_if_asked(&Suite::actors::<Native>());
//!     run([Suite::new::<Native>().broken("lock::is_fair", "the lock lets newcomers barge in")])
//! }
//! ```

#![forbid(unsafe_code)]

mod actor;
mod behaviour;
mod behaviours;
mod executable;
mod fixtures;
mod kill_point;
mod matrix;
mod outcome;
mod patience;
mod peer;
mod peer_error;
mod pipes;
mod runner;
mod stage;
mod suite;
mod verdict;
mod watchdog;

pub use actor::{Actor, act_if_asked};
pub use behaviour::Behaviour;
pub use fixtures::{is_linux, is_root, is_unix, is_wine, nobody, unique, wait_until};
pub use libtest_mimic::Arguments;
pub use patience::allowed;
pub use peer::Peer;
pub use peer_error::PeerError;
pub use runner::{run, run_with};
pub use stage::Stage;
pub use strait::{
    Error, ErrorKind, Native,
    backend::{Backend, Capabilities, Capability},
};
pub use suite::Suite;
pub use verdict::{Failure, IntoVerdict, Verdict, unavailable};
