//! `strait trap`: what signals arrive, and from whom.

use crate::{failure::Result, output::Output, send::seconds};
use std::{
    io::Write,
    time::{Duration, Instant},
};
use strait::{
    Signal, Signals,
    signal::{Arrival, Sender},
};

/// Print the signals that arrive, each with its sender
///
/// It goes on until it has printed as many as it should, or a signal comes that it doesn't trap: Ctrl-C, say.
/// Of CHLD the sender is the child.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The signals: INT, TERM, HUP, QUIT, USR1, USR2, …
    #[arg(required = true)]
    names: Vec<Signal>,
    /// How many to print [default: all that come]
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
    /// How long to wait for each [default: for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Don't say on stderr which process it is
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let signals = Signals::subscribe(args.names.iter().copied())?;
    if !args.quiet {
        // Where nobody reads it there is nobody else to tell.
        let _ = writeln!(std::io::stderr(), "process {}", std::process::id());
    }
    let mut output = Output::open(None)?;
    for _ in 0..args.count.unwrap_or(u64::MAX) {
        let arrival = match args.timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            Some(deadline) => signals.recv_deadline(deadline)?,
            None => signals.recv()?,
        };
        output.write(line(&arrival).as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

fn line(arrival: &Arrival) -> String {
    let signal = arrival.signal.posix_name();
    match arrival.sender {
        Some(Sender { pid, user, .. }) => format!("{signal} from process {pid} of user {user}\n"),
        None => format!("{signal}\n"),
    }
}
