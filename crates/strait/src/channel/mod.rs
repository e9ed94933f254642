//! Channels of bytes: messages in order, from one process to another, with no copy where that is
//! wanted.
//!
//! The receiver listens under a name and says which ring it wants. A sender makes the ring in
//! anonymous memory, connects, and sends the memory along: from then on the two share it, and the
//! connection is their doorbell and death notice. A sender needn't wait to be accepted.

mod handover;
mod receiver;
mod sender;

use strait_core::{Error, Name, Rendezvous};
use strait_protocol::ring::SegmentRing;

pub use handover::byte_channel;
pub use receiver::{ByteReceiver, Message};
pub use sender::{ByteSender, Loan};

/// The capacity of a ring in bytes, where none is asked for: it fits a processor's second cache,
/// which makes it faster than a larger one.
const DEFAULT_CAPACITY: usize = 256 << 10;

/// The ring of a channel.
type Ring<B> = SegmentRing<<B as Rendezvous>::Segment>;

/// An error of a channel, with its name where it has one.
fn on(error: Error, name: Option<&Name>) -> Error {
    match name {
        Some(name) => error.on(name),
        None => error,
    }
}
