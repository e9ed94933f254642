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
    fmt, mem, process,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
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
    /// Those who have connected and not sent their pipes yet, the earliest first.
    arriving: Mutex<Vec<Arriving<B>>>,
    /// Whose turn it is to accept: a thread of that process'. Others wait for theirs, so that none of them
    /// waits for somebody to connect while another leaves somebody who has.
    turn: Mutex<Option<u32>>,
    turn_is_over: Condvar,
}

/// One that has connected and not sent its pipes yet.
struct Arriving<B: Backend> {
    socket: LocalDatagram<B>,
    since: Instant,
}

/// A thread's turn to accept. Dropping it lets the next.
struct Turn<'l, B: Backend>(&'l DuplexListener<B>);

impl<B: Backend> Duplex<B> {
    /// Listens under `name` for those who [connect](Self::connect).
    ///
    /// # Errors
    ///
    /// `AddrInUse`, where a live process has the name; `InvalidInput`, where it is none.
    pub fn bind(name: impl AsRef<str>) -> Result<DuplexListener<B>> {
        require::<B>()?;
        let listener = Listener::bind(name)?;
        let (arriving, turn) = (Mutex::default(), Mutex::default());
        Ok(DuplexListener { listener, arriving, turn, turn_is_over: Condvar::new() })
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
    /// holds up nobody. Of those who have connected and not sent their pipes yet, 64 are kept: where there
    /// are more, the earliest is let go, no sooner than 20 ms after it was seen.
    ///
    /// Any number of threads may accept: one after the other.
    ///
    /// # Errors
    ///
    /// `LimitReached`, where this process has no room for more handles. Whose pipes came just then is lost:
    /// it finds itself disconnected.
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
        let _turn = self.wait_for_turn(deadline)?;
        loop {
            let found = match self.one_of_earlier()? {
                None => self.one_of_new(Deadline::now())?,
                found => found,
            };
            let found = match found {
                None if deadline.has_passed() => {
                    return Err(deadline.error(ACCEPT).on(self.name()));
                }
                None => self.wait(deadline)?,
                found => found,
            };
            if let Some(duplex) = found {
                return Ok(duplex);
            }
        }
    }

    /// The name that it is bound to.
    pub fn name(&self) -> &Name {
        self.listener.name()
    }

    fn wait_for_turn(&self, deadline: Deadline<'_>) -> Result<Turn<'_, B>> {
        // A forked child doesn't wait for a thread that it hasn't got.
        let this = process::id();
        let mut turn = self.turn();
        while *turn == Some(this) {
            if deadline.has_passed() {
                return Err(deadline.error(ACCEPT).on(self.name()));
            }
            // The deadline may be one that is cancelled.
            let nap = deadline.within(MOMENT).remaining().unwrap_or(MOMENT);
            let woken = self.turn_is_over.wait_timeout(turn, nap);
            turn = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *turn = Some(this);
        Ok(Turn(self))
    }

    /// Waits for the next one, or for the pipes of the one that came last. While somebody keeps silent all
    /// of them are looked at now and then.
    fn wait(&self, deadline: Deadline<'_>) -> Result<Option<Duplex<B>>> {
        let mut arriving = self.arriving();
        let is_new = arriving.last().is_some_and(|newest| newest.since.elapsed() < MOMENT);
        let newest = if is_new { arriving.pop() } else { None };
        let is_empty = arriving.is_empty();
        drop(arriving);
        match newest {
            Some(newest) => {
                let left = MOMENT.saturating_sub(newest.since.elapsed());
                self.receive(newest, deadline.within(left))
            }
            None if is_empty => self.one_of_new(deadline),
            None => self.one_of_new(deadline.within(MOMENT)),
        }
    }

    /// The pipes of one that came earlier and has sent them by now.
    fn one_of_earlier(&self) -> Result<Option<Duplex<B>>> {
        let mut earlier = mem::take(&mut *self.arriving()).into_iter();
        for one in earlier.by_ref() {
            let received = self.receive(one, Deadline::now());
            if !matches!(received, Ok(None)) {
                // Who is silent is back there already, and came before them.
                self.arriving().extend(earlier);
                return received;
            }
        }
        Ok(None)
    }

    /// The pipes of one that has connected since; waits for the first until the deadline.
    fn one_of_new(&self, deadline: Deadline<'_>) -> Result<Option<Duplex<B>>> {
        let mut deadline = deadline;
        while self.make_room() {
            let socket = match self.listener.accept_deadline(deadline) {
                Ok(socket) => socket,
                Err(error) if may_come(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            let new = Arriving { socket, since: Instant::now() };
            if let Some(duplex) = self.receive(new, Deadline::now())? {
                return Ok(Some(duplex));
            }
            deadline = Deadline::now();
        }
        Ok(None)
    }

    /// Lets go the one that has kept silent longest, where there are too many; `false` where it hasn't had
    /// its time.
    fn make_room(&self) -> bool {
        let mut arriving = self.arriving();
        if arriving.len() < MAX_ARRIVING {
            return true;
        }
        let is_over = arriving[0].since.elapsed() >= MOMENT;
        if is_over {
            arriving.remove(0);
        }
        is_over
    }

    /// The pipes that one has sent; nothing where it hasn't yet, or was let go.
    fn receive(&self, one: Arriving<B>, deadline: Deadline<'_>) -> Result<Option<Duplex<B>>> {
        match one.socket.recv_endpoint_deadline(deadline) {
            Ok(duplex) => Ok(Some(duplex)),
            Err(error) if is_ours(&error) => Err(error.on(self.name())),
            Err(error) if may_come(&error) => {
                self.arriving().push(one);
                Ok(None)
            }
            // The peer's own fault, or its death.
            Err(_) => Ok(None),
        }
    }

    fn turn(&self) -> MutexGuard<'_, Option<u32>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arriving(&self) -> MutexGuard<'_, Vec<Arriving<B>>> {
        self.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Backend> Drop for Turn<'_, B> {
    fn drop(&mut self) {
        *self.0.turn() = None;
        self.0.turn_is_over.notify_one();
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

/// How long one that has connected is waited for before others are looked at, and has at least.
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
