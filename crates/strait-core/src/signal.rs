//! Signals: what one process tells another without a word, and the system tells all.

use crate::{Deadline, Error, ErrorKind, ProcessIdentity, Result};
use std::{fmt, str::FromStr};

/// A signal.
///
/// | variant | name | number | what it does where nobody handles it | may be handled |
/// |---|---|---|---|---|
/// | `HangUp` | `SIGHUP` | 1 | ends the process | yes |
/// | `Interrupt` | `SIGINT` | 2 | ends the process | yes |
/// | `Quit` | `SIGQUIT` | 3 | ends the process, with a core dump | yes |
/// | `Abort` | `SIGABRT` | 6 | ends the process, with a core dump | no: it is how what is broken ends |
/// | `Kill` | `SIGKILL` | 9 | ends the process | no: the system doesn't permit it |
/// | `User1` | `SIGUSR1` | 10 | ends the process | yes |
/// | `User2` | `SIGUSR2` | 12 | ends the process | yes |
/// | `Pipe` | `SIGPIPE` | 13 | ends the process; Rust programs ignore it | yes |
/// | `Alarm` | `SIGALRM` | 14 | ends the process | yes |
/// | `Terminate` | `SIGTERM` | 15 | ends the process | yes |
/// | `Child` | `SIGCHLD` | 17 | nothing | yes |
/// | `Continue` | `SIGCONT` | 18 | continues the process, also where it is handled | yes |
/// | `Stop` | `SIGSTOP` | 19 | stops the process | no: the system doesn't permit it |
/// | `TerminalStop` | `SIGTSTP` | 20 | stops the process | yes |
/// | `TerminalInput` | `SIGTTIN` | 21 | stops the process | yes |
/// | `TerminalOutput` | `SIGTTOU` | 22 | stops the process | yes |
/// | `WindowChange` | `SIGWINCH` | 28 | nothing | yes |
///
/// The numbers are those of Linux on most processors; others differ from 10 on. As text a signal is its
/// variant in small letters with hyphens (`hang-up`), and is read from any of `hang-up`, `HangUp`, `HUP`
/// and `SIGHUP`, in capital or small letters.
///
/// ```
/// use strait_core::Signal;
///
/// assert_eq!(Signal::HangUp.to_string(), "hang-up");
/// for name in ["hang-up", "HangUp", "hup", "SIGHUP"] {
///     assert_eq!(name.parse::<Signal>()?, Signal::HangUp);
/// }
/// assert!("huup".parse::<Signal>().is_err());
/// # Ok::<(), strait_core::Error>(())
/// ```
///
/// # Portability
///
/// A backend that lacks a signal refuses it with `Unsupported`: on Windows these are `Child`, `Continue`, and those
/// that stop a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// The terminal is gone; by custom, a service is to read its configuration again.
    HangUp,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-\.
    Quit,
    /// The process is broken and ends itself.
    Abort,
    /// The process is to end at once.
    Kill,
    /// What the programs agree on.
    User1,
    /// What the programs agree on.
    User2,
    /// Something was written that nobody reads.
    Pipe,
    /// A timer has run out.
    Alarm,
    /// The process is asked to end.
    Terminate,
    /// A child has ended, stopped or gone on.
    Child,
    /// The process is to go on.
    Continue,
    /// The process is to stop at once.
    Stop,
    /// Ctrl-Z.
    TerminalStop,
    /// The process reads from the terminal in the background.
    TerminalInput,
    /// The process writes to the terminal in the background.
    TerminalOutput,
    /// The terminal has another size.
    WindowChange,
}

/// A signal that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// Which one.
    pub signal: Signal,
    /// Who sent it, where the system tells; of [`Child`](Signal::Child), the child. Not for what the
    /// system itself sends, nor where the sender can't be seen from here.
    pub sender: Option<Sender>,
}

/// Who sent a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sender {
    /// The number of the process. It may have ended, and its number may be another's by now.
    pub pid: u32,
    /// The number of the user.
    pub user: u32,
}

/// Receiving and sending signals.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux | `sigaction`, `pidfd_send_signal` |
/// | macOS, FreeBSD | `sigaction`, `kill` |
/// | Windows | console control events; the rest over shared memory and a named event of each process |
pub trait Signals {
    /// What receives.
    type Subscription: Subscription;

    /// Receives these signals from now on, in place of what they would do otherwise, until it is closed
    /// or dropped; then that is there again which was there before. There may be several of one signal,
    /// each of which receives it.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where there are none, or one can't be handled: then none is received.
    fn subscribe(signals: &[Signal]) -> Result<Self::Subscription>;

    /// As [`subscribe`](Self::subscribe), for the one that this process handles the signal by: it is closed
    /// where that is called for the signal again, or [`ignore`](Self::ignore) or [`reset`](Self::reset).
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where it can't be handled.
    fn take_over(signal: Signal) -> Result<Self::Subscription>;

