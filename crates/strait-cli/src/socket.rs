//! `strait listen` and `strait connect`: stdin and stdout, joined to another program's by a local socket.

use crate::{
    failure::{Failure, Result},
    input::Input,
    output::Output,
    send::seconds,
    stop::{LOOK, Stop},
};
use std::{
    net::Shutdown,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};
use strait::{Deadline, ErrorKind, LocalListener, LocalStream};

/// Listen under a name, and talk with who connects
///
/// What they send goes to stdout, and stdin goes to them; its end is told to them. It ends when they do, and
/// leaves.
#[derive(clap::Args)]
pub(crate) struct ListenArgs {
    /// The name to listen under
    name: String,
    /// Go on with the next one when one has left
    #[arg(short, long)]
    keep: bool,
}

/// Connect to who listens under a name, and talk with them
///
/// Stdin goes to them, and its end is told to them; what they send goes to stdout. It ends when they do.
#[derive(clap::Args)]
pub(crate) struct ConnectArgs {
    /// The name under which the other listens
    name: String,
    /// How long to wait for somebody to listen
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0")]
    timeout: Duration,
}

pub(crate) fn listen(args: &ListenArgs) -> Result<()> {
    let stop = Stop::on_signals()?;
    let listener = LocalListener::bind(&args.name)?;
    let stdin = read_stdin();
    let mut output = Output::open(None)?;
    loop {
        let stream =
            listener.accept_deadline(stop.deadline()).map_err(|error| why(error, &stop))?;
        match talk(&stream, &stdin, &mut output, args.keep, &stop) {
            // One that left too early is no reason not to talk with others.
            Err(Failure::Strait(error)) if args.keep && is_gone(&error) => {}
            done if !args.keep => return done,
            done => done?,
        }
    }
}

pub(crate) fn connect(args: &ConnectArgs) -> Result<()> {
    let stop = Stop::on_signals()?;
    let deadline = Deadline::after(args.timeout).or_cancelled(stop.token());
    let stream = LocalStream::connect_deadline(&args.name, deadline);
    let stream = stream.map_err(|error| why(error, &stop))?;
    talk(&stream, &read_stdin(), &mut Output::open(None)?, false, &stop)
}

/// The signal that ended a wait, where one did.
fn why(error: strait::Error, stop: &Stop) -> Failure {
    stop.check().err().unwrap_or(Failure::Strait(error))
}

/// What stdin has, in pieces.
type Stdin = Mutex<Receiver<Result<Vec<u8>>>>;

/// A thread reads it, as reading stdin can't be given up.
fn read_stdin() -> Stdin {
    // It reads ahead by one piece, and no more than that is lost with a peer that leaves.
    let (sender, pieces) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let read = || -> Result<()> {
            let mut input = Input::open(None)?;
            let mut piece = vec![0; PIECE];
            loop {
                match input.read(&mut piece)? {
                    0 => return Ok(()),
                    read if sender.send(Ok(piece[..read].to_vec())).is_err() => return Ok(()),
                    _ => {}
                }
            }
        };
        if let Err(failure) = read() {
            let _ = sender.send(Err(failure));
        }
    });
    Mutex::new(pieces)
}

/// Talks with a peer until both have nothing more to say, or the peer is gone.
fn talk(
    stream: &LocalStream,
    stdin: &Stdin,
    output: &mut Output,
    keep: bool,
    stop: &Stop,
) -> Result<()> {
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        let (said, saying) = mpsc::channel();
        scope.spawn(move || said.send(say_all(stream, stdin, keep, over, stop)));
        // In order, whatever happens: what has arrived is written, then what went wrong is said.
        let heard = hear_all(stream, output, stop);
        let heard = heard.and(output.flush());
        let done = heard.and_then(|()| wait_for_rest(stream, &saying, over, stop));
        over.store(true, Ordering::Relaxed);
        done
    })
}

/// Sends stdin, and tells of its end.
fn say_all(
    stream: &LocalStream,
    stdin: &Stdin,
    keep: bool,
    over: &AtomicBool,
    stop: &Stop,
) -> Result<()> {
    let stdin = stdin.lock().unwrap_or_else(PoisonError::into_inner);
    let is_over = || stop.check().map(|()| over.load(Ordering::Relaxed));
    loop {
        if is_over()? {
            break;
        }
        match stdin.recv_timeout(LOOK) {
            Ok(Err(failure)) => {
                // Nothing more is heard either, and nobody waits for an end that doesn't come.
                let _ = stream.shutdown(Shutdown::Both);
                return Err(failure);
            }
            Ok(Ok(piece)) => {
                let mut left = &piece[..];
                while !left.is_empty() {
                    if is_over()? {
                        return Err(unsent());
                    }
                    match stream.write_timeout(left, LOOK) {
                        Ok(written) => left = &left[written..],
                        Err(error) if error.kind() == ErrorKind::TimedOut => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(stream.shutdown(Shutdown::Write)?),
        }
    }
    // What has been read for this peer is lost with it, unless there is a next one.
    if !keep && matches!(stdin.try_recv(), Ok(Ok(_))) { Err(unsent()) } else { Ok(()) }
}

fn unsent() -> Failure {
    let why = "the peer has left before all was sent";
    Failure::Strait(strait::Error::new(ErrorKind::Disconnected, "send standard input", why))
}

/// Writes to stdout what the peer sends, up to its end.
fn hear_all(stream: &LocalStream, output: &mut Output, stop: &Stop) -> Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        stop.check()?;
        let mut read = stream.read_timeout(&mut piece, Duration::ZERO);
        if read.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
            // Whoever reads the output gets all there is before this waits.
            output.flush()?;
            read = stream.read_deadline(&mut piece, stop.deadline());
        }
        match read.map_err(|error| why(error, stop))? {
            0 => return Ok(()),
            read => output.write(&piece[..read])?,
        }
    }
}

/// Waits until all of stdin is said to a peer that only listens; one that is gone ends it.
fn wait_for_rest(
    stream: &LocalStream,
    saying: &Receiver<Result<()>>,
    over: &AtomicBool,
    stop: &Stop,
) -> Result<()> {
    loop {
        stop.check()?;
        // Asked first, so that what couldn't be sent is told of.
        if let Ok(said) = saying.try_recv() {
            return said;
        }
        let asked = stream.write_timeout(&[], Duration::ZERO);
        if asked.is_err_and(|error| is_gone(&error)) {
            // What is being sent fails by now, and what waits to be sent is told of.
            over.store(true, Ordering::Relaxed);
            return saying.recv().unwrap_or(Ok(()));
        }
        if let Ok(said) = saying.recv_timeout(LOOK) {
            return said;
        }
    }
}

fn is_gone(error: &strait::Error) -> bool {
    error.kind() == ErrorKind::Disconnected
}

/// How much is read at a time.
const PIECE: usize = 64 << 10;
