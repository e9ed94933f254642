//! How parent and child talk about what to do: in lines, over the child's stdin and stdout.

use crate::{
    failure::{Failure, Result},
    stop::{LOOK, Stop},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// A conversation with the other process.
pub(super) struct Link {
    lines: mpsc::Receiver<String>,
    out: Option<Box<dyn Write>>,
    lifeline: Lifeline,
}

/// Whether there is any sense in going on. Whoever waits for the other process asks now and then.
#[derive(Clone)]
pub(super) struct Lifeline {
    stop: Stop,
    ended: Arc<AtomicBool>,
}

impl Lifeline {
    /// An error where the other process has ended, or this one is to end.
    pub(super) fn check(&self) -> Result<()> {
        self.stop.check()?;
        match self.ended.load(Ordering::Acquire) {
            true => Err(gone()),
            false => Ok(()),
        }
    }
}

impl Link {
    /// A link that hears what `input` says. The end of that is the end of the other process.
    pub(super) fn new(
        input: impl Read + Send + 'static,
        output: impl Write + 'static,
        stop: Stop,
    ) -> Self {
        let (sender, lines) = mpsc::channel();
        let lifeline = Lifeline { stop, ended: Arc::default() };
        let ended = Arc::clone(&lifeline.ended);
        // It ends with its input.
        thread::spawn(move || {
            let lines = BufReader::new(input).lines();
            let _ = lines.map_while(Result::ok).try_for_each(|line| sender.send(line));
            ended.store(true, Ordering::Release);
        });
        Self { lines, out: Some(Box::new(output)), lifeline }
    }

    /// Says a line.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        let Some(out) = &mut self.out else { return Err(gone()) };
        let said = writeln!(out, "{line}").and_then(|()| out.flush());
        said.map_err(|source| Failure::System { what: "talk to the other process", source })
    }

    /// Hears a line.
    pub(super) fn hear(&mut self) -> Result<String> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            self.lifeline.stop.check()?;
            match self.lines.recv_timeout(LOOK) {
                Ok(line) => match line.strip_prefix(CONFESSION) {
                    Some(why) => return Err(blame(why)),
                    None => return Ok(line),
                },
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        Err(Failure::Other("the other process says nothing".to_owned()))
    }

    /// For those who wait for the other process in other ways.
    pub(super) fn lifeline(&self) -> Lifeline {
        self.lifeline.clone()
    }

    /// Tells the other process why this one gives up. It has no sense to tell anybody else.
    pub(super) fn confess(&mut self, failure: &Failure) -> Result<()> {
        let _ = self.say(&format!("{CONFESSION}{failure}"));
        Ok(())
    }

    /// The reason for a failure: what the other process confesses, if it does.
    pub(super) fn explain(&mut self, failure: Failure) -> Failure {
        let begin = Instant::now();
        let left = || GRACE.saturating_sub(begin.elapsed());
        if matches!(failure, Failure::Stopped(_)) {
            return failure;
        }
        while let Ok(line) = self.lines.recv_timeout(left()) {
            if let Some(why) = line.strip_prefix(CONFESSION) {
                return blame(why);
            }
        }
        failure
    }

    /// Says that this process has ended, and waits until the other has too; not for ever.
    pub(super) fn end(&mut self) -> bool {
        self.out = None;
        let begin = Instant::now();
        loop {
            match self.lines.recv_timeout(GRACE.saturating_sub(begin.elapsed())) {
                Ok(_) => {}
                Err(end) => return end == RecvTimeoutError::Disconnected,
            }
        }
    }
}

/// How long the other process may take to do what it was asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may take to end.
const GRACE: Duration = Duration::from_secs(2);

const CONFESSION: &str = "failed: ";

fn gone() -> Failure {
    Failure::Other("the other process has ended".to_owned())
}

fn blame(why: &str) -> Failure {
    Failure::Other(format!("the other process failed: {why}"))
}
