//! macOS.

pub(crate) mod control;
pub(crate) mod examine;
pub(crate) mod futex;
pub(crate) mod map;
pub(crate) mod quiet;
pub(crate) mod raw;
pub(crate) mod seen;
pub(crate) mod shm;
pub(crate) mod signal;

use strait_core::{Capabilities, Capability};

/// A peer can always change the size of what it shares: there are no seals, and accesses are guarded instead.
pub(crate) const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::SealedSize);
