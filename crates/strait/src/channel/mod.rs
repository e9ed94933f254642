//! Channels of bytes: messages in order, from one process to another, with no copy where that is
//! wanted.
//!
//! The receiver listens under a name and says which ring it wants. A sender makes the ring in
//! anonymous memory, connects, and sends the memory along: from then on the two share it, and the
//! connection is their doorbell and death notice. A sender needn't wait to be accepted.

mod receiver;
mod sender;

pub use receiver::{ByteReceiver, Message};
pub use sender::{ByteSender, Loan};

/// The capacity of a ring in bytes, where none is asked for: it fits a processor's second cache,
/// which makes it faster than a larger one.
const DEFAULT_CAPACITY: usize = 256 << 10;
