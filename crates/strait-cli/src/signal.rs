//! `strait signal`: a signal to a process.

use crate::failure::Result;
use strait::{Signal, signal};

/// Send a signal to a process
///
/// To the one that has this number, and to no later one: where it has ended, even if its parent hasn't noticed
/// yet, that is an error.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The number of the process
    pid: u32,
    /// The signal: INT, TERM, HUP, QUIT, USR1, USR2, KILL, …
    name: Signal,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    Ok(signal::send(args.pid, args.name)?)
}
