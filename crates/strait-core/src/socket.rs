//! Local sockets for programs: streams of bytes, and messages that keep their boundaries.

use crate::{Credentials, Deadline, Handles, Name, Rendezvous, Result, Transfer};
use std::{fmt::Debug, net::Shutdown};

/// Sockets under the names of a [`Rendezvous`], which they share with other listeners.
///
/// # Portability
///
/// | system | streams | messages |
/// |---|---|---|
/// | Linux | a Unix socket, `SOCK_STREAM` | a Unix socket, `SOCK_SEQPACKET` |
/// | macOS, FreeBSD | the same | such a socket, with frames |
/// | Windows | a named pipe of bytes | a named pipe of messages |
pub trait Sockets: Rendezvous {
    /// The end that waits for others.
    type SocketListener: SocketListener<Socket = Self::Socket>;

    /// Either end of an established connection.
    type Socket: Socket<Handle = <Self as Handles>::Handle> + Transfer<<Self as Handles>::Handle>;

    /// Listens under `name` for peers of the users `from`.
    ///
    /// What a dead listener left under the name is replaced.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where a live listener of any sort has the name.
    fn listen_for(name: &Name, style: Style, from: AcceptFrom) -> Result<Self::SocketListener>;

    /// Connects to the listener called `name` of the user `owner` (`None`: this one), waiting for there to
    /// be one until the deadline. It doesn't wait for the listener to accept.
    ///
    /// # Errors
    ///
    /// `NotFound` where nobody listened by the deadline; `TypeMismatch` where it is a listener of
    /// another sort; `PermissionDenied` where it belongs to another user.
    fn connect_to(
        name: &Name,
        style: Style,
        owner: Option<u32>,
        deadline: Deadline<'_>,
    ) -> Result<Self::Socket>;

    /// Two ends of a connection that nobody else knows.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn socket_pair(style: Style) -> Result<(Self::Socket, Self::Socket)>;
}

/// What a socket carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Bytes without boundaries.
    Stream,
    /// Messages, each of which arrives whole.
    Datagram,
}

/// Whose connections a listener accepts.
///
/// The user of a peer is what the system says, of the time when it connected. One that isn't accepted is
/// let go before a byte of it is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AcceptFrom {
    /// This process' own user.
    #[default]
    SameUser,
    /// The users with these numbers, and nobody else: this process' own user only if it is among them.
    Users(Vec<u32>),
    /// Every user of this computer.
    Anyone,
}

/// The end that waits for others to connect. Dropping it frees the name.
pub trait SocketListener: Sized + Send + Sync + Debug + 'static {
    /// Either end of an established connection.
    type Socket;

    /// Waits until somebody connects whose user is accepted.
    ///
    /// # Errors
    ///
    /// `LimitReached` where this process has no room for another connection, which then waits on;
    /// `TimedOut`.
    fn accept(&self, deadline: Deadline<'_>) -> Result<Self::Socket>;

    /// Looks once whether somebody has connected, and doesn't wait. For event loops.
    ///
    /// # Errors
    ///
    /// `LimitReached`, as of [`accept`](Self::accept).
    fn try_accept(&self) -> Result<Accepted<Self::Socket>>;
}

/// What [`SocketListener::try_accept`] has found.
#[derive(Debug)]
pub enum Accepted<S> {
    /// Somebody whose user is accepted.
    Peer(S),
    /// Somebody whose user isn't, and who was let go. There may be others.
    Refused,
    /// Nobody.
    Nobody,
}

/// One end of a connection. Dropping the last handle of it is noticed by the other.
pub trait Socket: Sized + Send + Sync + Debug + 'static {
    /// What is passed along with bytes.
    type Handle;

    /// How many handles can be passed at once.
    const MAX_HANDLES: usize;

    /// How many bytes a message may have.
    const MAX_MESSAGE: usize;

    /// How many bytes a stream takes whole or not at all.
    const MAX_WHOLE: usize;

    /// What it carries.
    fn style(&self) -> Style;

    /// Waits until there is room, and sends as many of the bytes as there is room for: a message, and
    /// what has no more than [`MAX_WHOLE`](Self::MAX_WHOLE), whole. The handles go with the first of them.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone or doesn't receive any more, and never a signal; `TooLarge`
    /// for too long a message or too many handles; `LimitReached` where too many handles are on their
    /// way; `TimedOut`.
    fn send(&self, bytes: &[u8], handles: &[Self::Handle], deadline: Deadline<'_>)
    -> Result<usize>;

    /// The same where that doesn't have to wait; `None` where it would. For event loops.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    fn try_send(&self, bytes: &[u8], handles: &[Self::Handle]) -> Result<Option<usize>>;

    /// Waits until something has arrived, and receives as much of it as fits, or one message. Handles
    /// that came with it are added to `handles`, and closed where that is `None`.
    ///
    /// # Errors
    ///
    /// `TooLarge` where the next message doesn't fit, and stays; `TimedOut`.
    fn receive(
        &self,
        buffer: &mut [u8],
        handles: Option<&mut Vec<Self::Handle>>,
        deadline: Deadline<'_>,
    ) -> Result<Arrived>;

    /// The same where that doesn't have to wait; `None` where it would. For event loops.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive).
    fn try_receive(
        &self,
        buffer: &mut [u8],
        handles: Option<&mut Vec<Self::Handle>>,
    ) -> Result<Option<Arrived>>;

    /// Waits until something has arrived: the length of the next message, or how much of a stream there
    /// is; 0 at the end too.
    ///
    /// # Errors
    ///
    /// `TimedOut`.
    fn pending(&self, deadline: Deadline<'_>) -> Result<usize>;

    /// Ends one direction or both, for every handle of this end.
    ///
    /// # Errors
    ///
    /// `Disconnected` where there is no connection any more.
    fn shutdown(&self, how: Shutdown) -> Result<()>;

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn try_clone(&self) -> Result<Self>;

    /// Who the peer was when the connection was made.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system doesn't tell.
    fn peer(&self) -> Result<Credentials>;
}

/// What [`Socket::receive`] has received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// How many bytes.
    pub len: usize,
    /// Whether it is the end, after which nothing comes.
    pub is_end: bool,
    /// Whether handles came for which this process had no room.
    pub handles_are_lost: bool,
}
