//! Two pipes with whoever has connected under a name.
//!
//! Who connects makes both pipes, and sends two of the ends over a local socket, which isn't used for
//! anything else.

use super::Duplex;
use crate::{
    endpoint::{Endpoint, EndpointKind, Parcel, exactly, require},
    local::{Listener, LocalDatagram},
    pipe::{PipeReader, PipeWriter},
};
use std::{
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use strait_core::{Backend, Deadline, Error, ErrorKind, Name, Result, Transfer};

/// Waits for others to connect, for each of whom it accepts a [`Duplex`]. Dropping it frees the name.
///
/// It accepts peers of this process' own user. It shares its names with other listeners and channels.
///
/// ```
/// use std::io::{Read, Write};
/// use strait::Duplex;
///
/// let name = format!("doc/duplex-{}", std::process::id());
/// let listener = Duplex::bind(&name)?;
///
/// // In any other process of this user:
/// let mut there = Duplex::connect(&name)?;
/// there.write_all(b"hello")?;
///
/// let mut here = listener.accept()?;
/// drop(there);
/// let mut text = String::new();
/// here.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct DuplexListener<B: Backend> {
    listener: Listener<B, LocalDatagram<B>>,
    /// Those who have connected and not sent their pipes before a deadline.
    arriving: Mutex<Vec<LocalDatagram<B>>>,
}

impl<B: Backend> Duplex<B> {
    /// Listens under `name` for those who [connect](Self::connect).
    ///
    /// # Errors
    ///
    /// `AddrInUse`, where a live process has the name; `InvalidInput`, where it is none.
    pub fn bind(name: impl AsRef<str>) -> Result<DuplexListener<B>> {
        require::<B>()?;
        let listener = Listener::bind(name)?;
        Ok(DuplexListener { listener, arriving: Mutex::default() })
    }

    /// Connects to the [listener](Self::bind) of that name. It doesn't wait to be accepted: what is written
    /// waits in the pipe.
    ///
    /// # Errors
    ///
    /// `NotFound`, where nobody listens; `TypeMismatch`, where the name is something else's;
    /// `TimedOut`, where thousands have connected that weren't accepted.
    pub fn connect(name: impl AsRef<str>) -> Result<Self> {
        Self::connect_deadline(name, Deadline::now())
    }

    /// Connects to the listener of that name; waits until there is one, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn connect_timeout(name: impl AsRef<str>, timeout: Duration) -> Result<Self> {
        Self::connect_deadline(name, timeout)
    }

    /// Connects to the listener of that name; waits until there is one, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn connect_deadline<'d>(
        name: impl AsRef<str>,
        deadline: impl Into<Deadline<'d>>,
    ) -> Result<Self> {
        require::<B>()?;
        let deadline = deadline.into().check(CONNECT)?;
        let (here, there) = Self::pair()?;
        let socket = LocalDatagram::<B>::connect_deadline(name, deadline)?;
        // There is room in a new socket: this doesn't wait.
        socket.send_endpoint(there)?;
        Ok(here)
    }
}

impl<B: Backend> DuplexListener<B> {
    /// Waits until somebody connects.
    ///
    /// Who connects and says something else than [`Duplex::connect`] does is let go, and who says nothing
    /// holds up nobody.
    ///
    /// # Errors
    ///
    /// `LimitReached`, where this process has no room for more handles.
    pub fn accept(&self) -> Result<Duplex<B>> {
        self.accept_deadline(Deadline::NEVER)
    }

    /// Waits until somebody connects, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](Self::accept), and `TimedOut`.
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Duplex<B>> {
        self.accept_deadline(timeout)
    }

    /// Waits until somebody connects, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`accept`](Self::accept), and `TimedOut`.
    pub fn accept_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<Duplex<B>> {
        let deadline = deadline.into().check(ACCEPT)?;
        loop {
            if let Some(duplex) = self.one_of_earlier()? {
                return Ok(duplex);
            }
            // While somebody keeps silent, it is looked at now and then.
            let patience = match self.arriving().is_empty() {
                true => deadline,
                false => deadline.within(MOMENT),
            };
            match self.listener.accept_deadline(patience) {
                Ok(socket) => {
                    if let Some(duplex) = self.receive(socket, deadline.within(MOMENT))? {
                        return Ok(duplex);
                    }
                }
                Err(error) if may_come(&error) && !deadline.has_passed() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The name that it is bound to.
    pub fn name(&self) -> &Name {
        self.listener.name()
    }

    /// The pipes of one that came earlier and has sent them by now.
    fn one_of_earlier(&self) -> Result<Option<Duplex<B>>> {
        let mut earlier = mem::take(&mut *self.arriving()).into_iter();
        while let Some(socket) = earlier.next() {
            let received = self.receive(socket, Deadline::now());
            if !matches!(received, Ok(None)) {
                self.arriving().extend(earlier);
                return received;
            }
        }
        Ok(None)
    }

    /// The pipes that one has sent; nothing where it hasn't yet, or was let go.
    fn receive(
        &self,
        socket: LocalDatagram<B>,
        deadline: Deadline<'_>,
    ) -> Result<Option<Duplex<B>>> {
        match socket.recv_endpoint_deadline(deadline) {
            Ok(duplex) => Ok(Some(duplex)),
            Err(error) if is_ours(&error) => Err(error.on(self.name())),
            Err(error) if may_come(&error) => {
                let mut arriving = self.arriving();
                if arriving.len() >= MAX_ARRIVING {
                    // The one that has kept silent longest makes room.
                    arriving.remove(0);
                }
                arriving.push(socket);
                Ok(None)
            }
            // The peer's own fault, or its death.
            Err(_) => Ok(None),
        }
    }

    fn arriving(&self) -> MutexGuard<'_, Vec<LocalDatagram<B>>> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Backend> fmt::Debug for DuplexListener<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplexListener").field("name", self.name()).finish_non_exhaustive()
    }
}

impl<B: Backend> Endpoint<B> for Duplex<B> {
    const KIND: EndpointKind = EndpointKind::DUPLEX;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        let reader = self.reader().backend().to_handle()?;
        let writer = self.writer().backend().to_handle()?;
        Ok(Parcel { kind: Self::KIND, state: Vec::new(), handles: vec![reader, writer] })
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        let (_nothing, handles) = parcel.open(Self::KIND)?;
        let [reader, writer] = exactly(handles)?;
        let reader = B::Reader::from_handle(reader)?;
        let writer = B::Writer::from_handle(writer)?;
        Ok(Self::new(PipeReader::from_backend(reader), PipeWriter::from_backend(writer)))
    }
}

const CONNECT: &str = "connect two pipes to";
const ACCEPT: &str = "accept two pipes";

/// How long one that has connected is waited for before others are looked at.
const MOMENT: Duration = Duration::from_millis(20);

/// How many may have connected and keep silent.
const MAX_ARRIVING: usize = 64;

/// Whether it is no peer's fault.
fn is_ours(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::LimitReached | ErrorKind::Os | ErrorKind::Unsupported)
}

/// Whether the peer may still say it.
fn may_come(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Cancelled)
}
