//! The parent's side of a peer: a child process that plays an actor.

use crate::{
    IntoVerdict, Stage,
    actor::{ACTOR, key},
    executable::executable,
    patience::allowed,
    peer_error::{PeerError, Problem},
    pipes::Pipes,
};
use std::{
    ffi::{OsStr, OsString},
    fmt::Display,
    io,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, PoisonError, mpsc::RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How long after its start a peer has to be done, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child process that runs an actor. Dropping it kills and reaps it.
///
/// It is this executable, started again. Where the environment variable `STRAIT_PEERS` names others, it is the
/// next one of these: so that processes of 32 and of 64 bits can be tested with each other.
///
/// Every call that blocks returns with an error when the peer's deadline passes: 30 seconds from
/// the start, or what [`set_deadline`](Self::set_deadline) set; or so many times as long as the environment
/// variable `STRAIT_PATIENCE` says.
///
/// ```no_run
/// use strait_conformance::{Peer, Stage, Verdict};
///
/// fn double(stage: &mut Stage) -> Verdict {
///     let number: u32 = stage.arg(0).parse()?;
///     stage.say(2 * number);
///     stage.wait_for_end_of_input();
///     Ok(())
/// }
///
/// fn numbers_are_doubled() -> Verdict {
///     let mut peer = Peer::with_args(double, [21])?;
///     peer.expect("42")?;
///     Ok(peer.finish()?)
/// }
/// ```
#[derive(Debug)]
pub struct Peer {
    actor: &'static str,
    child: Child,
    pipes: Pipes,
    /// How the process ended, once it is reaped.
    ended: Option<ExitStatus>,
    patience: Duration,
    deadline: Instant,
}

impl Peer {
    /// Starts a peer.
    ///
    /// # Errors
    ///
    /// Where the process can't be started.
    pub fn start<F, R>(actor: F) -> Result<Self, PeerError>
    where
        F: Fn(&mut Stage) -> R,
        R: IntoVerdict,
    {
        Self::with_args(actor, [""; 0])
    }

    /// Starts a peer with arguments: any text without NUL.
    ///
    /// # Errors
    ///
    /// Where the process can't be started.
    pub fn with_args<F, R>(
        actor: F,
        args: impl IntoIterator<Item = impl ToString>,
    ) -> Result<Self, PeerError>
    where
        F: Fn(&mut Stage) -> R,
        R: IntoVerdict,
    {
        Self::under([""; 0], actor, args)
    }

    /// Starts a peer under another command, `["setpriv", "--reuid=65534"]`, which runs the words
    /// that follow its own as a command, with its standard streams and environment.
    ///
    /// [`id`](Self::id) and [`kill`](Self::kill) mean the process of that command. Where it stays
    /// as the actor's parent, it has to take the actor with it, as `unshare --kill-child` does.
    ///
    /// # Errors
    ///
    /// Where the command can't be started.
    pub fn under<F, R>(
        wrapper: impl IntoIterator<Item = impl AsRef<OsStr>>,
        _actor: F,
        args: impl IntoIterator<Item = impl ToString>,
    ) -> Result<Self, PeerError>
    where
        F: Fn(&mut Stage) -> R,
        R: IntoVerdict,
    {
        let actor = key::<F>();
        let wrapper = wrapper.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let args = args.into_iter().map(|arg| arg.to_string()).collect();
        let (child, pipes) = spawn(wrapper, actor, args).map_err(|error| PeerError {
            actor,
            problem: Problem::Start(error),
            stderr: String::new(),
        })?;
        let patience = allowed(PATIENCE);
        let deadline = Instant::now() + patience;
        Ok(Self { actor, child, pipes, ended: None, patience, deadline })
    }

    /// The command that starts an actor, for behaviours that are about starting processes. Its streams are
    /// those of this process, and it has no deadline.
    ///
    /// # Errors
    ///
    /// Where this process' own executable can't be found.
    pub fn command<F, R>(
        _actor: F,
        args: impl IntoIterator<Item = impl ToString>,
    ) -> io::Result<Command>
    where
        F: Fn(&mut Stage) -> R,
        R: IntoVerdict,
    {
        let mut command = Command::new(executable()?);
        command.args(args.into_iter().map(|arg| arg.to_string())).env(ACTOR, key::<F>());
        Ok(command)
    }

    /// The identifier of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives the peer `patience` from now on.
    pub fn set_deadline(&mut self, patience: Duration) {
        self.patience = allowed(patience);
        self.deadline = Instant::now() + self.patience;
    }

    /// Sends one line to the actor. Never blocks; that the peer is gone shows when it is next
    /// listened to.
    ///
    /// # Panics
    ///
    /// Where the text has more than one line.
    pub fn tell(&self, line: impl Display) {
        let line = line.to_string();
        assert!(!line.contains('\n'), "a peer is told single lines: {line:?}");
        self.pipes.write(line);
    }

    /// The next line that the actor says.
    ///
    /// # Errors
    ///
    /// Where the peer has ended after all that it said was heard, and at the deadline.
    pub fn hear(&mut self) -> Result<String, PeerError> {
        match self.pipes.read(self.left()) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(self.error(Problem::Silent(self.patience))),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.wait()?;
                Err(self.error(Problem::Ended(status)))
            }
        }
    }

    /// Waits until the actor says `line`.
    ///
    /// # Errors
    ///
    /// As [`hear`](Self::hear), and where it says something else.
    pub fn expect(&mut self, line: &str) -> Result<(), PeerError> {
        self.expect_one_of([line]).map(drop)
    }

    /// Waits until the actor says one of `lines`, and returns which.
    ///
    /// # Errors
    ///
    /// As [`expect`](Self::expect).
    pub fn expect_one_of<const N: usize>(&mut self, lines: [&str; N]) -> Result<usize, PeerError> {
        let heard = self.hear()?;
        let which = lines.iter().position(|line| *line == heard);
        which.ok_or_else(|| {
            let expected = lines.map(|line| format!("{line:?}")).join(" or ");
            self.error(Problem::Said { expected, heard })
        })
    }

    /// What the peer wrote to standard error so far.
    pub fn stderr(&self) -> String {
        self.pipes.errors()
    }

    /// Waits until the process has ended by itself, however it ended. What it said stays to be
    /// heard.
    ///
    /// # Errors
    ///
    /// At the deadline, when the process is killed.
    pub fn wait(&mut self) -> Result<ExitStatus, PeerError> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        // std can't wait for a process until a deadline, so its end is seen by that of its output,
        // which it holds until then.
        if self.pipes.wait_for_end(self.left()).is_err() {
            let ended = self.child.try_wait().map_err(|error| self.error(Problem::Os(error)))?;
            self.kill_and_reap()?;
            return Err(self.error(match ended {
                Some(status) => Problem::LeftBehind(status),
                None => Problem::Endless(self.patience),
            }));
        }
        // Between the two ends there are a few instructions of the kernel; only an actor that
        // closed its own streams stays longer.
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(*self.ended.insert(status)),
                Ok(None) if self.left().is_zero() => {
                    self.kill_and_reap()?;
                    return Err(self.error(Problem::Endless(self.patience)));
                }
                Ok(None) => thread::yield_now(),
                Err(error) => return Err(self.error(Problem::Os(error))),
            }
        }
    }

    /// Kills the process at whatever instruction it is (`SIGKILL`, `TerminateProcess`), and returns
    /// when it is dead and reaped. What it said before stays to be heard.
    ///
    /// # Errors
    ///
    /// Where the peer had already ended: a behaviour that meant to kill it would show nothing.
    pub fn kill(&mut self) -> Result<ExitStatus, PeerError> {
        let ended = match self.ended {
            Some(status) => Some(status),
            None => self.child.try_wait().map_err(|error| self.error(Problem::Os(error)))?,
        };
        if let Some(status) = ended {
            self.ended = ended;
            return Err(self.error(Problem::Ended(status)));
        }
        let status = self.kill_and_reap()?;
        // Under a wrapper, the actor is another process, and the last to hold the output.
        if self.pipes.wait_for_end(self.left()).is_err() {
            return Err(self.error(Problem::LeftBehind(status)));
        }
        Ok(status)
    }

    /// Closes the actor's input, which asks it to end, and waits until it has ended well.
    ///
    /// # Errors
    ///
    /// Where it ends with a failure, or not until the deadline.
    pub fn finish(mut self) -> Result<(), PeerError> {
        self.pipes.close_input();
        let status = self.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(self.error(Problem::Failed(status)))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn error(&self, problem: Problem) -> PeerError {
        PeerError { actor: self.actor, problem, stderr: self.stderr() }
    }

    fn kill_and_reap(&mut self) -> Result<ExitStatus, PeerError> {
        let status = self.child.kill().and_then(|()| self.child.wait());
        // Not before it is dead: an actor that is to be killed mustn't see the end of its input.
        self.pipes.close_input();
        match status {
            Ok(status) => Ok(*self.ended.insert(status)),
            // A process of another user, whom we may not kill, ends at the end of its input.
            Err(error) => Err(self.error(Problem::Os(error))),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.kill_and_reap();
        }
        // A failed assertion in the parent is often explained by what its peers complained about.
        if thread::panicking() && !self.stderr().is_empty() {
            eprintln!("standard error of the peer `{}`:\n{}", self.actor, self.stderr());
        }
    }
}

fn spawn(wrapper: Vec<OsString>, actor: &str, args: Vec<String>) -> io::Result<(Child, Pipes)> {
    // Where the system can't make a pipe that is closed on exec in one step, a process that another
    // thread starts in between inherits it, and the end of the stream never comes.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    let mut words = wrapper;
    words.push(executable()?.into_os_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(args).env(ACTOR, actor);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = command.spawn()?;
    drop(one);
    let pipes = Pipes::of(&mut child)?;
    Ok((child, pipes))
}
