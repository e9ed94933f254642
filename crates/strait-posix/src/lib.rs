#![cfg(unix)]
//! The POSIX backend of strait.
//!
//! * [`Posix`] is the backend; programs reach it through the facade crate `strait`.
//! * A file that others find by its name appears there complete, and says by its locks who lives:
//!   `named_file.rs` and `lease.rs`. Named shared memory and the adverts of listeners are such files.
//! * What differs between POSIX systems is in `sys`, and nowhere else.

#![deny(unsafe_code)]

mod cancel;
mod claim;
mod credentials;
mod examine;
mod fork;
mod handle;
mod inherit;
mod lease;
mod liveness;
mod mapping;
mod named_file;
mod named_pipe;
#[cfg(feature = "tokio")]
mod new_names;
mod pipe;
mod poll;
mod quiet_write;
#[cfg(feature = "tokio")]
mod ready;
mod receive;
mod rendezvous;
mod seat;
mod segment;
mod signals;
mod socket;
mod sys;
mod truncation;
mod wait_address;

use strait_core::{Backend, Capabilities, Finding};

pub use cancel::PosixCancel;
pub use claim::PosixClaim;
pub use handle::PosixHandle;
pub use named_pipe::PosixNamedPipe;
#[cfg(feature = "tokio")]
pub use new_names::NewNames;
pub use pipe::{PosixPipeReader, PosixPipeWriter};
#[cfg(feature = "tokio")]
pub use ready::{Ready, Waitable};
pub use rendezvous::{PosixConnection, PosixListener};
pub use seat::PosixSeat;
pub use segment::PosixSegment;
pub use signals::PosixSubscription;
pub use socket::{PosixSocket, PosixSocketListener};

/// Linux, macOS and FreeBSD, as strait sees them.
///
/// # Portability
///
/// Linux 5.4 or later, with `/dev/shm` and `/proc` mounted; macOS 14.4 or later; FreeBSD 13.1 or later. On the
/// last two it was linked, and not run.
#[derive(Debug, Clone, Copy)]
pub struct Posix;

impl Backend for Posix {
    const NAME: &'static str = "posix";
    const CAPABILITIES: Capabilities = sys::CAPABILITIES;
    type Cancel = PosixCancel;

    fn examine() -> Vec<Finding> {
        examine::examine()
    }
}
