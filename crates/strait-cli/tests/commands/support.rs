//! Processes with deadlines, in a place of their own.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};
use strait::{Signal, signal};
use tempfile::TempDir;

/// How long anything may take, on a machine that is busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The command itself.
pub(crate) const STRAIT: &str = env!("CARGO_BIN_EXE_strait");

/// Directories that one test has for itself, so that it sees what is left behind.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::create_dir(place.file("tmp")).unwrap();
        place
    }

    /// Where a file of the test is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
        fs::write(self.file(name), contents).unwrap();
        self.file(name)
    }

    /// Starts `strait` here.
    pub(crate) fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        self.start_as(Command::new(STRAIT).args(args))
    }

    /// Starts here what `command` says.
    pub(crate) fn start_as(&self, command: &mut Command) -> Running {
        command.env("XDG_RUNTIME_DIR", self.0.path()).env("TMPDIR", self.file("tmp"));
        Running::start(command)
    }

    /// Runs `strait` here, with nothing to read.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ended {
        self.start(args).finish()
    }

    /// What there is of sockets and temporary files.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        // There is no directory for sockets before the first is made.
        let list = |name| fs::read_dir(self.file(name)).into_iter().flatten();
        list("strait").chain(list("tmp")).map(|entry| entry.unwrap().path()).collect()
    }

    /// Waits until a receiver listens here.
    pub(crate) fn wait_for_socket(&self) {
        let is_socket = |path: &PathBuf| path.extension() == Some(OsStr::new("socket"));
        wait_until("a socket is there", || self.left_behind().iter().any(is_socket));
    }
}

/// A name that no other test uses, in this process or another.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Bytes without a pattern.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

pub(crate) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < DEADLINE, "in vain: until {what}");
        thread::yield_now();
    }
}

/// A process. Dropping it kills and reaps it.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: mpsc::Receiver<Vec<u8>>,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        // Where the tests run in the background of a script, these are ignored, and what they start would
        // go on ignoring them.
        static RESET: Once = Once::new();
        RESET.call_once(|| {
            for signal in [Signal::Interrupt, Signal::Terminate] {
                signal::reset(signal).unwrap();
            }
        });
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = read_aside(child.stderr.take().unwrap());
        let stdout = child.stdout.take().map(BufReader::new);
        Self { stdin: child.stdin.take(), stdout, stderr, child }
    }

    /// Writes to its stdin.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Writes all of that to its stdin, and ends it, while the test goes on.
    pub(crate) fn feed(mut self, bytes: Vec<u8>) -> Self {
        let mut stdin = self.stdin.take().unwrap();
        // A process that ends before it has read all is for the test to judge.
        thread::spawn(move || stdin.write_all(&bytes));
        self
    }

    /// Reads the next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut stdout = self.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let _ = sender.send((line, stdout));
        });
        let (line, stdout) = receiver.recv_timeout(DEADLINE).expect("no line in time");
        self.stdout = Some(stdout);
        line
    }

    /// Reads some of what it prints.
    pub(crate) fn some(&mut self) -> Vec<u8> {
        let mut stdout = self.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let some = stdout.fill_buf().unwrap().to_vec();
            let _ = sender.send((some, stdout));
        });
        let (some, stdout) = receiver.recv_timeout(DEADLINE).expect("nothing in time");
        self.stdout = Some(stdout);
        some
    }

    /// Stops reading what it prints.
    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its short name.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -s {signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Sends it the signal again and again, and says the code that it ends with.
    pub(crate) fn signal_until_it_ends(mut self, signal: &str) -> Option<i32> {
        let begin = Instant::now();
        // The end of its stderr is the end of the process.
        while self.stderr.recv_timeout(Duration::from_millis(50)).is_err() {
            assert!(begin.elapsed() < DEADLINE, "it doesn't end");
            self.signal(signal);
        }
        self.child.wait().unwrap().code()
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends its stdin, and waits for its end.
    pub(crate) fn finish(mut self) -> Ended {
        self.stdin = None;
        let stdout = self.stdout.take().map(read_aside);
        // Their ends are the end of the process, for which there is no wait with a deadline.
        let stderr = self.stderr.recv_timeout(DEADLINE).expect("it doesn't end");
        let stdout = stdout.map(|stdout| stdout.recv_timeout(DEADLINE).expect("it doesn't end"));
        let code = self.child.wait().unwrap().code();
        let stderr = String::from_utf8(stderr).unwrap();
        Ended { code, stdout: stdout.unwrap_or_default(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It did what it was for, and said nothing about it.
    #[track_caller]
    pub(crate) fn succeeded(self) -> Vec<u8> {
        assert_eq!((self.code, &*self.stderr), (Some(0), ""));
        self.stdout
    }

    /// It ended with this code, and one line that has these words in it.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &str) -> Vec<u8> {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stderr.starts_with("strait: "), "{:?}", self.stderr);
        assert!(self.stderr.contains(words), "{:?}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{:?}", self.stderr);
        self.stdout
    }
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

fn read_aside(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        let _ = sender.send(bytes);
    });
    receiver
}
