//! The harness held to its own promises, by itself: real peers, and whole runs inside of peers.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![allow(clippy::extra_unused_type_parameters, reason = "a table lists generic functions")]

mod peers;
mod runs;
mod sample;

use std::process::ExitCode;
use strait_conformance::{Native, Suite, act_if_asked, run};

fn main() -> ExitCode {
    act_if_asked(&[peers::actors::<Native>(), runs::actors(), sample::actors()].concat());
    let behaviours = [peers::behaviours::<Native>(), runs::behaviours::<Native>()].concat();
    run([Suite::of("harness", |_| true, behaviours)])
}
