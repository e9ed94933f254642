//! Synchronisation that lies in shared memory, written once over the waiting of a backend.
//!
//! Each type is words in memory, and nothing else: it has one layout on every system, and a process
//! that is killed in the middle of any operation leaves words with which the others go on.

mod event;
mod sleep;

pub use event::Event;
pub use sleep::Sleep;
