//! Inter-process communication that survives the death of any peer.
//!
//! | to share | use |
//! |---|---|
//! | a value: a counter, a flag, an array of atomics, a struct of these | [`Shared`] |
//! | a value that is changed by one at a time, a wait for something, a number of permits | [`sync`] |
//! | raw memory: a frame, a table, a file | [`SharedMemory`] |
//! | a nudge: to end, to read its configuration again | [`Signals`] and [`mod@signal`]; [`Shutdown`] for a clean end |
//! | nothing but its end | [`Process`] |
//! | bytes, one way, through the kernel | [`pipe()`], [`NamedPipe`] |
//! | bytes, both ways | [`Duplex`] |
//! | messages, in order, from one process to another | [`ByteSender`] and [`ByteReceiver`] |
//! | bytes or messages, both ways, and handles, between programs that meet under a name | [`LocalListener`], [`LocalStream`], [`LocalDatagram`] |
//! | any end of these, with one child and nobody else | [`Command::pass`](generic::Command::pass), [`inherited()`] |
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use strait::Shared;
//!
//! // Any number of processes may run this.
//! let name = format!("doc/hits-{}", std::process::id());
//! let hits = Shared::<AtomicU64>::open_or_create(&name, || AtomicU64::new(0))?;
//! hits.fetch_add(1, Ordering::Relaxed);
//! # assert_eq!(hits.load(Ordering::Relaxed), 1);
//! # Ok::<(), strait::Error>(())
//! ```
//!
//! # Names
//!
//! Processes of one user meet under a [`Name`]: letters and digits of any script, `.`, `_`, `-`, and
//! `/` between parts, 200 bytes at most. Each user has names of their own, and nobody else can open
//! what is behind them unless [wider access](Access) was asked for. Shared memory has names of its own;
//! channels, sockets and named pipes share theirs.
//!
//! # Features
//!
//! | feature | is |
//! |---|---|
//! | `tokio` | asynchronous forms of what waits, in the module `strait::tokio` |
//!
//! None of them is there by default.
//!
//! # Deadlines
//!
//! Each call that may wait has a form with a time-out, and one with a [`Deadline`]: a moment, a time from
//! now, or what a [`CancelToken`] says. A wait that a deadline ends has lost nothing.
//!
//! # Death
//!
//! A process may be killed at any instruction. Its peers get [`ErrorKind::Disconnected`], after all
//! that it sent; memory without a name is freed by the kernel; and a name that it left behind is
//! recognised and reclaimed by whoever uses it next.
//!
//! # Trust
//!
//! A peer can write anything into memory that it shares, at any time. What strait reads there it
//! reads once and checks before using it, so that the worst a peer can do is to get this process an
//! error, or nonsense in the bytes that it sends anyway.
//!
//! Three conveniences trust a peer, always a process of the same user unless access was widened, to
//! leave alone what is being looked at, and are undefined behaviour if it doesn't: a message that is
//! received in place, by [`recv_ref`](generic::ByteReceiver::recv_ref); one that is written in place
//! and read again before it is sent, in a [`loan`](generic::ByteSender::loan); and the parts of a
//! [`Shared`] value that aren't atomic, with what locks guard. [`recv_into`](generic::ByteReceiver::recv_into),
//! [`send`](generic::ByteSender::send), atomics, and [`SharedMemory`]'s `read` and `write` trust
//! nobody.
//!
//! # Fork
//!
//! A forked child that doesn't `exec` can use the [`Shared`] values that its parent has open, owns none
//! of its parent's locks, and receives none of its parent's signals. Pipes, sockets and tokens it shares with
//! its parent. Channels it must not use, as each would take itself for the only end. It may drop everything, or just exit: names are removed by the process
//! that made them. As long as it lives the peers of its parent's channels don't notice the parent's end.
//!
//! # Portability
//!
//! Linux, for now. `PLATFORM.md` has what is kept where.

#![forbid(unsafe_code)]

