//! Handles.

use super::Native;
use crate::{
    Error, ErrorKind, Result,
    cancel::CancelToken,
    duplex::Duplex,
    endpoint::Handle,
    local::{Listener, LocalDatagram, LocalSocket, LocalStream},
    pipe::{PipeReader, PipeWriter},
    process::Process,
    signals::Signals,
};
use std::{
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    process::{Child, Stdio},
};
use strait_core::Transfer;
use strait_windows::WindowsHandle;

impl AsHandle for Handle<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

/// Any handle can be handed over.
impl From<OwnedHandle> for Handle<Native> {
    fn from(handle: OwnedHandle) -> Self {
        Self::from_backend(handle.into())
    }
}

impl From<Handle<Native>> for OwnedHandle {
    fn from(handle: Handle<Native>) -> Self {
        handle.into_backend().into()
    }
}

/// Signalled from the moment of its cancellation on.
impl AsHandle for CancelToken<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

/// Signalled when a signal has come, until `try_recv` says `WouldBlock`.
impl AsHandle for Signals<Native> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

macro_rules! pipe {
    ($end:ident) => {
        /// An overlapped handle, for other programs. They have to read and write as those of overlapped handles do, or
        /// one thing at a time, as a child does with its input and output.
        impl TryFrom<$end<Native>> for OwnedHandle {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                end.into_backend().try_into()
            }
        }

        /// Where it is the right end of a pipe, with a name or without, and was opened as overlapped: operations on
        /// others can't end at a deadline. The ends of std's pipes to a child are overlapped.
        impl TryFrom<OwnedHandle> for $end<Native> {
            type Error = Error;

            fn try_from(end: OwnedHandle) -> Result<Self> {
                Ok(Self::from_backend(end.try_into()?))
            }
        }

        /// For a child's input or output.
        impl TryFrom<$end<Native>> for Stdio {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                Ok(OwnedHandle::try_from(end)?.into())
            }
        }
    };
}

pipe!(PipeReader);
pipe!(PipeWriter);

macro_rules! socket {
    ($end:ident, $into_backend:expr) => {
        /// The handle of a pipe of messages, which only strait understands: for another process. `InvalidInput` where
        /// something has come that nobody has received.
        impl TryFrom<$end<Native>> for OwnedHandle {
            type Error = Error;

            fn try_from(end: $end<Native>) -> Result<Self> {
                Ok($into_backend(end)?.into_handle()?.into())
            }
        }

        /// Where it is one of strait's connections, of this sort.
        impl TryFrom<OwnedHandle> for $end<Native> {
            type Error = Error;

            fn try_from(end: OwnedHandle) -> Result<Self> {
                Self::from_backend(Transfer::from_handle(WindowsHandle::from(end))?)
            }
        }
    };
}

socket!(LocalStream, LocalStream::into_backend);
socket!(LocalDatagram, |end: LocalDatagram<_>| Ok::<_, Error>(end.into_backend()));

/// Signalled while somebody waits to be accepted.
impl<C> AsHandle for Listener<Native, C> {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.backend().as_handle()
    }
}

impl Duplex<Native> {
    /// The other end of a child's input and output, which it takes out of `child`.
    ///
    /// Dropping it, or [`close_write`](Self::close_write), is the end of the child's input.
    ///
    /// ```no_run
    /// use std::{io::{Read, Write}, process::{Command, Stdio}};
    /// use strait::Duplex;
    ///
    /// let mut child =
    ///     Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    /// let mut sort = Duplex::of_child(&mut child)?;
    /// sort.write_all(b"second\r\nfirst\r\n")?;
    ///
    /// let mut sorted = String::new();
    /// sort.close_write().read_to_string(&mut sorted)?;
    /// assert_eq!(sorted, "first\r\nsecond\r\n");
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
        let copy = |end: BorrowedHandle<'_>| {
            end.try_clone_to_owned().map_err(|error| Error::os(ATTACH, error))
        };
        let reader = PipeReader::try_from(copy(stdout.as_handle())?)?;
        let writer = PipeWriter::try_from(copy(stdin.as_handle())?)?;
        // The child's input ends with the last handle.
        drop((child.stdin.take(), child.stdout.take()));
        Ok(Self::new(reader, writer))
    }
}

impl Process<Native> {
    /// Sends Ctrl-Break to a group of processes that share the console of this one, whether they use strait or not:
    /// to this process and what it has started, where it was started with `CREATE_NEW_PROCESS_GROUP`
    /// (`creation_flags` of std's `CommandExt`). With strait it arrives as [`Signal::Quit`](crate::Signal::Quit),
    /// from nobody. It ends those that don't handle it.
    ///
    /// That this process leads a group is the caller's to know: where it doesn't, the system sends to everybody who
    /// shares the console, and so to the calling process. No other event reaches a group only: the system
    /// doesn't limit Ctrl-C to one.
    ///
    /// # Errors
    ///
    /// `NotFound`, where it has ended; `InvalidInput`, where it doesn't share the console of the calling process, or
    /// that has none.
    pub fn send_break_to_group(&self) -> Result<()> {
        Native::send_break_to_group(&self.identity())
    }
}
