//! Ending waits before their time.

use crate::{Deadline, Result};
use std::{any::Any, fmt::Debug};

/// What ends waits before their time, when this process says so: a [`Deadline`] carries it to them.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | a pipe that is written to |
/// | Windows | a manual-reset event |
pub trait Cancel: Debug + Send + Sync + 'static {
    /// One that has cancelled nothing yet.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    fn new() -> Result<Self>
    where
        Self: Sized;

    /// Ends all waits that look at this, those of now and those to come.
    fn cancel(&self);

    /// Whether they were ended.
    fn is_cancelled(&self) -> bool;

    /// Waits until that is so; `false` if the deadline passed first.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    fn wait(&self, deadline: Deadline<'_>) -> Result<bool>;

    /// Itself, so that a backend knows its own kind again.
    fn as_any(&self) -> &dyn Any;
}