pub mod backend;
mod cancel;
mod channel;
mod child;
mod command;
mod duplex;
mod endpoint;
mod first;
mod inherited;
mod local;
mod memory;
mod named_pipe;
mod options;
mod pipe;
mod platform;
mod process;
mod shared;
mod shutdown;
pub mod signal;
mod signals;
pub mod sync;
#[cfg(feature = "tokio")]
pub mod tokio;
mod until;

pub use endpoint::{Endpoint, EndpointKind};
pub use local::LocalSocket;
pub use platform::Native;
pub use signal::Signal;
pub use strait_core::{
    AcceptFrom, Access, Credentials, Deadline, Error, ErrorKind, Lifetime, Mapping, Name, ReadNow,
    Result,
};
pub use strait_macros::Shareable;
pub use strait_protocol::Shareable;
pub use until::Until;

/// The types of this crate for a backend that is named: `generic::SharedMemory::<B>`.
///
/// The ones at the crate's root are these for [`Native`], the backend of this operating system.
/// They are aliases, because Rust doesn't infer default type parameters in calls like
/// `SharedMemory::create`.
pub mod generic {
    /// What [`mod@crate::signal`] does, for a backend that is named.
    pub mod signal {
        pub use crate::signals::{handle, ignore, is_ignored, reset, send};
    }

    pub use crate::{
        cancel::CancelToken,
        channel::{ByteReceiver, ByteSender, Loan, Message, byte_channel},
        child::Child,
        command::Command,
        duplex::{Duplex, DuplexListener},
        endpoint::{Handle, Parcel},
        inherited::{inherited, inherited_names},
        local::{ConnectOptions, Incoming, ListenOptions, Listener, LocalDatagram, LocalStream},
        memory::SharedMemory,
        named_pipe::NamedPipe,
        options::Options,
        pipe::{PipeReader, PipeWriter, pipe},
        process::Process,
        shared::Shared,
        shutdown::Shutdown,
        signals::{Iter as SignalsIter, Signals},
    };

    /// What accepts streams: a [`Listener`] for [`LocalStream`].
    pub type LocalListener<B> = Listener<B, LocalStream<B>>;

    /// What accepts connections of messages: a [`Listener`] for [`LocalDatagram`].
    pub type LocalDatagramListener<B> = Listener<B, LocalDatagram<B>>;

    pub use strait_protocol::sync::{
        Barrier, Condvar, Event, Mutex, MutexGuard, Once, OnceLock, Party, Permit, RwLock,
        RwLockReadGuard, RwLockWriteGuard, Semaphore, SeqLock, SeqLockWriter,
    };
}

/// Shared memory: bytes that several processes have mapped. See [`generic::SharedMemory`].
pub type SharedMemory = generic::SharedMemory<Native>;

/// A value that several processes share. See [`generic::Shared`].
pub type Shared<T> = generic::Shared<T, Native>;

/// How shared memory is created or opened. See [`generic::Options`].
pub type Options = generic::Options<Native>;

/// Ends waits of this process before their time. See [`generic::CancelToken`].
pub type CancelToken = generic::CancelToken<Native>;

/// The sending end of a channel of bytes. See [`generic::ByteSender`].
pub type ByteSender = generic::ByteSender<Native>;

/// The receiving end of a channel of bytes. See [`generic::ByteReceiver`].
pub type ByteReceiver = generic::ByteReceiver<Native>;

/// A message that is being written, where the receiver will read it. See [`generic::Loan`].
pub type Loan<'a> = generic::Loan<'a, Native>;

/// A message that has been received, where the sender wrote it. See [`generic::Message`].
pub type Message<'a> = generic::Message<'a, Native>;

/// Makes a channel of bytes without a name: both its ends are here, to be handed to others.
///
/// ```
/// let (mut sender, mut receiver) = strait::byte_channel()?;
/// sender.send(b"hello")?;
/// assert_eq!(&*receiver.recv_ref()?, b"hello");
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Errors
///
/// `OutOfMemory` where there is no memory for the ring; `Os` where there are no more handles.
pub fn byte_channel() -> Result<(ByteSender, ByteReceiver)> {
    generic::byte_channel()
}

