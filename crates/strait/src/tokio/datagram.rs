//! Messages that keep their boundaries, two-way.

use super::{Connected, listener::sealed};
use crate::{
    Error, Native, Result,
    backend::Credentials,
    local::{LocalSocket, not_ended},
    platform::{self, Ready},
};
use strait_core::{Socket, Sockets};

/// One end of a connection that carries messages: the [`LocalDatagram`](crate::LocalDatagram) of tasks. Each
/// message arrives whole, once, and in order.
///
/// Any number of tasks can send and receive. Handles are sent and received by the one that
/// [waits by blocking](Self::into_sync).
///
/// ```
/// use strait::{ErrorKind, tokio::LocalDatagram};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> strait::Result<()> {
/// let (here, there) = LocalDatagram::pair()?;
/// here.send(b"one").await?;
/// here.send(b"").await?;
/// drop(here);
///
/// let mut buffer = [0; 16];
/// assert_eq!(there.recv(&mut buffer).await?, 3);
/// assert_eq!(there.recv(&mut buffer).await?, 0); // a message without bytes
/// assert_eq!(there.recv(&mut buffer).await.unwrap_err().kind(), ErrorKind::Disconnected);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LocalDatagram {
    socket: Ready<<Native as Sockets>::Socket>,
}

impl LocalDatagram {
    /// The length in bytes of the longest message.
    pub const MAX_LEN: usize = crate::LocalDatagram::MAX_LEN;

    /// Connects to the listener of this user that is bound to `name`. It doesn't wait for one, nor to be
    /// accepted: what is sent waits for who accepts it.
    ///
    /// # Errors
    ///
    /// Those of [`LocalDatagram::connect`](crate::generic::LocalDatagram::connect); `Unsupported` outside of
    /// a runtime.
    pub async fn connect(name: impl AsRef<str>) -> Result<Self> {
        crate::LocalDatagram::connect(name)?.try_into()
    }

    /// Connects to the listener of this user that is bound to `name`, and waits until there is one.
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
        platform::when_bound(name, || crate::LocalDatagram::connect(name)).await?.try_into()
    }

    /// Two ends of a connection that nobody else knows.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles; `Unsupported` outside of a runtime.
    pub fn pair() -> Result<(Self, Self)> {
        let (a, b) = crate::LocalDatagram::pair()?;
        Ok((a.try_into()?, b.try_into()?))
    }

    /// Sends a message, waiting for room.
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped nothing of the message was sent.
    ///
    /// # Errors
    ///
    /// `TooLarge`; `Disconnected` where the peer is gone.
    pub async fn send(&self, message: &[u8]) -> Result<()> {
        self.socket.write(|end| end.try_send(message, &[])).await.map(drop)
    }

    /// Receives the next message, waiting for it; returns its length. Handles that came with it are closed.
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped no message is lost: the next one who receives gets it.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone and everything has been received; `TooLarge` where the
    /// message is longer than the buffer: then it is still there.
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize> {
        let arrived = self.socket.read(|end| end.try_receive(buffer, None)).await?;
        Ok(not_ended(arrived)?.len)
    }

    /// Who the peer was when the connection was made, as the system knows it.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system doesn't tell.
    pub fn peer_credentials(&self) -> Result<Credentials> {
        crate::local::peer::<Native>(self.socket.end())
    }

    /// The end that waits by blocking.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn into_sync(self) -> Result<crate::LocalDatagram> {
        crate::LocalDatagram::from_backend(self.socket.into_end())
    }
}

impl sealed::Sealed for LocalDatagram {}

impl Connected for LocalDatagram {
    type Blocking = crate::LocalDatagram;
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::LocalDatagram> for LocalDatagram {
    type Error = Error;

    fn try_from(end: crate::LocalDatagram) -> Result<Self> {
        Ok(Self { socket: Ready::to_read_and_write(end.into_backend())? })
    }
}

impl TryFrom<LocalDatagram> for crate::LocalDatagram {
    type Error = Error;

    fn try_from(end: LocalDatagram) -> Result<Self> {
        end.into_sync()
    }
}
