//! Who the calling thread is to a lock, and whether its owner has ended: by the seats of the memory that
//! it lies in, or with `--cfg loom` by what the model says.

use super::{Owner, Sleep};

/// Telling owners from each other, and the living from the dead. Every backend has it.
pub trait Members: Sleep {
    /// The calling thread, as an owner of what lies at this address.
    ///
    /// # Errors
    ///
    /// Where the process was forked and can't take a seat of its own.
    fn me(address: usize) -> strait_core::Result<Owner>;

    /// Whether an owner of what lies at this address has ended, for sure.
    fn is_gone(address: usize, owner: Owner) -> bool;

    /// Whether an owner of what lies at this address is the calling thread, be it by another mapping
    /// of the same memory.
    fn is_me(address: usize, owner: Owner) -> bool;

    /// How many forks lie between this process and the one that began.
    fn forks() -> u32;
}

#[cfg(not(loom))]
impl<B: Sleep> Members for B {
    #[inline]
    fn me(address: usize) -> strait_core::Result<Owner> {
        crate::registry::me(address)
    }

    fn is_gone(address: usize, owner: Owner) -> bool {
        crate::registry::is_gone(address, owner)
    }

    fn is_me(address: usize, owner: Owner) -> bool {
        crate::registry::is_me(address, owner)
    }

    #[inline]
    fn forks() -> u32 {
        crate::registry::forks()
    }
}
