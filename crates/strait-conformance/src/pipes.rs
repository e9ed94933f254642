//! The parent's ends of a peer's standard streams.
//!
//! A thread moves the data of each, so that the peer never blocks on a full pipe and the parent
//! waits on channels, which have deadlines where pipes have none.

use std::{
    convert::Infallible,
    io::{self, BufRead, BufReader, Read, Write},
    process::Child,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

/// The three streams of a peer.
#[derive(Debug)]
pub(crate) struct Pipes {
    /// `None` once the peer's input was closed.
    input: Option<Sender<String>>,
    lines: Receiver<String>,
    errors: Arc<Mutex<Vec<u8>>>,
    /// Nothing is ever sent: both readers hold a sender until their stream ends.
    open: Receiver<Infallible>,
}

impl Pipes {
    /// Takes the streams of a child that was started with all of them piped.
    pub(crate) fn of(child: &mut Child) -> io::Result<Self> {
        let missing = || io::Error::other("the process was started without pipes");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;

        let (still_open, open) = mpsc::channel();
        let (input, to_write) = mpsc::channel();
        thread::spawn(move || write_lines(stdin, &to_write));
        let (read, lines) = mpsc::channel();
        let stdout_open = still_open.clone();
        thread::spawn(move || {
            read_lines(stdout, &read);
            drop(stdout_open);
        });
        let errors = Arc::default();
        let captured = Arc::clone(&errors);
        thread::spawn(move || {
            capture(stderr, &captured);
            drop(still_open);
        });
        Ok(Self { input: Some(input), lines, errors, open })
    }

    /// Queues one line for the peer's standard input.
    pub(crate) fn write(&self, line: String) {
        if let Some(input) = &self.input {
            // A writer that ended has met a dead peer, which the next line that is read reports.
            let _ = input.send(line);
        }
    }

    /// Closes the peer's standard input after everything queued is written.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next line of the peer's standard output; `Disconnected` at its end.
    pub(crate) fn read(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(patience)
    }

    /// Waits until standard output and standard error have ended. Lines stay to be read.
    pub(crate) fn wait_for_end(&self, patience: Duration) -> Result<(), RecvTimeoutError> {
        match self.open.recv_timeout(patience) {
            Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(timeout @ RecvTimeoutError::Timeout) => Err(timeout),
            Ok(never) => match never {},
        }
    }

    /// What came over standard error so far.
    pub(crate) fn errors(&self) -> String {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&errors).into_owned()
    }
}

fn write_lines(mut pipe: impl Write, lines: &Receiver<String>) {
    for line in lines {
        if writeln!(pipe, "{line}").and_then(|()| pipe.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(pipe: impl Read, lines: &Sender<String>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.read_until(b'\n', &mut line) {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        // Reading goes on where nobody listens any more: the peer mustn't block on a full pipe.
        let _ = lines.send(String::from_utf8_lossy(text).into_owned());
        line.clear();
    }
}

fn capture(pipe: impl Read, errors: &Mutex<Vec<u8>>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while let Ok(1..) = pipe.read_until(b'\n', &mut line) {
        errors.lock().unwrap_or_else(PoisonError::into_inner).append(&mut line);
    }
}
