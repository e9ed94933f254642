//! What can fail, and the exit code that says so.

use std::{io, path::PathBuf, process::ExitCode};
use strait::{ErrorKind, Signal, signal};

/// A result whose error is [`Failure`].
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command ended without having done what it was for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something of strait failed.
    #[error(transparent)]
    Strait(#[from] strait::Error),
    /// A file, a pipe or a terminal failed.
    #[error("cannot {what} {path:?}")]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// The system failed.
    #[error("cannot {what}")]
    System { what: &'static str, source: io::Error },
    /// A line that no message can carry.
    #[error("line {line} has more than {limit} bytes (bind the receiver with a larger --capacity)")]
    LineTooLong { line: u64, limit: usize },
    /// Something that one sentence says.
    #[error("{0}")]
    Other(String),
    /// Whoever read the output has seen enough, which is no failure to them.
    #[error("nobody reads the output any more")]
    OutputClosed,
    /// A signal asked this process to end.
    #[error("stopped by the signal {0}")]
    Stopped(Signal),
}

/// The exit codes of this command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Disconnected = 4,
    InUse = 5,
}

impl Code {
    const TABLE: &[(Self, &str)] = &[
        (Self::Failed, "something else failed: see the message"),
        (Self::Usage, "the arguments can't be used"),
        (Self::NotFound, "nobody was there, or came in time"),
        (Self::Disconnected, "the other side was gone before the end"),
        (Self::InUse, "the name is in use"),
    ];

    /// The table for `--help`.
    pub(crate) fn help() -> String {
        let row = |code: &str, meaning: &str| format!("{code:>7}  {meaning}\n");
        let mut help = "Exit codes:\n".to_owned() + &row("0", "done");
        help.extend(Self::TABLE.iter().map(|(code, why)| row(&(*code as u8).to_string(), why)));
        help + row("128+N", "ended by signal N").trim_end()
    }
}

impl Failure {
    /// What the process exits with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Strait(error) => Code::from(error.kind()),
            Self::OutputClosed => return ExitCode::SUCCESS,
            Self::Stopped(signal) => return ExitCode::from(stopped_by(*signal)),
            _ => Code::Failed,
        };
        ExitCode::from(code as u8)
    }
}

/// The exit code of a process that a signal has ended, as shells have it.
fn stopped_by(signal: Signal) -> u8 {
    let number = signal::number(signal).and_then(|number| u8::try_from(number).ok());
    number.map_or(u8::MAX, |number| number.saturating_add(128))
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::Usage,
            ErrorKind::NotFound | ErrorKind::TimedOut => Self::NotFound,
            ErrorKind::Disconnected => Self::Disconnected,
            ErrorKind::AddrInUse | ErrorKind::AlreadyExists => Self::InUse,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_every_code_in_order() {
        let help = Code::help();
        let codes: Vec<&str> =
            help.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(codes, ["0", "1", "2", "3", "4", "5", "128+N"]);
    }
}