/// A handle of anything, to be handed over. See [`generic::Handle`].
pub type Handle = generic::Handle<Native>;

/// An [`Endpoint`] on its way to another process. See [`generic::Parcel`].
pub type Parcel = generic::Parcel<Native>;

/// What accepts [`LocalStream`]s. See [`generic::Listener`].
pub type LocalListener = generic::LocalListener<Native>;

/// One end of a two-way connection of bytes. See [`generic::LocalStream`].
pub type LocalStream = generic::LocalStream<Native>;

/// What accepts [`LocalDatagram`]s. See [`generic::Listener`].
pub type LocalDatagramListener = generic::LocalDatagramListener<Native>;

/// One end of a two-way connection of messages. See [`generic::LocalDatagram`].
pub type LocalDatagram = generic::LocalDatagram<Native>;

/// The end of a pipe that is read from. See [`generic::PipeReader`].
pub type PipeReader = generic::PipeReader<Native>;

/// The end of a pipe that is written to. See [`generic::PipeWriter`].
pub type PipeWriter = generic::PipeWriter<Native>;

/// A process to be started, and what it is handed. See [`generic::Command`].
pub type Command = generic::Command<Native>;

/// A child process. See [`generic::Child`].
pub type Child = generic::Child<Native>;

/// Takes what the parent [passed](generic::Command::pass) under `name`. It can be taken once.
///
/// A process that starts others takes what it needs before that; those that it starts by [`Command`] never
/// see it.
///
/// ```no_run
/// use strait::ByteReceiver;
///
/// let mut jobs: ByteReceiver = strait::inherited("jobs")?;
/// println!("{} bytes to do", jobs.recv_ref()?.len());
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Errors
///
/// `NotFound` where nothing was passed under that name, or it was taken already; `TypeMismatch` where it
/// is another sort of endpoint, which stays there; `VersionMismatch` where the parent has another version
/// of strait; `PeerCorrupt`.
pub fn inherited<T: Endpoint<Native>>(name: &str) -> Result<T> {
    generic::inherited(name)
}

/// The names of what the parent passed and was not taken yet.
///
/// # Errors
///
/// `VersionMismatch` where the parent has another version of strait; `PeerCorrupt`.
pub fn inherited_names() -> Result<Vec<String>> {
    generic::inherited_names::<Native>()
}

/// Receives signals. See [`generic::Signals`].
pub type Signals = generic::Signals<Native>;

/// Ends the waits of this process when a signal asks it to end. See [`generic::Shutdown`].
pub type Shutdown = generic::Shutdown<Native>;

/// A process. See [`generic::Process`].
pub type Process = generic::Process<Native>;

/// A pipe that processes find by its name. See [`generic::NamedPipe`].
pub type NamedPipe = generic::NamedPipe<Native>;

/// Two pipes, one each way. See [`generic::Duplex`].
pub type Duplex = generic::Duplex<Native>;

/// Accepts those who connect two pipes. See [`generic::DuplexListener`].
pub type DuplexListener = generic::DuplexListener<Native>;

/// Makes a pipe: what is written at one end is read at the other, in order, as bytes without boundaries.
///
/// ```
/// use std::{io::Write, process::Command};
///
/// // To a child, as its input.
/// let (reader, mut writer) = strait::pipe()?;
/// let mut child = Command::new("cat").stdin(std::process::Stdio::try_from(reader)?).spawn()?;
/// writer.write_all(b"hello\n")?;
/// drop(writer);
/// assert!(child.wait()?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `Os`, where there are no more handles.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    generic::pipe()
}

/// Looks at what this system offers of what strait needs, and what will hurt.
///
/// ```
/// for finding in strait::examine() {
///     println!("{}: {}", finding.topic, finding.found);
/// }
/// ```
pub fn examine() -> Vec<backend::Finding> {
    <Native as backend::Backend>::examine()
}

/// The programs of the README are run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
