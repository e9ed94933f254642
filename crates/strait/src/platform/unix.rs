//! Descriptors.

use super::Native;
use crate::{
    Error, ErrorKind, Result,
    cancel::CancelToken,
    duplex::Duplex,
    endpoint::Handle,
    local::{Listener, LocalDatagram, LocalSocket, LocalStream},
    pipe::{PipeReader, PipeWriter},
    signals::Signals,
};
use std::{
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Stdio},
};

impl AsFd for Handle<Native> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.backend().as_fd()
    }
}

/// Any descriptor can be handed over. From here on it is closed on exec.
impl From<OwnedFd> for Handle<Native> {
    fn from(file: OwnedFd) -> Self {
        Self::from_backend(file.into())
    }
}

impl From<Handle<Native>> for OwnedFd {
    fn from(handle: Handle<Native>) -> Self {
        handle.into_backend().into()
    }
}

macro_rules! socket {
    ($end:ident, $into_backend:expr) => {
        /// It may block, as its file description is shared with clones and with who handed it over.
        impl AsFd for $end<Native> {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.backend().as_fd()
            }
        }

        /// One that blocks, for other programs. Of a stream, `InvalidInput` where part of a message with
        /// handles has come.
        impl TryFrom<$end<Native>> for OwnedFd {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                $into_backend(end)?.try_into()
            }
        }

        /// Where it is a connected local socket of this sort.
        impl TryFrom<OwnedFd> for $end<Native> {
            type Error = Error;

            fn try_from(file: OwnedFd) -> Result<Self> {
                Self::from_backend(file.try_into()?)
            }
        }
    };
}

socket!(LocalStream, LocalStream::into_backend);
socket!(LocalDatagram, |end: LocalDatagram<_>| Ok::<_, Error>(end.into_backend()));

/// One that blocks. `InvalidInput` where part of a message with handles has come.
impl TryFrom<LocalStream<Native>> for UnixStream {
    type Error = Error;

    fn try_from(end: LocalStream<Native>) -> Result<Self> {
        Ok(OwnedFd::try_from(end)?.into())
    }
}

/// Where it is connected.
impl TryFrom<UnixStream> for LocalStream<Native> {
    type Error = Error;

    fn try_from(stream: UnixStream) -> Result<Self> {
        OwnedFd::from(stream).try_into()
    }
}

/// It doesn't block: what finds nobody says `EAGAIN`, as event loops want it.
impl<C> AsFd for Listener<Native, C> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.backend().as_fd()
    }
}

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

impl Duplex<Native> {
    /// The other end of a child's input and output, which it takes out of `child`.
    ///
    /// Dropping it, or [`close_write`](Self::close_write), is the end of the child's input.
    ///
    /// ```
    /// use std::{io::{Read, Write}, process::{Command, Stdio}};
    /// use strait::Duplex;
    ///
    /// let mut child =
    ///     Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    /// let mut echo = Duplex::of_child(&mut child)?;
    /// echo.write_all(b"and back")?;
    ///
    /// let mut back = String::new();
    /// echo.close_write().read_to_string(&mut back)?;
    /// assert_eq!(back, "and back");
    /// assert!(child.wait()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where the child was started without pipes, or they were taken; then `child` is left
    /// as it was.
    pub fn of_child(child: &mut Child) -> Result<Self> {
        const ATTACH: &str = "attach to a child's input and output";
        let (Some(stdin), Some(stdout)) = (&child.stdin, &child.stdout) else {
            let why = "they are no pipes, or were taken already";
            return Err(Error::new(ErrorKind::InvalidInput, ATTACH, why)
                .hint("start it with .stdin(Stdio::piped()).stdout(Stdio::piped())"));
        };
        let copy =
            |fd: BorrowedFd<'_>| fd.try_clone_to_owned().map_err(|error| Error::os(ATTACH, error));
        let reader = PipeReader::try_from(copy(stdout.as_fd())?)?;
        let writer = PipeWriter::try_from(copy(stdin.as_fd())?)?;
        // The child's input ends with the last handle.
        drop((child.stdin.take(), child.stdout.take()));
        Ok(Self::new(reader, writer))
    }
}
