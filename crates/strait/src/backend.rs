//! The traits that a backend implements, for those who write one or use one directly.

pub use strait_core::{
    Accepted, Arrived, Backend, Cancel, Capabilities, Capability, Connection, Credentials,
    Deadline, Doorbell, Finding, Fingerprint, ForkHooks, Handles, Inherit, Listener, Liveness,
    NamedPipe, NamedPipes, NewSegment, Pipe, PipeRead, PipeWrite, ProcessIdentity, Rendezvous,
    SEATS, Segment, Signals, Socket, SocketListener, Sockets, Style, Subscription, Transfer,
    Verdict, WaitAddress, WaitOutcome, Wake,
};
pub use strait_protocol::sync::Sleep;
