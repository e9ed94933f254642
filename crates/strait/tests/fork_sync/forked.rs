//! Forked children, and talking with them.

use std::{
    io::{BufRead, BufReader, Error, Write},
    os::unix::net::UnixStream,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which process it is that goes on.
pub(crate) enum Side {
    Child(Line),
    Parent(Child),
}

/// Forks this process. Both sides have a line to the other.
pub(crate) fn fork() -> Side {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // SAFETY: the child does what these tests are about, which is made for that; and it allocates, and
    // panics where a test fails, which the system's library allows after a fork.
    match unsafe { libc::fork() } {
        -1 => panic!("{}", Error::last_os_error()),
        0 => Side::Child(Line::over(theirs)),
        pid => Side::Parent(Child { pid, line: Line::over(ours), status: None }),
    }
}

/// The child's side, which ends the process.
pub(crate) fn act(mut line: Line, play: impl FnOnce(&mut Line)) -> ! {
    let played = catch_unwind(AssertUnwindSafe(|| play(&mut line)));
    if let Err(payload) = &played {
        let text = payload.downcast_ref::<String>().map_or("it panicked", String::as_str);
        line.say(&text.replace('\n', " "));
    }
    // SAFETY: ends the process, and nothing that is its parent's is dropped.
    unsafe { libc::_exit(i32::from(played.is_err())) }
}

/// A child. Dropping it kills and reaps it.
pub(crate) struct Child {
    pub(crate) pid: libc::pid_t,
    pub(crate) line: Line,
    status: Option<i32>,
}

impl Child {
    /// Waits until the child has ended as it should.
    pub(crate) fn finish(mut self) {
        let begin = Instant::now();
        while self.status().is_none() {
            assert!(begin.elapsed() < PATIENCE, "the child doesn't end");
            thread::yield_now();
        }
        if self.status != Some(0) {
            panic!("the child ended with {:?}: {}", self.status, self.line.hear());
        }
    }

    /// Kills the child, and returns when it is dead.
    pub(crate) fn kill(&mut self) {
        assert_eq!(self.status(), None, "the child has ended by itself");
        // SAFETY: no memory is involved, and the child isn't reaped yet.
        assert_eq!(unsafe { libc::kill(self.pid, libc::SIGKILL) }, 0);
        let begin = Instant::now();
        while self.status().is_none() {
            assert!(begin.elapsed() < PATIENCE, "the child doesn't die");
        }
    }

    /// How the child has ended, if it has.
    pub(crate) fn status(&mut self) -> Option<i32> {
        if self.status.is_none() {
            let mut status = 0;
            // SAFETY: the place is valid, and the child is this process' own.
            match unsafe { libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) } {
                0 => {}
                pid => {
                    assert_eq!(pid, self.pid, "{}", Error::last_os_error());
                    self.status = Some(status);
                }
            }
        }
        self.status
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.status.is_none() {
            // SAFETY: no memory is involved, and the child isn't reaped yet.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            // SAFETY: the status isn't asked for, and the child is this process' own.
            unsafe { libc::waitpid(self.pid, std::ptr::null_mut(), 0) };
        }
    }
}

/// What two processes tell each other, line by line.
pub(crate) struct Line(BufReader<UnixStream>);

impl Line {
    /// The two ends of a line.
    pub(crate) fn pair() -> (Self, Self) {
        let (one, other) = UnixStream::pair().unwrap();
        (Self::over(one), Self::over(other))
    }

    fn over(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn expect(&mut self, line: &str) {
        assert_eq!(self.hear(), line);
    }
}
