//! The frame of strait: the traits that a backend supplies, and the vocabulary that everything
//! above them shares. There is no operating system in this crate and no conditional compilation.
//!
//! * What a backend supplies: [`Segment`], [`WaitAddress`], [`Liveness`], [`Doorbell`],
//!   [`Rendezvous`], [`Pipe`], [`NamedPipes`], [`Sockets`], [`Cancel`], [`Signals`] and [`Handles`], bound together by
//!   [`Backend`]. Only what differs between operating systems is here; everything else is written once on top,
//!   generic over `B: Backend`.
//! * What it may lack is stated in its [`Capabilities`]; the facade refuses a call beyond them.
//! * The vocabulary: [`Error`] and [`ErrorKind`], [`Name`], [`Deadline`].
//!
//! Programs use the facade crate `strait`; this crate is for those who write a backend.

#![deny(unsafe_code)]

mod backend;
mod cancel;
mod capability;
mod deadline;
mod error;
mod examine;
mod fingerprint;
mod fork;
mod handle;
mod inherit;
mod liveness;
mod name;
mod named_pipe;
mod pipe;
mod rendezvous;
mod segment;
mod signal;
mod socket;

pub use backend::{Backend, WaitAddress, WaitOutcome};
pub use cancel::Cancel;
pub use capability::{Capabilities, Capability};
pub use deadline::Deadline;
pub use error::{Error, ErrorKind, Result};
pub use examine::{Finding, Verdict};
pub use fingerprint::Fingerprint;
pub use fork::ForkHooks;
pub use handle::{Handles, Transfer};
pub use inherit::Inherit;
pub use liveness::{Liveness, ProcessIdentity};
pub use name::Name;
pub use named_pipe::{NamedPipe, NamedPipes};
pub use pipe::{Pipe, PipeRead, PipeWrite, ReadNow};
pub use rendezvous::{Connection, Credentials, Doorbell, Listener, Rendezvous, Wake};
pub use segment::{Access, Lifetime, Mapping, NewSegment, SEATS, Segment};
pub use signal::{Arrival, Sender, Signal, Signals, Subscription};
pub use socket::{AcceptFrom, Accepted, Arrived, Socket, SocketListener, Sockets, Style};
