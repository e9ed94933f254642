//! What can go wrong with a peer.

use crate::actor::REFUSED;
use std::{error::Error, fmt, io, process::ExitStatus, time::Duration};

/// A peer did not do what its parent expected. The text includes what the peer wrote to standard
/// error.
#[derive(Debug)]
pub struct PeerError {
    pub(crate) actor: &'static str,
    pub(crate) problem: Problem,
    pub(crate) stderr: String,
}

#[derive(Debug)]
pub(crate) enum Problem {
    /// The process could not be started.
    Start(io::Error),
    /// The operating system refused something about the running process.
    Os(io::Error),
    /// It said nothing until its deadline.
    Silent(Duration),
    /// It did not end until its deadline and was killed.
    Endless(Duration),
    /// It has ended, but something that it started holds its output open.
    LeftBehind(ExitStatus),
    /// It has ended where it should have gone on.
    Ended(ExitStatus),
    /// It ended with a failure.
    Failed(ExitStatus),
    /// It said another line than the expected ones, which are quoted.
    Said { expected: String, heard: String },
}

impl PeerError {
    /// Whether the peer missed its deadline.
    pub fn is_timeout(&self) -> bool {
        matches!(self.problem, Problem::Silent(_) | Problem::Endless(_))
    }

    /// How the peer had ended, where that is what was wrong.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        match self.problem {
            Problem::Ended(status) | Problem::Failed(status) | Problem::LeftBehind(status) => {
                Some(status)
            }
            _ => None,
        }
    }
}

impl PeerError {
    /// Whether the backend didn't offer what the peer was about to do.
    pub(crate) fn is_refusal(&self) -> bool {
        match &self.problem {
            Problem::Said { heard, .. } => heard == "Unsupported",
            _ => self.exit_status().is_some_and(|status| status.code() == Some(REFUSED)),
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer `{}` {}", self.actor, self.problem)?;
        match self.stderr.trim_end() {
            "" => Ok(()),
            stderr => write!(f, "; its standard error:\n{stderr}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(_) => write!(f, "could not be started"),
            Self::Os(_) => write!(f, "could not be controlled"),
            Self::Silent(patience) => write!(f, "said nothing within its deadline of {patience:?}"),
            Self::Endless(patience) => {
                write!(f, "did not end within its deadline of {patience:?} and was killed")
            }
            Self::LeftBehind(status) => {
                write!(f, "has ended ({status}), but something that it left holds its output open")
            }
            Self::Ended(status) => write!(f, "has ended too early ({status})"),
            Self::Failed(status) => write!(f, "failed ({status})"),
            Self::Said { expected, heard } => write!(f, "said {heard:?} instead of {expected}"),
        }
    }
}

impl Error for PeerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Start(error) | Problem::Os(error) => Some(error),
            _ => None,
        }
    }
}
