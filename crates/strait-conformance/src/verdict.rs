//! How a behaviour ends: kept, failed, or not to be shown on this machine.

use std::{error::Error, fmt};

/// What a behaviour and an actor return.
pub type Verdict = Result<(), Failure>;

/// Why a behaviour failed. Every error converts into it with `?`, and so do strings with `.into()`.
pub type Failure = Box<dyn Error>;

/// Ends a behaviour that can't be shown here; the run reports it as ignored, with the reason.
///
/// The result has any type, so helpers can step aside for the behaviour that calls them with `?`.
///
/// # Errors
///
/// Always: that is its purpose.
///
/// ```
/// use strait_conformance::{Verdict, unavailable};
///
/// fn a_full_tmpfs_is_an_error() -> Verdict {
///     return unavailable("needs root to mount a tmpfs");
/// }
/// assert_eq!(
///     a_full_tmpfs_is_an_error().unwrap_err().to_string(),
///     "needs root to mount a tmpfs",
/// );
/// ```
pub fn unavailable<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Box::new(Unavailable(reason.into())))
}

/// What an actor may return: a [`Verdict`], or nothing at all.
pub trait IntoVerdict {
    /// The verdict that it amounts to.
    ///
    /// # Errors
    ///
    /// The error that it carries.
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for () {
    fn into_verdict(self) -> Verdict {
        Ok(())
    }
}

/// The error within the box that [`unavailable`] returns.
#[derive(Debug)]
pub(crate) struct Unavailable(String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unavailable {}

/// An error in one text, with its causes.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
