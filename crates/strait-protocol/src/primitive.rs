//! The atomics: those of std, or with `--cfg loom` those of the model checker.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Between a sequentially consistent change and a sequentially consistent look at something else:
/// nothing, as such operations have one order anyway. The model checker takes them for weaker than they
/// are, and is told by a fence.
#[inline]
pub(crate) fn in_one_order() {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}
