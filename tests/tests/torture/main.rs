//! Torture: processes that are busy with all of `strait::sync` at once, of which one after another is
//! killed, at whatever instruction it is, and replaced.
//!
//! * `exercises` are what the workers do, each in a file of its own: what it needs in shared memory, one
//!   operation, and what has to hold of it whoever dies whenever. They check that all the time.
//! * `worker` is a process that does them; what it says about itself in shared memory is `slot`.
//! * `killer` is the parent: it kills, replaces, looks after those that don't go on, and in the end stops
//!   all and counts.
//!
//! A seed repeats what is chosen, not when it happens: a run that failed may have to be repeated often.
//!
//! `cargo xtask torture` runs it for long; as one test among others it runs for some seconds.

mod crew;
mod door;
mod exercises;
mod killer;
mod random;
mod report;
mod slot;
mod sole;
mod state;
mod watchdog;
mod worker;

use clap::Parser;
use libtest_mimic::{Failed, Trial};
use std::process::ExitCode;
use strait_conformance::act_if_asked;

/// What any Rust test takes, and what is this one's own.
#[derive(Parser)]
struct Flags {
    /// How many workers to kill
    #[arg(long, default_value_t = 500)]
    kills: u64,
    /// What to make the random numbers of; another one each time where it isn't given
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    of_any_test: libtest_mimic::Arguments,
}

fn main() -> ExitCode {
    act_if_asked(&worker::actors());
    let Flags { kills, seed, of_any_test } = Flags::parse();
    let seed = seed.unwrap_or_else(random::any_seed);
    let torture = Trial::test("torture::whoever_is_killed_harms_nobody", move || {
        killer::torture(kills, seed).map_err(Failed::from)
    });
    match libtest_mimic::run(&of_any_test, vec![torture]).has_failed() {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    }
}
