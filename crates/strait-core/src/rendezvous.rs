//! Meeting under a name, and staying in touch.

use crate::{Deadline, Handles, Name, Result, Segment, Transfer};
use std::fmt::Debug;

/// Local sockets: listen, connect, bytes and segments, and the end of the peer.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | a Unix socket in a directory of the user's own; `SCM_RIGHTS` |
/// | Windows | a named pipe; `DuplicateHandle` |
pub trait Rendezvous: Handles + Sized + Send + Sync + Debug + 'static {
    /// The segments that a connection carries.
    type Segment: Segment + Transfer<Self::Handle>;
    /// The end that waits for others.
    type Listener: Listener<Connection = Self::Connection>;
    /// Either end of an established connection.
    type Connection: Connection<Segment = Self::Segment> + Transfer<Self::Handle>;

    /// Listens under `name`. Whoever connects is shown `advert` first.
    ///
    /// What a dead listener left under the name is replaced.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where a live listener has the name.
    fn listen(name: &Name, advert: &[u8]) -> Result<Self::Listener>;

    /// Connects to the listener called `name`, waiting for there to be one until the deadline, and
    /// returns its advert too. It doesn't wait for the listener to accept.
    ///
    /// # Errors
    ///
    /// `NotFound` where nobody listened by the deadline; `PermissionDenied` where the listener
    /// belongs to another user.
    fn connect(name: &Name, deadline: Deadline<'_>) -> Result<(Self::Connection, Vec<u8>)>;

    /// Two ends of a connection that nobody else knows.
    ///
    /// # Errors
    ///
    /// `Os`, where the system has no more of them.
    fn pair() -> Result<(Self::Connection, Self::Connection)>;

    /// Waits until somebody connects or one of `connections` has something to receive or is hung
    /// up; `false` if the deadline passed first.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    fn wait_any(
        listener: &Self::Listener,
        connections: &[Self::Connection],
        deadline: Deadline<'_>,
    ) -> Result<bool>;
}

/// The end that waits for others to connect. Dropping it frees the name.
pub trait Listener: Sized + Send + Sync + Debug + 'static {
    /// Either end of an established connection.
    type Connection;

    /// Takes one that has connected, if there is one. It never waits, and passes over peers of
    /// other users.
    ///
    /// # Errors
    ///
    /// `Os`, where the system has no room for another connection.
    fn accept(&self) -> Result<Option<Self::Connection>>;
}

/// One end of a connection between two processes. Dropping it is noticed by the other.
///
/// First messages and segments pass in both directions; from then on it is the [`Doorbell`] of what
/// the two share.
pub trait Connection: Doorbell {
    /// The segments that a connection carries.
    type Segment: Segment;

    /// Sends a message, and with it a segment that the peer then shares. It never waits.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone; `WouldBlock` where it has stopped reading.
    fn send(&self, message: &[u8], segment: Option<&Self::Segment>) -> Result<()>;

    /// Receives what has arrived, at most `buffer` full, and the segment that came with it: how
    /// many bytes, 0 at the end; `None` where nothing has arrived. It never waits.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt` where something else than a segment of fixed size came with it.
    fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, Option<Self::Segment>)>>;

    /// Who the peer was when the connection was made.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system doesn't tell.
    fn peer(&self) -> Result<Credentials>;
}

/// A bell that one process rings for another, which sleeps until it does.
pub trait Doorbell: Sized + Send + Sync + Debug + 'static {
    /// Rings the peer's bell. Rings that the peer hasn't heard yet count as one.
    ///
    /// # Errors
    ///
    /// `Disconnected` where the peer is gone.
    fn ring(&self) -> Result<()>;

    /// Sleeps until the peer rings, is gone, or the deadline passes. Rings from before the call
    /// count.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    fn wait(&self, deadline: Deadline<'_>) -> Result<Wake>;
}

/// What ended the sleep at a [`Doorbell`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The peer rang: look again at what the two share.
    Rung,
    /// The peer has closed its end or has died.
    HungUp,
    /// The deadline passed.
    TimedOut,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process number, as this process sees it; 0 where it can't be seen from here.
    pub pid: u32,
    /// The number of the user.
    pub user: u32,
    /// The number of the user's group.
    pub group: u32,
}

impl Credentials {
    /// The credentials of a process, user and group.
    pub const fn new(pid: u32, user: u32, group: u32) -> Self {
        Self { pid, user, group }
    }
}
