//! How to connect to a listener.

use super::{LocalSocket, require};
use std::{fmt, marker::PhantomData, time::Duration};
use strait_core::{Backend, Deadline, Name, Result};

/// How to connect a `C`, a [`LocalStream`](super::LocalStream) or a [`LocalDatagram`](super::LocalDatagram).
///
/// ```no_run
/// use strait::LocalStream;
///
/// // To a listener of the superuser that is open to others.
/// let stream = LocalStream::options().owner(0).connect("service")?;
/// # Ok::<(), strait::Error>(())
/// ```
pub struct ConnectOptions<B: Backend, C> {
    owner: Option<u32>,
    connected: PhantomData<fn() -> (B, C)>,
}

impl<B: Backend, C: LocalSocket<B>> ConnectOptions<B, C> {
    pub(super) fn new() -> Self {
        Self { owner: None, connected: PhantomData }
    }

    /// The number of the user whose listener is meant: this process' own, where nothing is said. That it
    /// is that user's is checked with the system.
    #[must_use]
    pub fn owner(mut self, user: u32) -> Self {
        self.owner = Some(user);
        self
    }

    /// Connects to the listener that is bound to `name`. It doesn't wait to be accepted: what is sent waits
    /// for who accepts it.
    ///
    /// # Errors
    ///
    /// `NotFound` where nobody listens; `TypeMismatch` where it isn't a listener for a `C`;
    /// `PermissionDenied` where another user listens there; `TimedOut` where thousands have connected
    /// that weren't accepted.
    pub fn connect(self, name: impl AsRef<str>) -> Result<C> {
        self.connect_deadline(name, Deadline::now())
    }

    /// Connects to the listener that is bound to `name`, and waits until there is one, for `timeout` at
    /// most.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect); `NotFound` where nobody was bound in time.
    pub fn connect_timeout(self, name: impl AsRef<str>, timeout: Duration) -> Result<C> {
        self.connect_deadline(name, timeout)
    }

    /// Connects to the listener that is bound to `name`, and waits until there is one, or until the
    /// deadline.
    ///
    /// # Errors
    ///
    /// Those of [`connect_timeout`](Self::connect_timeout).
    pub fn connect_deadline<'d>(
        self,
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<C> {
        require::<B>("connect to")?;
        let name = Name::new(name.as_ref())?;
        let deadline = deadline.into().check("connect to").map_err(|error| error.on(&name))?;
        C::from_backend(B::connect_to(&name, C::STYLE, self.owner, deadline)?)
    }
}

impl<B: Backend, C> fmt::Debug for ConnectOptions<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// How an end is connected, and what it is made of.
macro_rules! connecting {
    ($end:ident) => {
        impl<B: Backend> $end<B> {
            /// Connects to the listener of this user that is bound to `name`. It doesn't wait to be
            /// accepted: what is sent waits for who accepts it.
            ///
            /// # Errors
            ///
            /// `NotFound` where nobody listens; `TypeMismatch` where it is a listener of another sort;
            /// `TimedOut` where thousands have connected that weren't accepted.
            pub fn connect(name: impl AsRef<str>) -> Result<Self> {
                Self::options().connect(name)
            }

            /// Connects to the listener of this user that is bound to `name`, and waits until there is
            /// one, for `timeout` at most.
            ///
            /// # Errors
            ///
            /// Those of [`connect`](Self::connect); `NotFound` where nobody was bound in time.
            pub fn connect_timeout(name: impl AsRef<str>, timeout: Duration) -> Result<Self> {
                Self::options().connect_timeout(name, timeout)
            }

            /// Connects to the listener of this user that is bound to `name`, and waits until there is
            /// one, or until the deadline.
            ///
            /// # Errors
            ///
            /// Those of [`connect_timeout`](Self::connect_timeout).
            pub fn connect_deadline<'d>(
                name: impl AsRef<str>,
                deadline: impl Into<Deadline<'d>>,
            ) -> Result<Self> {
                Self::options().connect_deadline(name, deadline)
            }

            /// Other ways to connect.
            pub fn options() -> crate::local::ConnectOptions<B, Self> {
                crate::local::ConnectOptions::new()
            }

            /// Two ends of a connection that nobody else knows.
            ///
            /// # Errors
            ///
            /// `Os` where there are no more handles.
            pub fn pair() -> Result<(Self, Self)> {
                require::<B>("make a pair of connections")?;
                let (a, b) = B::socket_pair(Self::STYLE)?;
                Ok((Self::from_backend(a)?, Self::from_backend(b)?))
            }

            /// Ends one direction or both, for every clone of this end: the peer finds the end of what
            /// was sent, or that nobody receives.
            ///
            /// # Errors
            ///
            /// `Disconnected` where there is no connection any more.
            pub fn shutdown(&self, how: Shutdown) -> Result<()> {
                self.socket.shutdown(how)
            }

            /// Who the peer was when the connection was made, as the system knows it.
            ///
            /// For the one that connected it is who listens there, and for both ends of a
            /// [`pair`](Self::pair) who made it.
            ///
            /// # Errors
            ///
            /// `Unsupported` where the system doesn't tell.
            pub fn peer_credentials(&self) -> Result<Credentials> {
                crate::local::peer::<B>(&self.socket)
            }

            /// The backend's own socket.
            pub fn backend(&self) -> &B::Socket {
                &self.socket
            }
        }

        impl<B: Backend> sealed::Sealed for $end<B> {}

        impl<B: Backend> fmt::Debug for $end<B> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($end)).field(&self.socket).finish()
            }
        }
    };
}
pub(super) use connecting;
