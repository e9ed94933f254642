//! Linux.

pub(crate) mod control;
pub(crate) mod errno;
pub(crate) mod examine;
pub(crate) mod fifo;
pub(crate) mod futex;
pub(crate) mod lane;
pub(crate) mod lock;
pub(crate) mod map;
pub(crate) mod memory;
pub(crate) mod net;
pub(crate) mod pass_rights;
pub(crate) mod pipe;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod quiet;
pub(crate) mod seat;
pub(crate) mod shm;
pub(crate) mod signal;
pub(crate) mod watch;

/// All.
pub(crate) const CAPABILITIES: strait_core::Capabilities = strait_core::Capabilities::all();
