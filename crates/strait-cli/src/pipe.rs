//! `strait pipe`: stdin into a named pipe, or a named pipe to stdout.

use crate::{
    failure::{Failure, Result},
    input::Input,
    output::Output,
    send::seconds,
    stop::{LOOK, Stop},
};
use std::{
    io::{ErrorKind::BrokenPipe, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use strait::{Deadline, ErrorKind, NamedPipe, PipeReader, PipeWriter, ReadNow};

/// Write stdin to a named pipe, or read one to stdout
///
/// Either side may come first: the pipe is made by whoever does. Writing ends with stdin, reading when the
/// last writer has left. Other programs can be at the other end: see --verbose.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("direction").required(true))]
pub(crate) struct Args {
    /// The name of the pipe
    name: String,
    /// Read the pipe to stdout
    #[arg(short, long, group = "direction")]
    read: bool,
    /// Write stdin to the pipe
    #[arg(short, long, group = "direction")]
    write: bool,
    /// How long to wait for the other side [default: for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Say on stderr where other programs find the pipe, if it is made here
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::on_signals()?;
    let patience = Patience::new(args.timeout);
    let mut owner = None;
    match args.write {
        true => {
            let open = |left| NamedPipe::open_writer_timeout(&args.name, left);
            let writer = open_by(args, &mut owner, &stop, &patience, open)?;
            write_all(writer, &stop)
        }
        false => {
            let open = |left| NamedPipe::open_reader_timeout(&args.name, left);
            let mut output = Output::open(None)?;
            // In order, whatever happens: what has arrived is written, then what went wrong is said.
            let read = loop {
                let reader = open_by(args, &mut owner, &stop, &patience, open)?;
                match read_all(&reader, &mut output, &stop, &patience) {
                    // The name is free, or the next one's, whose writers don't come here.
                    Ok(Read::Forsaken) => owner = None,
                    Ok(Read::All) => break Ok(()),
                    Err(failure) => break Err(failure),
                }
            };
            let flushed = output.flush();
            read.and(flushed)
        }
    }
}

/// How long the other side is waited for.
struct Patience {
    begin: Instant,
    timeout: Duration,
}

impl Patience {
    fn new(timeout: Option<Duration>) -> Self {
        Self { begin: Instant::now(), timeout: timeout.unwrap_or(Duration::MAX) }
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.begin.elapsed())
    }
}

/// Opens an end of the pipe, which this process makes where nobody else has.
fn open_by<T>(
    args: &Args,
    owner: &mut Option<NamedPipe>,
    stop: &Stop,
    patience: &Patience,
    open: impl Fn(Duration) -> strait::Result<T>,
) -> Result<T> {
    loop {
        stop.check()?;
        if owner.is_none() {
            match NamedPipe::create(&args.name) {
                Ok(pipe) => {
                    tell_path(args, &pipe);
                    *owner = Some(pipe);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        let left = patience.left();
        match open(left.min(LOOK)) {
            Ok(end) => return Ok(end),
            // Nobody reads yet; or whoever had made it has just ended, and now it is up to this one.
            Err(error)
                if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::NotFound)
                    && !left.is_zero() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn tell_path(args: &Args, pipe: &NamedPipe) {
    if args.verbose {
        // Where nobody reads it there is nobody else to tell.
        let _ = writeln!(std::io::stderr(), "{}", pipe.path().display());
    }
}

/// Writes stdin. A thread does, as reading stdin can't be given up.
fn write_all(mut writer: PipeWriter, stop: &Stop) -> Result<()> {
    let (sender, done) = mpsc::channel();
    let token = stop.token();
    let ends = token.clone();
    thread::spawn(move || {
        let written = write_stdin(&mut writer);
        // Before this process says that it has ended.
        drop(writer);
        let _ = sender.send(written);
        ends.cancel();
    });
    token.wait()?;
    stop.check()?;
    let ended = |_| Failure::Other("the thread that writes has ended".to_owned());
    done.try_recv().map_err(ended)?
}

fn write_stdin(writer: &mut PipeWriter) -> Result<()> {
    let mut input = Input::open(None)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = input.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        writer.write_all(&chunk[..read]).map_err(|source| match source.kind() {
            BrokenPipe => Failure::Strait(strait::Error::new(
                ErrorKind::Disconnected,
                "write to the pipe",
                "nobody reads it any more",
            )),
            _ => Failure::System { what: "write to the pipe", source },
        })?;
    }
}

/// How reading a pipe ended.
enum Read {
    /// The last writer has left.
    All,
    /// No writer had come, and none can: the pipe has lost its name.
    Forsaken,
}

/// Reads the pipe, until the last writer has left.
fn read_all(
    reader: &PipeReader,
    output: &mut Output,
    stop: &Stop,
    patience: &Patience,
) -> Result<Read> {
    let mut chunk = vec![0; CHUNK];
    let mut somebody_came = false;
    loop {
        stop.check()?;
        let read = match reader.read_now(&mut chunk)? {
            ReadNow::Bytes(read) => Ok(read),
            ReadNow::Forsaken => return Ok(Read::Forsaken),
            ReadNow::Nothing => {
                // Whoever reads the output gets all there is before this waits.
                output.flush()?;
                let left = if somebody_came { Duration::MAX } else { patience.left() };
                let look = if somebody_came { left } else { left.min(LOOK) };
                let deadline = Deadline::after(look).or_cancelled(stop.token());
                let read = reader.read_deadline(&mut chunk, deadline);
                let is_late = |error: &strait::Error| error.kind() == ErrorKind::TimedOut;
                if read.as_ref().is_err_and(is_late) && look < left {
                    continue;
                }
                read
            }
        };
        match read {
            Ok(0) => return Ok(Read::All),
            Ok(read) => {
                somebody_came = true;
                output.write(&chunk[..read])?;
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// As much as a pipe holds.
const CHUNK: usize = 64 << 10;