    /// Has a signal do nothing, where nobody has subscribed to it.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where it can't be ignored.
    fn ignore(signal: Signal) -> Result<()>;

    /// Has a signal do what it does by default, where nobody has subscribed to it.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where it can't do anything else.
    fn reset(signal: Signal) -> Result<()>;

    /// Whether the signal does nothing because this process, or who started it, wanted it so, where
    /// nobody has subscribed to it.
    ///
    /// # Errors
    ///
    /// `Unsupported`, where this system doesn't have it.
    fn is_ignored(signal: Signal) -> Result<bool>;

    /// Sends a signal to that very process, and to no later one of the same number.
    ///
    /// # Errors
    ///
    /// `NotFound`, where it has ended; `PermissionDenied`, where this user may not.
    fn send(process: &ProcessIdentity, signal: Signal) -> Result<()>;

    /// The system's own number of a signal.
    fn number(signal: Signal) -> Option<i32>;
}

/// What receives signals.
pub trait Subscription: Send + Sync + fmt::Debug + 'static {
    /// Waits for the next signal. Each arrival is received by one of those who wait.
    ///
    /// # Errors
    ///
    /// `TimedOut`, `Cancelled`; `Disconnected`, where it is closed and all that arrived before was received, and in a
    /// forked child.
    fn receive(&self, deadline: Deadline<'_>) -> Result<Arrival>;

    /// Receives nothing any more. Those who wait return when all that has arrived is received.
    fn close(&self);
}

impl Signal {
    /// All signals.
    pub const ALL: [Self; 17] = [
        Self::HangUp,
        Self::Interrupt,
        Self::Quit,
        Self::Abort,
        Self::Kill,
        Self::User1,
        Self::User2,
        Self::Pipe,
        Self::Alarm,
        Self::Terminate,
        Self::Child,
        Self::Continue,
        Self::Stop,
        Self::TerminalStop,
        Self::TerminalInput,
        Self::TerminalOutput,
        Self::WindowChange,
    ];

    /// Its name in POSIX: `SIGHUP`.
    pub const fn posix_name(self) -> &'static str {
        self.names().1
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::HangUp => ("hang-up", "SIGHUP"),
            Self::Interrupt => ("interrupt", "SIGINT"),
            Self::Quit => ("quit", "SIGQUIT"),
            Self::Abort => ("abort", "SIGABRT"),
            Self::Kill => ("kill", "SIGKILL"),
            Self::User1 => ("user1", "SIGUSR1"),
            Self::User2 => ("user2", "SIGUSR2"),
            Self::Pipe => ("pipe", "SIGPIPE"),
            Self::Alarm => ("alarm", "SIGALRM"),
            Self::Terminate => ("terminate", "SIGTERM"),
            Self::Child => ("child", "SIGCHLD"),
            Self::Continue => ("continue", "SIGCONT"),
            Self::Stop => ("stop", "SIGSTOP"),
            Self::TerminalStop => ("terminal-stop", "SIGTSTP"),
            Self::TerminalInput => ("terminal-input", "SIGTTIN"),
            Self::TerminalOutput => ("terminal-output", "SIGTTOU"),
            Self::WindowChange => ("window-change", "SIGWINCH"),
        }
    }

    fn is_called(self, name: &str) -> bool {
        let (words, posix) = self.names();
        name.eq_ignore_ascii_case(words)
            || name.eq_ignore_ascii_case(posix)
            || name.eq_ignore_ascii_case(&posix["SIG".len()..])
            || name.eq_ignore_ascii_case(&words.replace('-', ""))
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.names().0)
    }
}

impl FromStr for Signal {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|signal| signal.is_called(name)).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "use the signal", "there is none of that name")
                .on(name)
                .hint("INT, TERM, HUP, QUIT, USR1, USR2, …")
        })
    }
}

impl Arrival {
    /// That `signal` has arrived, from `sender`.
    pub const fn new(signal: Signal, sender: Option<Sender>) -> Self {
        Self { signal, sender }
    }
}

impl Sender {
    /// The process `pid`, of `user`.
    pub const fn new(pid: u32, user: u32) -> Self {
        Self { pid, user }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_is_read_from_each_of_its_names() {
        for signal in Signal::ALL {
            let short = &signal.posix_name()[3..];
            let names = [&signal.to_string(), &format!("{signal:?}"), signal.posix_name(), short];
            for name in names {
                for name in [name, &name.to_lowercase(), &name.to_uppercase()] {
                    assert_eq!(name.parse::<Signal>().ok(), Some(signal), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_signal_is_an_error() {
        for name in ["", "SIG", "9", "SIGSEGV", "interrupt ", "SIG-INT", "ünt"] {
            let error = name.parse::<Signal>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
        }
    }
}
