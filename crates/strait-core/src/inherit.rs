//! Giving a handle to a child process that is about to be started.

use crate::{Handles, Result};
use std::{
    fmt::Debug,
    process::{Child, Command},
};

/// Inheritance of one handle, by one child.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | a descriptor that isn't closed on exec, in that child only |
/// | Windows | none is inherited: the child fetches it out of its parent (`DuplicateHandle`) |
pub trait Inherit: Handles {
    /// What the parent keeps for the child between the call to start it and its start.
    type Bequest: Debug;

    /// Has the child that `command` starts inherit `handle`, and no other child. `command` has to be
    /// started once at most, and may keep the handle until it is dropped.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn bequeath(command: &mut Command, handle: Self::Handle) -> Result<Self::Bequest>;

    /// Keeps there what the child, which has started, is to inherit, for as long as it takes.
    fn settle(bequest: Self::Bequest, child: &Child);

    /// Has the child that `command` starts not take for its own what this process inherited.
    fn disinherit(command: &mut Command);

    /// The handle that the parent gave to this process; `None` where there is none, and the second time.
    /// No child of this process inherits it.
    ///
    /// # Errors
    ///
    /// `Os` where the system fails.
    fn inherit() -> Result<Option<Self::Handle>>;
}
