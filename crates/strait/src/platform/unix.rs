//! Descriptors.

use super::Native;
use crate::{
    Error, Result,
    cancel::CancelToken,
    pipe::{PipeReader, PipeWriter},
    signals::Signals,
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::Stdio,
};

macro_rules! descriptor {
    ($end:ident) => {
        /// It doesn't block: what finds nothing to do says `EAGAIN`, as event loops want it.
        impl AsFd for $end<Native> {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.backend().as_fd()
            }
        }

        /// One that blocks, for other programs.
        impl TryFrom<$end<Native>> for OwnedFd {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                end.into_backend().try_into()
            }
        }

        /// Where it is the right end of a pipe, with a name or without.
        impl TryFrom<OwnedFd> for $end<Native> {
            type Error = Error;

            fn try_from(file: OwnedFd) -> Result<Self> {
                Ok(Self::from_backend(file.try_into()?))
            }
        }

        /// For a child's input or output.
        impl TryFrom<$end<Native>> for Stdio {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                Ok(OwnedFd::try_from(end)?.into())
            }
        }
    };
}

descriptor!(PipeReader);
descriptor!(PipeWriter);

/// Readable from the moment of its cancellation on, for event loops. Don't read from it.
impl AsFd for CancelToken<Native> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.backend().as_fd()
    }
}

/// Readable when a signal has come, until `try_recv` says `WouldBlock`.
impl AsFd for Signals<Native> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.backend().as_fd()
    }
}
