//! What the benchmarks of what lies in shared memory have in common: the process at the other end, and
//! what strait is measured against.
//!
//! A benchmark measures a [`Subject`] in this process while [a peer](peer) uses the same one, each on a
//! cpu of its own. Only Linux has all that is compared here.

pub mod cpus;
pub mod futex;
pub mod peer;
pub mod robust_mutex;
mod subject;

pub use subject::{Subject, alone};

/// A result with whatever error.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
