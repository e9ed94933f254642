//! Handing what the kernel keeps for this process over to another one.

use crate::Result;
use std::fmt::Debug;

/// Handles: what the kernel knows an open thing by, and what can be passed to another process.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | a file descriptor |
/// | Windows | a `HANDLE` |
pub trait Handles {
    /// An open thing of any sort, which is this process' own: dropping it closes it. No child process
    /// inherits it.
    type Handle: Send + Sync + Debug + 'static;
}

/// What can be handed over by its handle.
pub trait Transfer<H>: Sized {
    /// Another handle of the same thing, to be given away. `self` works as before.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what can't be given away; `Os` where there are no more handles.
    fn to_handle(&self) -> Result<H>;

    /// The handle of the thing itself, to be given away: where no more handles can be had, this can.
    ///
    /// # Errors
    ///
    /// Those of [`to_handle`](Self::to_handle); then the thing is closed.
    fn into_handle(self) -> Result<H> {
        self.to_handle()
    }

    /// The thing, out of a handle that a peer may have sent: it is checked, and nothing that the peer
    /// still does with its own changes how this one waits.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` where it is a handle of something else; `PeerCorrupt` where it is one that could
    /// hurt; `Os` where there are no more handles.
    fn from_handle(handle: H) -> Result<Self>;
}
