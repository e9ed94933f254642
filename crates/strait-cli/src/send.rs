//! `strait send`: bytes from a file or stdin into a channel.

use crate::{
    failure::{Failure, Result},
    input::Input,
    meter::Meter,
};
use std::{path::PathBuf, time::Duration};
use strait::ByteSender;

/// Send a file, or stdin, to the receiver of a name
///
/// It ends when the receiver has received the last byte.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name that the receiver has
    name: String,
    /// What to send [default: stdin]
    file: Option<PathBuf>,
    /// How long to wait for the receiver; 0 for not at all
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Send each line as one message, as soon as it is read
    #[arg(long)]
    lines: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut input = Input::open(args.file.as_deref())?;
    let mut sender = ByteSender::connect_timeout(&args.name, args.timeout)?;
    let meter = Meter::new(!args.quiet && !input.is_terminal(), input.len());
    let sent = match args.lines {
        true => send_lines(&mut input, &mut sender, &meter),
        false => send_chunks(&mut input, &mut sender, &meter),
    };
    match sent {
        Ok(()) => Ok(sender.finish()?),
        Err(failure) => {
            // Dropped, it would tell the receiver that this was all.
            sender.abort();
            Err(failure)
        }
    }
}

/// Reads straight into the memory that the receiver will read.
fn send_chunks(input: &mut Input, sender: &mut ByteSender, meter: &Meter) -> Result<()> {
    let chunk = chunk_len(sender.max_message_len());
    loop {
        let mut loan = sender.loan(chunk)?;
        let read = input.read(&mut loan)?;
        if read == 0 {
            return Ok(());
        }
        loan.send_prefix(read)?;
        meter.add(read);
    }
}

fn send_lines(input: &mut Input, sender: &mut ByteSender, meter: &Meter) -> Result<()> {
    let limit = sender.max_message_len();
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        // One byte more than there may be, to know a line that is too long by it.
        input.read_line(&mut line, limit + 1)?;
        number += 1;
        match line.len() {
            0 => return Ok(()),
            len if len > limit => return Err(Failure::LineTooLong { line: number, limit }),
            len => {
                sender.send(&line)?;
                meter.add(len);
            }
        }
    }
}

/// As large as pays, and so small that the ring holds a few: one side fills one while the other
/// empties another. Whole pages, so that the receiver writes whole pages to its file.
fn chunk_len(max_message_len: usize) -> usize {
    const MOST: usize = 128 << 10;
    const PAGE: usize = 4 << 10;
    let len = (max_message_len / 2).min(MOST);
    if len > PAGE { len / PAGE * PAGE } else { len }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    // What is too long for a clock means for ever.
    if seconds.is_nan() || seconds < 0.0 {
        return Err("it can't be less than 0".to_owned());
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}
