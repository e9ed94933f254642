//! The end that waits for others to connect.

use super::{LocalDatagram, LocalStream};
use crate::{
    Error, Name, Native, Result,
    generic::{self, ListenOptions},
    local::LocalSocket,
    platform::Ready,
};
use std::{fmt, marker::PhantomData};
use strait_core::{Accepted, SocketListener, Sockets};

/// What accepts [`LocalStream`]s. See [`Listener`].
pub type LocalListener = Listener<LocalStream>;

/// What accepts [`LocalDatagram`]s. See [`Listener`].
pub type LocalDatagramListener = Listener<LocalDatagram>;

/// The end that waits for others to connect: a [`Listener`](generic::Listener) that accepts a
/// [`LocalStream`] or a [`LocalDatagram`] for each. Dropping it frees the name.
///
/// It accepts peers of this process' own user, where
/// [nothing else](ListenOptions::accept_from) is asked for. Any number of tasks can accept.
///
/// ```
/// use strait::tokio::{LocalListener, LocalStream};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let name = format!("doc/tokio-listener-{}", std::process::id());
/// let listener = LocalListener::bind(&name)?;
///
/// // In any other process of this user:
/// let mut there = LocalStream::connect(&name).await?;
/// there.write_all(b"hello").await?;
/// drop(there);
///
/// let mut here = listener.accept().await?;
/// let mut text = String::new();
/// here.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # }
/// ```
pub struct Listener<C> {
    listener: Ready<<Native as Sockets>::SocketListener>,
    name: Name,
    accepted: PhantomData<fn() -> C>,
}

/// Either end of a connection that a [`Listener`] accepts: a [`LocalStream`] or a [`LocalDatagram`].
pub trait Connected: TryFrom<Self::Blocking, Error = Error> + sealed::Sealed {
    /// The end that waits by blocking.
    type Blocking: LocalSocket<Native>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

impl<C: Connected> Listener<C> {
    /// Listens under `name`, for peers of this user. It doesn't wait.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where a live listener or receiver has the name; `InvalidInput` for a bad name;
    /// `Unsupported` outside of a runtime.
    pub fn bind(name: impl AsRef<str>) -> Result<Self> {
        Self::bind_with(generic::Listener::options(), name)
    }

    /// Listens under `name` as the options of the listener that waits by blocking say.
    ///
    /// ```
    /// use strait::{AcceptFrom, tokio::LocalListener};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> strait::Result<()> {
    /// let name = format!("doc/tokio-options-{}", std::process::id());
    /// let options = strait::LocalListener::options().accept_from(AcceptFrom::Users(vec![0]));
    /// let listener = LocalListener::bind_with(options, &name)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind) and of [`ListenOptions::bind`].
    pub fn bind_with(
        options: ListenOptions<Native, C::Blocking>,
        name: impl AsRef<str>,
    ) -> Result<Self> {
        options.bind(name)?.try_into()
    }

    /// Waits until somebody connects. A peer of a user that isn't to be accepted is let go before a byte of
    /// it is read, and never returned.
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped nobody is lost: whoever has connected waits to be accepted.
    ///
    /// # Errors
    ///
    /// `LimitReached` where this process has no room for another connection: whoever has connected waits
    /// on, and is accepted when there is room.
    pub async fn accept(&self) -> Result<C> {
        let attempt = |listener: &<Native as Sockets>::SocketListener| {
            Ok(match listener.try_accept()? {
                Accepted::Peer(socket) => Some(Some(socket)),
                // Others have their turn before the next one is looked at.
                Accepted::Refused => Some(None),
                Accepted::Nobody => None,
            })
        };
        loop {
            let accepted = self.listener.read(attempt).await;
            if let Some(socket) = accepted.map_err(|error| error.on(&self.name))? {
                return C::Blocking::from_backend(socket)?.try_into();
            }
        }
    }

    /// The listener that waits by blocking.
    pub fn into_sync(self) -> generic::Listener<Native, C::Blocking> {
        generic::Listener::from_parts(self.listener.into_end(), self.name)
    }
}

impl<C> Listener<C> {
    /// The name that it is bound to.
    pub fn name(&self) -> &Name {
        &self.name
    }
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl<C: Connected> TryFrom<generic::Listener<Native, C::Blocking>> for Listener<C> {
    type Error = Error;

    fn try_from(listener: generic::Listener<Native, C::Blocking>) -> Result<Self> {
        let (listener, name) = listener.into_parts();
        Ok(Self { listener: Ready::to_read(listener)?, name, accepted: PhantomData })
    }
}

impl<C> fmt::Debug for Listener<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).finish_non_exhaustive()
    }
}
