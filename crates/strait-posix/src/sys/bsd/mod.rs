//! What macOS and FreeBSD share.

pub(crate) mod errno;
pub(crate) mod fifo;
pub(crate) mod lane;
pub(crate) mod lock;
pub(crate) mod low_water;
pub(crate) mod memory;
pub(crate) mod net;
pub(crate) mod new_file;
pub(crate) mod own;
pub(crate) mod pass_rights;
pub(crate) mod pipe;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod reserve;
pub(crate) mod seat;
pub(crate) mod watch;
