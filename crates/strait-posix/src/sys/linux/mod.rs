//! Linux.

pub(crate) mod errno;
pub(crate) mod futex;
pub(crate) mod memory;
pub(crate) mod pass_rights;
pub(crate) mod process;
pub(crate) mod shm;
pub(crate) mod watch;
