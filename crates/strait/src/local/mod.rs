//! Local sockets.
//!
//! `listener.rs` and `connect.rs` meet under a name, `stream.rs` and `datagram.rs` are what they get, and
//! `passing.rs` is how handles go along.

mod connect;
mod datagram;
mod listener;
mod passing;
mod stream;

pub use connect::ConnectOptions;
pub use datagram::LocalDatagram;
#[cfg(feature = "tokio")]
pub(crate) use datagram::not_ended;
pub use listener::{Incoming, ListenOptions, Listener};
pub use stream::LocalStream;

use strait_core::{Backend, Capability, Credentials, Error, ErrorKind, Result, Socket, Style};

/// Either end of a connection that a listener accepts: a [`LocalStream`] or a [`LocalDatagram`].
pub trait LocalSocket<B: Backend>: Sized + sealed::Sealed {
    #[doc(hidden)]
    const STYLE: Style;

    /// That of a backend's own socket.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` where it carries something else.
    fn from_backend(socket: B::Socket) -> Result<Self>;
}

mod sealed {
    pub trait Sealed {}
}

fn require<B: Backend>(operation: &'static str) -> Result<()> {
    B::CAPABILITIES.require(Capability::LocalSockets, operation)
}

/// Refuses a socket of another style.
fn of_style<B: Backend>(socket: B::Socket, style: Style) -> Result<B::Socket> {
    if socket.style() == style {
        return Ok(socket);
    }
    let why = match style {
        Style::Stream => "it carries datagrams and not a stream",
        Style::Datagram => "it carries a stream and not datagrams",
    };
    Err(Error::new(ErrorKind::TypeMismatch, "use a connection", why))
}

pub(crate) fn peer<B: Backend>(socket: &B::Socket) -> Result<Credentials> {
    B::CAPABILITIES.require(Capability::PeerCredentials, "ask who the peer is")?;
    socket.peer()
}
