//! Two pipes, one each way.

use super::{PipeReader, PipeWriter};
use crate::{Error, Result};
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// One end of two pipes: a [`Duplex`](crate::Duplex) that is an [`AsyncRead`] and an [`AsyncWrite`].
///
/// Both ends are independent: `shutdown` tells the peer that nothing more comes, and what the peer sends is
/// still received.
///
/// ```
/// use std::process::{Command, Stdio};
/// use strait::tokio::Duplex;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut child =
///     Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// let mut echo = Duplex::try_from(strait::Duplex::of_child(&mut child)?)?;
/// echo.write_all(b"and back").await?;
/// echo.shutdown().await?;
///
/// let mut back = String::new();
/// echo.read_to_string(&mut back).await?;
/// assert_eq!(back, "and back");
/// # child.wait()?;
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// That of its two ends: a `read` that is dropped has taken nothing, a `write` has written nothing.
#[derive(Debug)]
pub struct Duplex {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Duplex {
    /// Two ends that are each other's.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles; `Unsupported` outside of a runtime.
    pub fn pair() -> Result<(Self, Self)> {
        let (here, there) = crate::Duplex::pair()?;
        Ok((here.try_into()?, there.try_into()?))
    }

    /// The end that reads from one pipe and writes to another.
    pub fn new(reader: PipeReader, writer: PipeWriter) -> Self {
        Self { reader, writer }
    }

    /// The two pipes' ends, for a task each.
    pub fn into_split(self) -> (PipeReader, PipeWriter) {
        (self.reader, self.writer)
    }

    /// The end that waits by blocking.
    ///
    /// # Errors
    ///
    /// `Disconnected`, where it was shut down.
    pub fn into_sync(self) -> Result<crate::Duplex> {
        Ok(crate::Duplex::new(self.reader.into_sync(), self.writer.into_sync()?))
    }
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::Duplex> for Duplex {
    type Error = Error;

    fn try_from(end: crate::Duplex) -> Result<Self> {
        let (reader, writer) = end.split();
        Ok(Self::new(reader.try_into()?, writer.try_into()?))
    }
}

/// # Errors
///
/// `Disconnected`, where it was shut down.
impl TryFrom<Duplex> for crate::Duplex {
    type Error = Error;

    fn try_from(end: Duplex) -> Result<Self> {
        end.into_sync()
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
