#![cfg(windows)]
//! The Windows backend of strait.
//!
//! * [`Windows`] is the backend; programs reach it through the facade crate `strait`.
//! * Every wait ends in `wait.rs`, which knows deadlines and cancellation; every operation of a file or a
//!   pipe goes through `overlapped.rs`, so that it can end early.
//! * Who may open what is in `security.rs`, what it is called in `object.rs`.

#![deny(unsafe_code)]

#[cfg(test)]
mod again;
mod background;
mod cancel;
mod claim;
mod client;
mod courier;
mod credentials;
mod examine;
mod file;
mod handle;
mod handover;
mod in_flight;
mod inbox;
mod inherit;
mod instances;
mod link;
mod liveness;
mod mapping;
mod merged;
mod message_pipe;
mod name_claim;
mod named;
mod named_pipe;
#[cfg(feature = "tokio")]
mod new_names;
mod object;
mod offer;
mod overlapped;
mod peer_end;
mod pending;
mod persistent;
mod pipe;
mod pipe_end;
mod process;
mod random;
#[cfg(feature = "tokio")]
mod ready;
mod record;
mod register;
mod rendezvous;
mod seat;
mod section;
mod security;
mod segment;
#[cfg(any(feature = "tokio", test))]
mod signalled;
mod signals;
mod sleepers;
mod socket;
#[cfg(test)]
mod test_pipe;
mod trailer;
mod turn;
mod user;
mod view;
mod wait;
mod wait_address;
mod waiting_ends;

use strait_core::{Backend, Capabilities, Finding};

pub use cancel::WindowsCancel;
pub use claim::WindowsClaim;
pub use handle::WindowsHandle;
pub use inherit::Bequest;
pub use named_pipe::WindowsNamedPipe;
#[cfg(feature = "tokio")]
pub use new_names::NewName;
pub use pipe::{WindowsPipeReader, WindowsPipeWriter};
#[cfg(feature = "tokio")]
pub use ready::{Ready, Waitable, signalled};
pub use rendezvous::{WindowsConnection, WindowsListener};
pub use seat::WindowsSeat;
pub use segment::WindowsSegment;
pub use signals::WindowsSubscription;
pub use socket::{WindowsSocket, WindowsSocketListener};

/// Windows, as strait sees it.
///
/// # Portability
///
/// Windows 10 or later, and Wine 8 or later for what PLATFORM.md says of it.
#[derive(Debug, Clone, Copy)]
pub struct Windows;

impl Backend for Windows {
    const NAME: &'static str = "windows";
    const CAPABILITIES: Capabilities = Capabilities::all();
    type Cancel = WindowsCancel;

    fn examine() -> Vec<Finding> {
        examine::examine()
    }
}
