//! A child process that was started.

use crate::process::Process;
use std::{fmt, process, time::Duration};
use strait_core::{Backend, Deadline, Error, ErrorKind, Result, Socket};
use strait_protocol::Greeting;

/// A child process, as [`std::process::Child`], with deadlines.
///
/// Dropping it leaves the process alone, unless it was started to be
/// [killed on drop](crate::generic::Command::kill_on_drop).
///
/// ```
/// use std::time::Duration;
/// use strait::{Command, ErrorKind};
///
/// let mut child = Command::new("sleep").arg("60").kill_on_drop(true).spawn()?;
/// let error = child.wait_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TimedOut);
/// child.kill()?;
/// assert!(!child.wait()?.success());
/// # Ok::<(), strait::Error>(())
/// ```
pub struct Child<B: Backend> {
    /// Its input, where that is a pipe.
    pub stdin: Option<process::ChildStdin>,
    /// Its output, where that is a pipe.
    pub stdout: Option<process::ChildStdout>,
    /// Its complaints, where they go into a pipe.
    pub stderr: Option<process::ChildStderr>,
    child: process::Child,
    process: Process<B>,
    /// Where it answers that it has what it was handed.
    handshake: Option<Handshake<B>>,
    kill_on_drop: bool,
}

/// Where a child answers, and how many endpoints it is to have.
pub(crate) struct Handshake<B: Backend> {
    pub(crate) child: B::Socket,
    pub(crate) endpoints: u32,
}

impl<B: Backend> Child<B> {
    pub(crate) fn started(
        mut child: process::Child,
        handshake: Option<Handshake<B>>,
        kill_on_drop: bool,
    ) -> Result<Self> {
        // As long as it isn't waited for, its number is its own.
        let process = Process::with_id(child.id()).inspect_err(|_| {
            // A child that can't be watched isn't left behind.
            let _ = child.kill().and_then(|()| child.wait());
        })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Ok(Self { stdin, stdout, stderr, child, process, handshake, kill_on_drop })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The process, to be watched or sent signals.
    pub fn process(&self) -> &Process<B> {
        &self.process
    }

    /// Waits until it has ended. Closes its input first, so that it doesn't wait for more.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn wait(&mut self) -> Result<process::ExitStatus> {
        self.wait_deadline(Deadline::NEVER)
    }

    /// Waits until it has ended, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<process::ExitStatus> {
        self.wait_deadline(timeout)
    }

    /// Waits until it has ended, or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`, `Cancelled`; `Os`, where the system fails.
    pub fn wait_deadline<'d>(
        &mut self,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<process::ExitStatus> {
        drop(self.stdin.take());
        if let Some(status) = self.try_wait()? {
            return Ok(status);
        }
        self.process.wait_exit_deadline(deadline)?;
        self.child.wait().map_err(|error| self.failed("wait for the end of", error))
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn try_wait(&mut self) -> Result<Option<process::ExitStatus>> {
        self.child.try_wait().map_err(|error| self.failed("look for the end of", error))
    }

    /// Ends it by force, without waiting for its end. One that has ended is left as it is.
    ///
    /// # Errors
    ///
    /// `PermissionDenied`; `Os`, where the system fails.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().map_err(|error| self.failed("kill", error))
    }

    /// Waits until the child has taken what it was [passed](crate::generic::Command::pass), however long that
    /// takes.
    ///
    /// # Errors
    ///
    /// Those of [`handshake_deadline`](Self::handshake_deadline).
    pub fn handshake(&mut self) -> Result<()> {
        self.handshake_deadline(Deadline::NEVER)
    }

    /// Waits until the child has taken what it was [passed](crate::generic::Command::pass), which it does
    /// when it first asks for something. So both know that they understand each other.
    ///
    /// It returns at once where nothing was passed, and the second time.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the child has ended before it took anything;
    /// `VersionMismatch` where it has another version of strait; `PeerCorrupt` where it couldn't take all;
    /// `TimedOut`, `Cancelled`.
    pub fn handshake_deadline<'d>(&mut self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        let Some(Handshake { child, endpoints }) = &self.handshake else { return Ok(()) };
        let mut answer = [0; Greeting::LEN];
        let deadline = deadline.into().check(GREET)?;
        let Some(len) = self.answer(child, &mut answer, deadline)? else {
            let why = "it ended before it took what it was passed";
            return Err(Error::new(ErrorKind::Disconnected, GREET, why).on(self.id()));
        };
        let answer = Greeting::from_bytes(&answer[..len], GREET);
        let taken = answer.map_err(|error| error.on(self.id()))?.endpoints;
        if taken != *endpoints {
            let why = format!("it could take {taken} of {endpoints}");
            return Err(Error::new(ErrorKind::PeerCorrupt, GREET, why).on(self.id()));
        }
        self.handshake = None;
        Ok(())
    }

    /// The same, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`handshake_deadline`](Self::handshake_deadline).
    pub fn handshake_timeout(&mut self, timeout: Duration) -> Result<()> {
        self.handshake_deadline(timeout)
    }

    /// How long the child's answer is; `None` where none comes any more.
    fn answer(
        &self,
        child: &B::Socket,
        answer: &mut [u8],
        deadline: Deadline<'_>,
    ) -> Result<Option<usize>> {
        // Whatever it has started may hold the connection, too: its own end is looked for.
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        loop {
            let lives = self.process.is_alive();
            let now = if lives { deadline.within(LOOK_EVERY) } else { Deadline::now() };
            match child.receive(answer, None, now) {
                Ok(came) if came.is_end => return Ok(None),
                Ok(came) => return Ok(Some(came.len)),
                Err(error) if error.kind() != ErrorKind::TimedOut => {
                    // Cancelled, or what a child says that isn't one of strait's.
                    return Err(Error::new(error.kind(), GREET, error.to_string()).on(self.id()));
                }
                Err(_) if !lives => return Ok(None),
                Err(_) if deadline.has_passed() => return Err(deadline.error(GREET).on(self.id())),
                Err(_) => {}
            }
        }
    }

    fn failed(&self, operation: &'static str, error: std::io::Error) -> Error {
        Error::os(operation, error).on(format!("process {}", self.process.id()))
    }
}

impl<B: Backend> Drop for Child<B> {
    fn drop(&mut self) {
        if self.kill_on_drop {
            // One that has been waited for already isn't killed again.
            let _ = self.child.kill().and_then(|()| self.child.wait());
        }
    }
}

impl<B: Backend> fmt::Debug for Child<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("id", &self.id()).finish_non_exhaustive()
    }
}

const GREET: &str = "hand endpoints to the child";
