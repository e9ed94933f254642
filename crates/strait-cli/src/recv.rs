//! `strait recv`: what one sender sends, to a file or stdout.

use crate::{failure::Result, meter::Meter, output::Output, stop::Stop};
use std::path::PathBuf;
use strait::{ByteReceiver, ErrorKind, Message};

/// Receive what one sender sends, to a file or stdout
///
/// It ends when the sender has finished. A file that is there is overwritten when the first bytes
/// arrive, and not before.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name under which senders find it
    name: String,
    /// Where to write it [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How much memory to receive through, with K, M or G if wanted. The longest message is half of
    /// it
    #[arg(long, value_name = "BYTES", default_value = "1M", value_parser = size)]
    capacity: usize,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::on_signals()?;
    let mut receiver = ByteReceiver::bind_with_capacity(&args.name, args.capacity)?;
    let mut output = Output::open(args.output.as_deref())?;
    let meter = Meter::new(!args.quiet && !output.is_terminal(), None);
    // In order, whatever happens: what has arrived is written, then what went wrong is said.
    let received = receive(&mut receiver, &mut output, &stop, &meter);
    let flushed = output.flush();
    received.and(flushed)
}

/// Writes what arrives, until the sender has finished.
fn receive(
    receiver: &mut ByteReceiver,
    output: &mut Output,
    stop: &Stop,
    meter: &Meter,
) -> Result<()> {
    loop {
        stop.check()?;
        let mut taken = receiver.try_recv_ref().map(|message| take(&message, output, meter));
        if taken.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            // Whoever reads the output gets all there is before this waits.
            output.flush()?;
            taken = receiver
                .recv_ref_deadline(stop.deadline())
                .map(|message| take(&message, output, meter));
        }
        match taken {
            Ok(taken) => taken?,
            Err(error) if error.kind() == ErrorKind::Cancelled => {}
            Err(error) if error.kind() == ErrorKind::Disconnected && receiver.is_finished() => {
                return output.begin();
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn take(message: &Message<'_>, output: &mut Output, meter: &Meter) -> Result<()> {
    output.begin()?;
    meter.add(message.len());
    output.write(message)
}

fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']);
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err("its unit is K, M or G".to_owned()),
    };
    let number: usize = digits.parse().map_err(|_| "it is no number".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "it is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64k"), Ok(64 << 10));
        assert_eq!(size("1M"), Ok(1 << 20));
        for bad in ["", "M", "1T", "-1", "1MM", "99999999999G"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
