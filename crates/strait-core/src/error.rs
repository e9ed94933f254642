//! The one error type: what was tried, on what, why it failed, and what to do about it.

use std::{fmt, io};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation of strait failed.
///
/// [`Display`](fmt::Display) says what was tried, on what, why it failed and, where it helps, what
/// to do. It shows one level: the error of the operating system, if there was one, is the
/// [`source`](std::error::Error::source). Programs decide by [`kind`](Self::kind).
///
/// ```
/// use strait_core::{ErrorKind, Name};
///
/// let error = Name::new("../etc").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// assert!(error.to_string().starts_with("cannot use the name \"../etc\": "));
/// ```
#[derive(thiserror::Error)]
#[error("{body}")]
pub struct Error {
    // Boxed so that a `Result` on the data path stays small.
    body: Box<Body>,
    source: Option<io::Error>,
}

/// What sort of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument can't be used: a bad name, a zero length, an offset out of bounds.
    InvalidInput,
    /// Nothing has that name.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// A live listener has that name.
    AddrInUse,
    /// This user may not do that, or the mapping is read-only.
    PermissionDenied,
    /// The memory or the file system that holds shared memory is full.
    OutOfMemory,
    /// A message is longer than its channel carries.
    TooLarge,
    /// The deadline passed.
    TimedOut,
    /// The wait was cancelled before its deadline.
    Cancelled,
    /// A `try_` call would have had to wait.
    WouldBlock,
    /// The peer has closed its end or has died, and all that it sent has been received.
    Disconnected,
    /// What was opened isn't strait's.
    Foreign,
    /// What was opened has another layout version.
    VersionMismatch,
    /// What was opened holds another type or is another kind of object.
    TypeMismatch,
    /// A peer wrote something that no correct peer writes.
    PeerCorrupt,
    /// Another process is changing the same name and did not finish.
    Busy,
    /// Who held the lock died, and may have left what it guards half changed.
    OwnerDied,
    /// Who held the lock died, and nobody has repaired what it guards.
    NotRecoverable,
    /// This thread would wait for itself.
    Deadlock,
    /// More processes or threads than the thing has room for.
    LimitReached,
    /// The backend doesn't offer this.
    Unsupported,
    /// The operating system failed in another way: see the source.
    Os,
}

impl Error {
    /// An error of `kind`: the operation as an infinitive (`"create shared memory"`), and why it
    /// failed.
    pub fn new(kind: ErrorKind, operation: &'static str, reason: impl Into<String>) -> Self {
        let body = Body { kind, operation, subject: None, reason: reason.into(), hint: None };
        Self { body: Box::new(body), source: None }
    }

    /// An error made from what the operating system said; the kind follows from its code.
    pub fn os(operation: &'static str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        let (kind, reason) = classify(&source);
        Self::new(kind, operation, reason).with_source(source)
    }

    /// Names what the operation was tried on.
    #[must_use]
    pub fn on(mut self, subject: impl fmt::Display) -> Self {
        self.body.subject = Some(subject.to_string());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<io::Error>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.body.kind
    }

    /// What was tried, as an infinitive: `"create shared memory"`.
    pub fn operation(&self) -> &'static str {
        self.body.operation
    }

    /// What it was tried on: a name or a path, where there is one.
    pub fn subject(&self) -> Option<&str> {
        self.body.subject.as_deref()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.body.kind).field("message", &self.to_string());
        if let Some(source) = &self.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::TooLarge => io::ErrorKind::InvalidInput,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::AddrInUse => io::ErrorKind::AddrInUse,
            ErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
            ErrorKind::OutOfMemory => io::ErrorKind::OutOfMemory,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::Disconnected => io::ErrorKind::BrokenPipe,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::Foreign
            | ErrorKind::VersionMismatch
            | ErrorKind::TypeMismatch
            | ErrorKind::PeerCorrupt => io::ErrorKind::InvalidData,
            ErrorKind::Deadlock => io::ErrorKind::Deadlock,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

struct Body {
    kind: ErrorKind,
    operation: &'static str,
    subject: Option<String>,
    reason: String,
    hint: Option<String>,
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if let Some(subject) = &self.subject {
            write!(f, " {subject:?}")?;
        }
        write!(f, ": {}", self.reason)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// The kind of an operating system's error, and the reason in words for the ones that are common.
fn classify(source: &io::Error) -> (ErrorKind, String) {
    let (kind, reason) = match source.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist"),
        io::ErrorKind::AlreadyExists => (ErrorKind::AlreadyExists, "it already exists"),
        io::ErrorKind::AddrInUse => (ErrorKind::AddrInUse, "the name is in use"),
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::PermissionDenied, "this user is not permitted to")
        }
        io::ErrorKind::OutOfMemory => (ErrorKind::OutOfMemory, "there is not enough memory"),
        io::ErrorKind::StorageFull => (ErrorKind::OutOfMemory, "there is no space left"),
        io::ErrorKind::FileTooLarge => (ErrorKind::OutOfMemory, "it is larger than the limit"),
        io::ErrorKind::TimedOut => (ErrorKind::TimedOut, "the deadline passed"),
        io::ErrorKind::WouldBlock => (ErrorKind::WouldBlock, "it would have to wait"),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            (ErrorKind::Disconnected, "the peer is gone")
        }
        io::ErrorKind::Unsupported => (ErrorKind::Unsupported, "the system does not offer it"),
        _ => return (ErrorKind::Os, format!("the system said: {source}")),
    };
    (kind, reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn display_says_what_was_tried_on_what_why_and_what_to_do() {
        let error = Error::new(ErrorKind::AlreadyExists, "create shared memory", "it exists")
            .on("frame")
            .hint("open it instead");
        assert_eq!(
            error.to_string(),
            "cannot create shared memory \"frame\": it exists (open it instead)"
        );
    }

    #[test]
    fn the_cause_is_the_source_and_not_in_the_message() {
        let error = Error::os("open shared memory", io::Error::from_raw_os_error(2));
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(!error.to_string().contains("os error"));
        assert!(error.source().is_some_and(|source| source.to_string().contains("os error 2")));
    }

    #[test]
    fn an_error_is_sixteen_bytes_at_most_on_the_data_path() {
        assert!(size_of::<Result<()>>() <= 16);
    }
}
