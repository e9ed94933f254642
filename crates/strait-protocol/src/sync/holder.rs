//! Who has been given something, as a guard remembers it.

use super::{Members, Owner};

/// Who has been given something. After a fork there are two who remember it; the child isn't the one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    pub(crate) me: Owner,
    forks: u32,
}

impl Holder {
    #[inline]
    pub(crate) fn new<B: Members>(me: Owner) -> Self {
        Self { me, forks: B::forks() }
    }

    /// Whether this process is the one, and not a forked child of it. Of memory that isn't shared the
    /// child has a copy, and is the one there.
    #[inline]
    pub(crate) fn is_this_process<B: Members>(&self) -> bool {
        self.forks == B::forks() || self.me.seat().is_none()
    }
}
