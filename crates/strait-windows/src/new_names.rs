//! Noticing that somebody may have begun to listen, for tasks.

use crate::{
    name_claim::{self, LOOK_EVERY},
    object,
    ready::failed,
    signalled::{Signal, Signalled},
    user::User,
};
use std::{os::windows::io::OwnedHandle, sync::Arc};
use strait_core::{Name, Result};

/// Notices changes of one of this user's names.
#[derive(Debug)]
pub struct NewName(Arc<OwnedHandle>);

impl NewName {
    /// Of the name that is called so.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a bad name; `Os`, where there are no more handles.
    pub fn of(name: &str) -> Result<Self> {
        let bell = name_claim::bell(User::own()?.number(), &Name::new(name)?, "connect to")?;
        Ok(Self(Arc::new(bell)))
    }

    /// Notices changes from now on.
    pub fn listen(&self) {
        object::reset(&*self.0);
    }

    /// Waits until it may have changed since then. Others who wait for the same may hide that, so it ends now and
    /// then in any case.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub async fn changed(&self) -> Result<()> {
        let bell = Arc::clone(&self.0) as Signal;
        Signalled::any_within([bell], LOOK_EVERY.as_millis() as u32).map_err(failed)?.await;
        Ok(())
    }
}
