//! How much memory there is to be had.

/// How many bytes can still be allocated. These systems don't tell: what is free is little at all times, as
/// caches, compression and swap have the rest.
pub(crate) fn available() -> Option<u64> {
    None
}
