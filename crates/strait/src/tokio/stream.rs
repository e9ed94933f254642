//! Streams of bytes, two-way.

use super::{Connected, listener::sealed};
use crate::{Error, Native, Result, backend::Credentials, local::LocalSocket, platform};
use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use platform::Ready;
use std::{
    io,
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use strait_core::{Socket, Sockets};

/// One end of a connection: a [`LocalStream`](crate::LocalStream) that is an [`AsyncRead`] and an
/// [`AsyncWrite`].
///
/// Reading gives 0 bytes where the peer has ended and everything was read. Writing where nobody reads any
/// more is an error of kind [`io::ErrorKind::BrokenPipe`], and never a signal. `shutdown` tells the peer
/// that nothing more comes.
///
/// Handles are sent and received by the one that [waits by blocking](Self::into_sync).
///
/// ```
/// use strait::tokio::LocalStream;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut here, mut there) = LocalStream::pair()?;
/// here.write_all(b"question").await?;
/// here.shutdown().await?;
///
/// let mut text = String::new();
/// there.read_to_string(&mut text).await?;
/// there.write_all(b"answer").await?;
/// drop(there);
/// here.read_to_string(&mut text).await?;
/// assert_eq!(text, "questionanswer");
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// A `read` that is dropped has taken nothing, a `write` has written nothing.
#[derive(Debug)]
pub struct LocalStream {
    socket: Ready<End>,
}

/// The half of a [`LocalStream`] that reads. See [`LocalStream::into_split`].
#[derive(Debug)]
pub struct LocalReadHalf {
    socket: Arc<Ready<End>>,
}

/// The half of a [`LocalStream`] that writes. Dropping it tells the peer that nothing more comes. See
/// [`LocalStream::into_split`].
#[derive(Debug)]
pub struct LocalWriteHalf {
    socket: Arc<Ready<End>>,
}

type End = <Native as Sockets>::Socket;

impl LocalStream {
    /// Connects to the listener of this user that is bound to `name`. It doesn't wait for one, nor to be
    /// accepted: what is sent waits for who accepts it.
    ///
    /// Other ways to connect are those of the stream that waits by blocking:
    /// `strait::LocalStream::options().owner(0).connect(name)?.try_into()`.
    ///
    /// # Errors
    ///
    /// Those of [`LocalStream::connect`](crate::generic::LocalStream::connect); `Unsupported` outside of a
    /// runtime.
    pub async fn connect(name: impl AsRef<str>) -> Result<Self> {
        crate::LocalStream::connect(name)?.try_into()
    }

    /// Connects to the listener of this user that is bound to `name`, and waits until there is one.
    ///
    /// ```
    /// use std::time::Duration;
    /// use strait::{ErrorKind, tokio::LocalStream};
    /// use tokio::time::timeout;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let stream = LocalStream::connect_when_bound("doc/nobody");
    /// assert!(timeout(Duration::from_millis(10), stream).await.is_err());
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped nobody was connected.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect), but not `NotFound`.
    pub async fn connect_when_bound(name: impl AsRef<str>) -> Result<Self> {
        let name = name.as_ref();
        platform::when_bound(name, || crate::LocalStream::connect(name)).await?.try_into()
    }

    /// Two ends of a connection that nobody else knows.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles; `Unsupported` outside of a runtime.
    pub fn pair() -> Result<(Self, Self)> {
        let (a, b) = crate::LocalStream::pair()?;
        Ok((a.try_into()?, b.try_into()?))
    }

    /// Who the peer was when the connection was made, as the system knows it.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system doesn't tell.
    pub fn peer_credentials(&self) -> Result<Credentials> {
        crate::local::peer::<Native>(self.socket.end())
    }

    /// Two halves, for a task each.
    pub fn into_split(self) -> (LocalReadHalf, LocalWriteHalf) {
        let socket = Arc::new(self.socket);
        (LocalReadHalf { socket: Arc::clone(&socket) }, LocalWriteHalf { socket })
    }

    /// The stream that waits by blocking.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn into_sync(self) -> Result<crate::LocalStream> {
        crate::LocalStream::from_backend(self.socket.into_end())
    }
}

impl sealed::Sealed for LocalStream {}

impl Connected for LocalStream {
    type Blocking = crate::LocalStream;
}

/// # Errors
///
/// `InvalidInput`, where part of a message with handles has come; `Os`, where the event loop can't watch
/// another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::LocalStream> for LocalStream {
    type Error = Error;

    fn try_from(stream: crate::LocalStream) -> Result<Self> {
        Ok(Self { socket: Ready::to_read_and_write(stream.into_backend()?)? })
    }
}

impl TryFrom<LocalStream> for crate::LocalStream {
    type Error = Error;

    fn try_from(stream: LocalStream) -> Result<Self> {
        stream.into_sync()
    }
}

impl Drop for LocalWriteHalf {
    fn drop(&mut self) {
        // Where the peer is gone, it needs not be told.
        let _ = self.socket.end().shutdown(Shutdown::Write);
    }
}

macro_rules! read {
    ($end:ident) => {
        impl AsyncRead for $end {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let attempt = |end: &End| end.try_receive(buffer.initialize_unfilled(), None);
                let arrived = ready!(self.socket.poll_read(context, attempt))?;
                buffer.advance(arrived.len);
                Poll::Ready(Ok(()))
            }
        }
    };
}

macro_rules! write {
    ($end:ident) => {
        impl AsyncWrite for $end {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                let attempt = |end: &End| end.try_send(bytes, &[]);
                Poll::Ready(Ok(ready!(self.socket.poll_write(context, attempt))?))
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(self.socket.end().shutdown(Shutdown::Write)?))
            }
        }
    };
}

read!(LocalStream);
read!(LocalReadHalf);
write!(LocalStream);
write!(LocalWriteHalf);
