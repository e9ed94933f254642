//! How memory is mapped.

use rustix::mm::MapFlags;

/// Has the pages of a mapping be there at once, so that no page fault lands on a message.
pub(crate) const TOUCHED: MapFlags = MapFlags::POPULATE;
