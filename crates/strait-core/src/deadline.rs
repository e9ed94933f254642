//! Monotonic deadlines that saturate.

use std::time::{Duration, Instant};

/// The moment at which a wait gives up, on the monotonic clock; or never.
///
/// A duration too long for the clock means for ever, so `Duration::MAX` does too.
///
/// ```
/// use std::time::Duration;
/// use strait_core::Deadline;
///
/// assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
/// assert!(Deadline::after(Duration::ZERO).has_passed());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline that never passes.
    pub const NEVER: Self = Self(None);

    /// The deadline that lies `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now().checked_add(timeout))
    }

    /// The deadline that has already passed: look once, do not wait.
    pub fn now() -> Self {
        Self::after(Duration::ZERO)
    }

    /// How long until the deadline: zero once it has passed, `None` if it never does.
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether the moment is over.
    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }
}

impl From<Duration> for Deadline {
    fn from(timeout: Duration) -> Self {
        Self::after(timeout)
    }
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Self {
        Self(Some(at))
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
