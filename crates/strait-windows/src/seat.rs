//! Seats at shared memory: a kernel object for each, which is there as long as its holder is.

use crate::{named, object, security::Security};
use std::{io, os::windows::io::OwnedHandle};
use strait_core::{Access, Result};

/// A seat that this process has taken.
#[derive(Debug)]
pub struct WindowsSeat {
    #[expect(dead_code, reason = "held for what its drop does")]
    object: OwnedHandle,
}

impl WindowsSeat {
    /// Takes the seat with this number at the section that is known by `id`, if nobody has it.
    pub(crate) fn take(id: u128, number: u32) -> Result<Option<Self>> {
        // Others needn't be able to open it: that it is there is all that it says.
        let security = Security::of(Access::Private)?;
        match named::event(&name(id, number), &security) {
            Ok(made) => Ok(made.new.then_some(Self { object: made.handle })),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(named::failed("join shared memory", error)),
        }
    }

    /// Whether somebody has the seat with this number.
    pub(crate) fn is_taken(id: u128, number: u32) -> Result<bool> {
        let there = named::exists(&name(id, number));
        there.map_err(|error| named::failed("look for a process", error))
    }
}

/// It doesn't begin with a user, as those of several may share the memory.
fn name(id: u128, number: u32) -> String {
    object::name(0, "seat", &format!("{id:032x}.{number}"))
}
