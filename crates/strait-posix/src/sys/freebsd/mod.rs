//! FreeBSD.

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

/// Space can be taken, but a file system that copies on write, as ZFS, may need more later.
pub(crate) const CAPABILITIES: Capabilities = Capabilities::all().without(Capability::Reservation);
