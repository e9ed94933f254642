//! Pipes.

use crate::{Error, ErrorKind, Native, Result, platform::Ready};
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use strait_core::{Pipe, PipeRead, PipeWrite};

/// Makes a pipe: what is written at one end is read at the other, in order, as bytes without boundaries.
///
/// Of the two ends one may be strait's own, for another process or thread:
///
/// ```
/// use std::process::{Command, Stdio};
/// use strait::tokio::PipeReader;
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (reader, output) = strait::pipe()?;
/// let mut reader = PipeReader::try_from(reader)?;
/// let mut child = Command::new("echo").arg("hello").stdout(Stdio::try_from(output)?).spawn()?;
///
/// let mut all = String::new();
/// reader.read_to_string(&mut all).await?;
/// assert_eq!(all, "hello\n");
/// # child.wait()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `Os`, where there are no more handles; `Unsupported` outside of a runtime.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = crate::pipe()?;
    Ok((reader.try_into()?, writer.try_into()?))
}

/// The end of a pipe that is read from: a [`PipeReader`](crate::PipeReader) that is an [`AsyncRead`].
///
/// Reading gives 0 bytes where there is no writer any more and everything was read. One of a pipe with a name
/// is made of what [`NamedPipe`](crate::generic::NamedPipe) opens, which doesn't wait to read.
///
/// # Cancel safety
///
/// What was not returned by a `read` that is dropped is read by the next one.
#[derive(Debug)]
pub struct PipeReader {
    end: Ready<<Native as Pipe>::Reader>,
}

/// The end of a pipe that is written to: a [`PipeWriter`](crate::PipeWriter) that is an [`AsyncWrite`].
///
/// Where nobody reads any more that is an error of kind [`io::ErrorKind::BrokenPipe`], and never a signal.
/// At most [`ATOMIC`](Self::ATOMIC) bytes are written in one piece.
///
/// Opening a pipe with a name to write waits by blocking until somebody reads it; where somebody does, it
/// doesn't wait.
///
/// `shutdown` closes this end. Nothing is kept back, so `flush` does nothing.
///
/// ```
/// use strait::tokio::pipe;
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> strait::Result<()> {
/// let (reader, mut writer) = pipe()?;
/// drop(reader);
/// let error = writer.write(b"lost").await.unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// A `write` that is dropped has written nothing.
#[derive(Debug)]
pub struct PipeWriter {
    /// Until it is shut down.
    end: Option<Ready<<Native as Pipe>::Writer>>,
}

impl PipeReader {
    /// The end that waits by blocking.
    pub fn into_sync(self) -> crate::PipeReader {
        crate::PipeReader::from_backend(self.end.into_end())
    }
}

impl PipeWriter {
    /// As many bytes are written in one piece: all of them or none, and never with another writer's in
    /// between.
    pub const ATOMIC: usize = crate::PipeWriter::ATOMIC;

    /// The end that waits by blocking.
    ///
    /// # Errors
    ///
    /// `Disconnected`, where it was shut down.
    pub fn into_sync(self) -> Result<crate::PipeWriter> {
        let end = self.end.ok_or_else(was_shut_down)?;
        Ok(crate::PipeWriter::from_backend(end.into_end()))
    }
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::PipeReader> for PipeReader {
    type Error = Error;

    fn try_from(end: crate::PipeReader) -> Result<Self> {
        Ok(Self { end: Ready::to_read(end.into_backend())? })
    }
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::PipeWriter> for PipeWriter {
    type Error = Error;

    fn try_from(end: crate::PipeWriter) -> Result<Self> {
        Ok(Self { end: Some(Ready::to_write(end.into_backend())?) })
    }
}

impl From<PipeReader> for crate::PipeReader {
    fn from(end: PipeReader) -> Self {
        end.into_sync()
    }
}

/// # Errors
///
/// `Disconnected`, where it was shut down.
impl TryFrom<PipeWriter> for crate::PipeWriter {
    type Error = Error;

    fn try_from(end: PipeWriter) -> Result<Self> {
        end.into_sync()
    }
}

impl AsyncRead for PipeReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(
            self.end.poll_read_reopened(context, |end| end.try_read(buffer.initialize_unfilled()))
        )?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PipeWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let end = self.end.as_mut().ok_or_else(was_shut_down)?;
        let written = ready!(end.poll_write_reopened(context, |end| end.try_write(bytes)))?;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end = None;
        Poll::Ready(Ok(()))
    }
}

fn was_shut_down() -> Error {
    Error::new(ErrorKind::Disconnected, "write to a pipe", "this end was shut down")
}
