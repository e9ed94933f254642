//! `cargo xtask torture`: processes that use all synchronisation at once are killed, for long.

use crate::cmd::{self, Result, cargo};

/// Builds the torture in release, as it runs for long, and has it kill as many.
pub(crate) fn run(kills: u64, seed: Option<u64>) -> Result {
    let mut command = cargo(["test", "-p", "strait-tests", "--release", "--test", "torture"]);
    command.args(["--", "--kills", &kills.to_string()]);
    if let Some(seed) = seed {
        command.args(["--seed", &seed.to_string()]);
    }
    cmd::run(&mut command)
}
