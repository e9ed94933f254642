//! What is measured, and how two processes come to have the same one.

use crate::Result;
use std::process;
use strait::SharedMemory;

/// Something in named memory that is measured.
pub trait Subject: Sized {
    /// What it is called in the report: letters, digits and `-`.
    const NAME: &'static str;

    /// Makes one in shared memory of this name.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn create(name: &str) -> Result<Self>;

    /// Opens the one in shared memory of this name.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn open(name: &str) -> Result<Self>;

    /// What the peer does with it until it is killed.
    fn oppose(&self) -> !;
}

/// A subject that no other process has.
///
/// # Errors
///
/// Those of creating it.
pub fn alone<S: Subject>() -> Result<S> {
    let (subject, name) = named::<S>()?;
    forget(&name)?;
    Ok(subject)
}

/// A subject, and the name of its memory, which has to be forgotten.
pub(crate) fn named<S: Subject>() -> Result<(S, String)> {
    let name = format!("bench/{}-{}", S::NAME, process::id());
    Ok((S::create(&name)?, name))
}

/// Frees the name as soon as all have it open who need it, so that a benchmark that is killed leaves
/// nothing behind.
pub(crate) fn forget(name: &str) -> Result {
    Ok(SharedMemory::remove(name)?)
}
