//! Handles that tasks wait for.

use super::Native;
use crate::{CancelToken, Error, ErrorKind, Process, Result};
use std::os::windows::io::AsHandle;
use strait_windows::{NewName, signalled};

pub(crate) use strait_windows::Ready;

/// Waits until somebody cancels.
pub(crate) async fn cancelled(token: &CancelToken) -> Result<()> {
    let copy = token.as_handle().try_clone_to_owned();
    signalled(copy.map_err(|error| Error::os("wait for a cancellation", error))?).await
}

/// Waits until a process has ended.
pub(crate) async fn ended(process: &Process) -> Result<()> {
    match Native::end_of_process(&process.identity())? {
        Some(end) => signalled(end).await,
        None => Ok(()),
    }
}

/// Makes attempts to connect to a name until one says something else than that nobody is found.
pub(crate) async fn when_bound<T>(name: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let change = NewName::of(name)?;
    loop {
        // Before the look, so that nobody is missed who comes after it.
        change.listen();
        match attempt() {
            Err(error) if error.kind() == ErrorKind::NotFound => change.changed().await?,
            done => return done,
        }
    }
}
