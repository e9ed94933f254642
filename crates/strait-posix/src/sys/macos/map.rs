//! How memory is mapped.

use rustix::mm::MapFlags;

/// Nothing has the pages of a mapping be there at once: each is mapped when it is first touched.
pub(crate) const TOUCHED: MapFlags = MapFlags::empty();
