//! The end that waits for others.

use super::{LocalSocket, require};
use std::{fmt, iter::FusedIterator, marker::PhantomData, time::Duration};
use strait_core::{AcceptFrom, Backend, Deadline, Name, Result, SocketListener};

/// The end that waits for others to connect: for each it accepts a `C`, a
/// [`LocalStream`](super::LocalStream) or a [`LocalDatagram`](super::LocalDatagram). Dropping it frees the name.
///
/// It accepts peers of this process' own user, where [nothing else](ListenOptions::accept_from) is asked for.
/// They share their names with channels: one name has one live listener.
///
/// ```
/// use std::io::{Read, Write};
/// use strait::{LocalListener, LocalStream};
///
/// let name = format!("doc/listener-{}", std::process::id());
/// let listener = LocalListener::bind(&name)?;
///
/// // In any other process of this user:
/// let mut there = LocalStream::connect(&name)?;
/// there.write_all(b"hello")?;
/// drop(there);
///
/// let mut here = listener.accept()?;
/// let mut text = String::new();
/// here.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Portability
///
/// On Linux at most 4096 peers can have connected and wait to be accepted, or as many as
/// `net.core.somaxconn` says; others wait to connect.
pub struct Listener<B: Backend, C> {
    listener: B::SocketListener,
    name: Name,
    accepted: PhantomData<fn() -> C>,
}

impl<B: Backend, C: LocalSocket<B>> Listener<B, C> {
    /// Listens under `name`, for peers of this user.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where a live listener or receiver has the name; `InvalidInput` for a bad name.
    pub fn bind(name: impl AsRef<str>) -> Result<Self> {
        Self::options().bind(name)
    }

    /// Other ways to listen.
    pub fn options() -> ListenOptions<B, C> {
        ListenOptions { from: AcceptFrom::SameUser, listener: PhantomData }
    }

    /// Waits until somebody connects. A peer of a user that isn't to be accepted is let go before a byte of
    /// it is read. What it sent along is closed then, of which a hostile one can make that it takes long: no
    /// deadline ends that.
    ///
    /// # Errors
    ///
    /// `LimitReached` where this process has no room for another connection: whoever has connected
    /// waits on, and is accepted when there is room.
    pub fn accept(&self) -> Result<C> {
        self.accept_deadline(Deadline::NEVER)
    }

    /// Waits until somebody connects, and for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](Self::accept), and `TimedOut`.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<C> {
        self.accept_deadline(timeout)
    }

    /// Waits until somebody connects, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](Self::accept), and `TimedOut`.
    pub fn accept_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<C> {
        let accepted = deadline.into().check("accept a connection");
        let accepted = accepted.and_then(|deadline| self.listener.accept(deadline));
        let socket = accepted.map_err(|error| error.on(&self.name))?;
        C::from_backend(socket)
    }

    /// Those who connect, one after another, without end.
    pub fn incoming(&self) -> Incoming<'_, B, C> {
        Incoming { listener: self }
    }
}

impl<B: Backend, C> Listener<B, C> {
    /// The name that it is bound to.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The backend's own listener.
    pub fn backend(&self) -> &B::SocketListener {
        &self.listener
    }

    /// What it is made of, for its asynchronous form.
    #[cfg(feature = "tokio")]
    pub(crate) fn into_parts(self) -> (B::SocketListener, Name) {
        (self.listener, self.name)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn from_parts(listener: B::SocketListener, name: Name) -> Self {
        Self { listener, name, accepted: PhantomData }
    }
}

impl<B: Backend, C> fmt::Debug for Listener<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How to listen.
///
/// ```
/// use strait::{AcceptFrom, LocalListener};
///
/// let name = format!("doc/listen-options-{}", std::process::id());
/// let listener = LocalListener::options().accept_from(AcceptFrom::Anyone).bind(&name)?;
/// # Ok::<(), strait::Error>(())
/// ```
pub struct ListenOptions<B: Backend, C> {
    from: AcceptFrom,
    listener: PhantomData<fn() -> (B, C)>,
}

impl<B: Backend, C: LocalSocket<B>> ListenOptions<B, C> {
    /// Whose connections are accepted: those of this user, where nothing is said.
    ///
    /// Other users [say whose listener](super::ConnectOptions::owner) they mean.
    #[must_use]
    pub fn accept_from(mut self, from: AcceptFrom) -> Self {
        self.from = from;
        self
    }

    /// Listens under `name`.
    ///
    /// # Errors
    ///
    /// Those of [`Listener::bind`]; `PermissionDenied` where the place for what is open to others isn't
    /// this user's.
    pub fn bind(self, name: impl AsRef<str>) -> Result<Listener<B, C>> {
        require::<B>("listen on")?;
        let name = Name::new(name.as_ref())?;
        let listener = B::listen_for(&name, C::STYLE, self.from)?;
        Ok(Listener { listener, name, accepted: PhantomData })
    }
}

impl<B: Backend, C> fmt::Debug for ListenOptions<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenOptions").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Those who connect to a [`Listener`], one after another.
pub struct Incoming<'a, B: Backend, C> {
    listener: &'a Listener<B, C>,
}

impl<B: Backend, C: LocalSocket<B>> Iterator for Incoming<'_, B, C> {
    type Item = Result<C>;

    fn next(&mut self) -> Option<Result<C>> {
        Some(self.listener.accept())
    }
}

impl<B: Backend, C: LocalSocket<B>> FusedIterator for Incoming<'_, B, C> {}

impl<B: Backend, C> fmt::Debug for Incoming<'_, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(self.listener).finish()
    }
}
