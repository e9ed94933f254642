//! Monotonic deadlines that saturate, and end early where they are cancelled.

use crate::{Cancel, Error, ErrorKind, Result};
use std::time::{Duration, Instant};

/// When a wait gives up: at a moment on the monotonic clock, or never; and before that where it is
/// cancelled.
///
/// A duration too long for the clock means for ever, so `Duration::MAX` does too.
///
/// ```
/// use std::time::Duration;
/// use strait_core::Deadline;
///
/// assert!(Deadline::after(Duration::MAX).is_never());
/// assert!(Deadline::after(Duration::ZERO).has_passed());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deadline<'a> {
    at: Option<Instant>,
    cancel: Option<&'a dyn Cancel>,
}

impl<'a> Deadline<'a> {
    /// The deadline that never passes.
    pub const NEVER: Self = Self { at: None, cancel: None };

    /// The deadline that lies `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self { at: Instant::now().checked_add(timeout), cancel: None }
    }

    /// The deadline that has already passed: look once, do not wait.
    pub fn now() -> Self {
        Self::after(Duration::ZERO)
    }

    /// The same, or earlier, when `cancel` says so. Of several of these the last one counts.
    #[must_use]
    pub fn or_cancelled(self, cancel: &'a dyn Cancel) -> Self {
        Self { cancel: Some(cancel), ..self }
    }

    /// The same, or earlier, when `longest` from now is over.
    #[must_use]
    pub fn within(self, longest: Duration) -> Self {
        let left = self.remaining().map_or(longest, |left| left.min(longest));
        Self { cancel: self.cancel, ..Self::after(left) }
    }

    /// What may end it early.
    pub fn cancel(self) -> Option<&'a dyn Cancel> {
        self.cancel
    }

    /// How long until the deadline: zero once it has passed or was cancelled, `None` if it never does.
    pub fn remaining(self) -> Option<Duration> {
        if self.is_cancelled() {
            return Some(Duration::ZERO);
        }
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether the moment is over, or it was cancelled.
    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// Whether it never passes, and can't be cancelled.
    pub fn is_never(self) -> bool {
        self.at.is_none() && self.cancel.is_none()
    }

    /// Refuses to begin what was cancelled, whether it would have to wait or not: so that who is never
    /// out of work stops too.
    ///
    /// # Errors
    ///
    /// `Cancelled`.
    #[inline]
    pub fn check(self, operation: &'static str) -> Result<Self> {
        if self.is_cancelled() { Err(self.error(operation)) } else { Ok(self) }
    }

    /// The error of a wait that it ended: `Cancelled` or `TimedOut`.
    pub fn error(self, operation: &'static str) -> Error {
        self.error_because(operation, "the deadline passed")
    }

    /// The same; `why` says what did not happen in time, where that is the reason.
    pub fn error_because(self, operation: &'static str, why: &str) -> Error {
        match self.is_cancelled() {
            true => Error::new(ErrorKind::Cancelled, operation, "it was cancelled"),
            false => Error::new(ErrorKind::TimedOut, operation, why),
        }
    }

    /// Whether it was cancelled, which is more than that its moment is over.
    #[inline]
    pub fn is_cancelled(self) -> bool {
        self.cancel.is_some_and(|cancel| cancel.is_cancelled())
    }
}

impl From<Duration> for Deadline<'_> {
    fn from(timeout: Duration) -> Self {
        Self::after(timeout)
    }
}

impl From<Instant> for Deadline<'_> {
    fn from(at: Instant) -> Self {
        Self { at: Some(at), cancel: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_duration_means_for_ever() {
        assert_eq!(Deadline::after(Duration::MAX).remaining(), None);
        assert!(!Deadline::NEVER.has_passed());
    }

    #[test]
    fn what_is_past_has_nothing_remaining() {
        assert_eq!(Deadline::now().remaining(), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_to_come_has_not_passed() {
        let deadline = Deadline::after(Duration::from_secs(3600));
        assert!(!deadline.has_passed());
        assert!(deadline.remaining().is_some_and(|left| left > Duration::from_secs(3500)));
    }
}
