//! How a behaviour ends: kept, failed, refused, or not to be shown on this machine.

use crate::PeerError;
use std::{any::Any, error::Error, fmt, panic};
use strait::ErrorKind;

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

/// Whether it failed since the backend doesn't offer it: here, or in a peer.
pub(crate) fn is_refusal(failure: &(dyn Error + 'static)) -> bool {
    let here = failure.downcast_ref::<strait::Error>();
    here.is_some_and(|error| error.kind() == ErrorKind::Unsupported)
        || failure.downcast_ref::<PeerError>().is_some_and(PeerError::is_refusal)
}

/// Ends a behaviour, or an actor, with this refusal, from wherever nothing can be returned. It unwinds, but is no
/// panic: it isn't complained about.
pub(crate) fn refuse(refusal: strait::Error) -> ! {
    panic::resume_unwind(Box::new(refusal))
}

/// The refusal that has unwound so, or what else has.
pub(crate) fn refusal_of(payload: Box<dyn Any + Send>) -> Result<Failure, Box<dyn Any + Send>> {
    payload.downcast::<strait::Error>().map(|refusal| refusal as Failure)
}

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
