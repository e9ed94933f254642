//! How memory is mapped.

use rustix::mm::MapFlags;

/// Has the pages of a mapping that are in memory be mapped at once, and those that were written stay there until
/// memory is short, instead of being written to the file every now and then.
pub(crate) const TOUCHED: MapFlags =
    MapFlags::from_bits_retain((libc::MAP_PREFAULT_READ | libc::MAP_NOSYNC) as _);
