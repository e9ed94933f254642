//! The end of a rendezvous that waits for others to connect.

use super::{advert::Advert, bound::Bound, connection::WindowsConnection};
use crate::{link::Link, name_claim::Sort, user::User};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle},
};
use strait_core::{Error, Listener, Name, Result};

/// A pipe of messages that listens. Dropping it frees the name.
#[derive(Debug)]
pub struct WindowsListener {
    bound: Bound,
    // Shown as long as this is.
    _advert: Advert,
}

impl WindowsListener {
    pub(crate) fn new(name: &Name, advert: &[u8]) -> Result<Self> {
        let show = |id| Advert::show(id, advert, "listen on").map_err(|error| error.on(name));
        let (bound, advert) = Bound::new(name, Sort::Rendezvous, false, show)?;
        Ok(Self { bound, _advert: advert })
    }
}

impl Listener for WindowsListener {
    type Connection = WindowsConnection;

    fn accept(&self) -> Result<Option<WindowsConnection>> {
        let failed = |error: io::Error| Error::os("accept a connection", error);
        let own = User::own()?.number();
        while let Some(client) = self.bound.accept().map_err(failed)? {
            // The pipe lets nobody else in, but for who may do anything.
            if client.peer.as_ref().is_some_and(|peer| peer.user == own) {
                let link = Link::accepted(client).map_err(failed)?;
                return WindowsConnection::new(link).map(Some).map_err(failed);
            }
        }
        Ok(None)
    }
}

/// Signalled while there is somebody to accept.
impl AsHandle for WindowsListener {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.bound.as_handle()
    }
}
