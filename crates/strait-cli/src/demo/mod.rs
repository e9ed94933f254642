//! `strait demo`: a real file through every mechanism, to a real other process.
//!
//! For each [`Mechanism`] a child process is started, which is this program again. Parent and child
//! talk about what to do over the child's stdin and stdout, the [`Link`], and move the file and the
//! messages that are timed through the mechanism itself. What is done is the same for all:
//! [`measure`] is the parent's part of it and [`answer`] the child's. A new mechanism is one file
//! and one line in [`MECHANISMS`].

mod answer;
mod channel;
mod child;
mod datagram;
mod guarded;
mod latency;
mod link;
mod mailbox;
mod measure;
mod mechanism;
mod memory;
mod report;
mod shared_value;
mod signalled;
mod stream;

use crate::{
    failure::{Failure, Result},
    meter::Meter,
    stop::Stop,
};
use child::Child;
use link::Link;
use measure::{Cargo, Measured};
use mechanism::{Mechanism, Side};
use report::Report;
use std::path::PathBuf;
use strait::{ErrorKind, SharedMemory};

/// Every mechanism, in the order of the table.
const MECHANISMS: &[&dyn Mechanism] = &[
    &memory::NamedMemory,
    &memory::MappedFile,
    &shared_value::SharedValue,
    &guarded::Guarded,
    &stream::Pipe,
    &stream::TwoPipes,
    &signalled::Signalled,
    &stream::Socket,
    &datagram::Datagram,
    &channel::Copied,
    &channel::InPlace,
];

/// Move a file to another process through every mechanism, and measure
///
/// The other process computes the SHA-256 of what it receives, and a row is verified if it is that
/// of the file. Hashing isn't part of the times. Latency is half of a round trip of 8 bytes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The file, which has to fit into memory [default: this program]
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Don't say on a terminal what is being done
    #[arg(short, long)]
    quiet: bool,
}

/// The other process of the demonstration.
#[derive(clap::Args)]
pub(crate) struct PeerArgs {
    mechanism: String,
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::on_signals()?;
    let cargo = Cargo::load(args.file.as_deref())?;
    let name = claim_name()?;
    let meter = Meter::of_steps(!args.quiet);
    let mut report = Report::default();
    for mechanism in MECHANISMS {
        meter.step(mechanism.title());
        match demonstrate(*mechanism, &name, &cargo, &stop) {
            Err(stopped @ Failure::Stopped(_)) => return Err(stopped),
            done => report.add(mechanism.title(), cargo.len(), done),
        }
    }
    drop(meter);
    report.print()
}

pub(crate) fn run_peer(args: &PeerArgs) -> Result<()> {
    let stop = Stop::on_signals()?;
    let mechanism = MECHANISMS.iter().find(|mechanism| mechanism.title() == args.mechanism);
    let Some(mechanism) = mechanism else {
        return Err(Failure::Other(format!("there is no mechanism {:?}", args.mechanism)));
    };
    let mut link = Link::new(std::io::stdin(), std::io::stdout(), stop);
    let done = mechanism
        .join(Side::Child, &args.name, &mut link)
        .and_then(|mut ends| answer::answer(&mut ends, &mut link));
    // The parent tells the user, if it is still there.
    done.or_else(|failure| link.confess(&failure))
}

fn demonstrate(
    mechanism: &dyn Mechanism,
    name: &SharedMemory,
    cargo: &Cargo,
    stop: &Stop,
) -> Result<Measured> {
    let name = format!("{}/{}", name.name().map_or("", AsRef::as_ref), "row");
    let mut child = Child::start(mechanism.title(), &name, stop.clone())?;
    let link = child.link();
    let measured = mechanism
        .join(Side::Parent, &name, link)
        .and_then(|mut ends| measure::measure(cargo, &mut ends, link));
    measured.map_err(|failure| link.explain(failure))
}

/// The first name that no other demonstration has, for as long as the memory behind it is held.
///
/// They are few and always the same, so that a demonstration reclaims what one that was killed has
/// left behind.
fn claim_name() -> Result<SharedMemory> {
    const MOST: usize = 1000;
    for number in 0..MOST {
        match SharedMemory::create(format!("strait-demo/{number}"), 1) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            done => return Ok(done?),
        }
    }
    Err(Failure::Other(format!("{MOST} demonstrations are already running")))
}
