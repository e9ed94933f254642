//! What every mechanism does: move messages between two processes, in both directions.

use super::link::Link;
use crate::failure::Result;

/// A way of moving messages from one process to another.
pub(super) trait Mechanism: Sync {
    /// What the table calls it.
    fn title(&self) -> &'static str;

    /// Sets up this side. Both do so at the same time, under names that begin with `name`, and tell
    /// each other over the link what the other has to know.
    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends>;
}

/// Which of the two processes this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Parent,
    Child,
}

/// The two ends that one process has.
pub(super) struct Ends {
    pub(super) outlet: Box<dyn Outlet>,
    pub(super) inlet: Box<dyn Inlet>,
}

/// Where messages go out.
pub(super) trait Outlet {
    /// How many bytes of a file are best sent at a time.
    fn chunk_len(&self) -> usize;

    /// Sends a message of at most `chunk_len` bytes, waiting for space.
    fn send(&mut self, message: &[u8]) -> Result<()>;
}

/// Where messages come in.
pub(super) trait Inlet {
    /// Waits for the next message, and shows it.
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()>;
}
