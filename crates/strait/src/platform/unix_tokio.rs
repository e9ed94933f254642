//! Descriptors in tokio's event loop.

use super::Native;
use crate::{CancelToken, Error, ErrorKind, Process, Result};
use std::os::fd::{AsFd, OwnedFd};
use strait_posix::NewNames;

pub(crate) use strait_posix::Ready;

/// Waits until somebody cancels. Each that waits has a descriptor of its own, as the event loop can't watch
/// one twice.
pub(crate) async fn cancelled(token: &CancelToken) -> Result<()> {
    let copy = token.as_fd().try_clone_to_owned();
    readable(copy.map_err(|error| Error::os("wait for a cancellation", error))?).await?;
    // Where a forked child has cancelled it, this process learns of it here.
    token.wait()
}

/// Waits until a process has ended.
pub(crate) async fn ended(process: &Process) -> Result<()> {
    match Native::end_of_process(&process.identity())? {
        Some(end) => readable(end).await,
        None => Ok(()),
    }
}

/// Makes attempts to connect to a name until one says something else than that nobody is found.
pub(crate) async fn when_bound<T>(_: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    match attempt() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        done => return done,
    }
    // Watched before the next look, so that nobody is missed who comes after it.
    let names = Ready::to_read(NewNames::new()?)?;
    loop {
        match attempt() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                names.read(NewNames::take).await?;
            }
            done => return done,
        }
    }
}

async fn readable(descriptor: OwnedFd) -> Result<()> {
    Ready::to_read(descriptor)?.read(|_| Ok(Some(()))).await
}
