//! What listens under a name.

use super::connecting::use_of;
use crate::{
    client::Client,
    instances::Instances,
    name_claim::{self, Owned, Sort},
    object,
    user::User,
};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle},
};
use strait_core::{Access, Deadline, Error, ErrorKind, Name, Result};

/// A name, and the pipe that listens for it. Dropping it frees the name.
#[derive(Debug)]
pub(crate) struct Bound {
    // Given up first, so that nobody is sent to a pipe that is gone.
    _name: Owned,
    pipe: Instances,
}

impl Bound {
    /// Takes a name, has `prepare` make what is found by the number of this listener, and listens; to other users too
    /// where it is `open`.
    pub(crate) fn new<T>(
        name: &Name,
        sort: Sort,
        open: bool,
        prepare: impl FnOnce(u128) -> Result<T>,
    ) -> Result<(Self, T)> {
        let taken = || {
            let why = "a live process has that name";
            Error::new(ErrorKind::AddrInUse, LISTEN, why).on(name)
        };
        let owned = Owned::create(name, sort, LISTEN)?.ok_or_else(taken)?;
        if open {
            let shown = owned.show_to(Access::Everyone);
            shown.map_err(|error| Error::os(LISTEN, error).on(name))?;
        }
        let used = use_of(sort).ok_or_else(taken)?;
        let prepared = prepare(owned.id())?;
        let pipe = Instances::listen(used, owned.id(), open).map_err(|e| e.on(name))?;
        // Who was told of the name before there was a pipe waits on.
        name_claim::ring(User::own()?.number(), &object::file_name(name));
        Ok((Self { _name: owned, pipe }, prepared))
    }

    /// Takes one that has connected, if there is one.
    pub(crate) fn accept(&self) -> io::Result<Option<Client>> {
        self.pipe.accept()
    }

    /// Waits until there is one; `false` where the deadline passed first.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> io::Result<bool> {
        self.pipe.wait(deadline)
    }
}

impl AsHandle for Bound {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

const LISTEN: &str = "listen on";
