//! Somebody who has connected, and whom nobody has accepted yet.
//!
//! What it says first may name handles, which are in its process and lost with that. So that it may end before it is
//! accepted, they are pulled as soon as they have come. Nothing is trusted for that: they are what they would be had
//! they been pulled later, or the failure that there would have been.

use crate::{
    credentials,
    handover::PeerProcess,
    inbox::Inbox,
    message_pipe::{MessagePipe, Taken},
};
use std::sync::Arc;
use strait_core::Credentials;

/// Somebody who has connected.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) pipe: Arc<MessagePipe>,
    /// Who it is, where the system tells.
    pub(crate) peer: Option<Credentials>,
    /// What has been taken out of the pipe.
    pub(crate) inbox: Inbox,
    /// How often it may still be listened to.
    patience: u32,
}

impl Client {
    /// Whoever has connected to a pipe that may be `open` to other users.
    pub(crate) fn new(pipe: MessagePipe, open: bool) -> Self {
        // Asked at once, as it may end.
        let peer = credentials::of_client(&pipe, open).ok();
        Self { pipe: Arc::new(pipe), peer, inbox: Inbox::default(), patience: PATIENCE }
    }

    /// Takes the first that it has said at a rendezvous, and the handles that came along, if it has said something.
    pub(crate) fn hear(&mut self) {
        if self.is_heard() {
            return;
        }
        let Self { pipe, peer, inbox, patience } = self;
        match pipe.take(|message| inbox.add_at_rendezvous(message)) {
            Ok(Taken::Nothing) => *patience -= 1,
            Ok(Taken::Message(())) => {
                *patience = 0;
                if let Some(first) = inbox.front() {
                    first.pull(PeerProcess::of(peer.as_ref()));
                }
            }
            // Whoever accepts it is told the same.
            Ok(Taken::End) | Err(_) => *patience = 0,
        }
    }

    /// Whether nothing more is taken before it is accepted.
    pub(crate) fn is_heard(&self) -> bool {
        self.patience == 0
    }
}

/// Whoever says nothing isn't listened to as often for ever: it may say nothing over and over.
const PATIENCE: u32 = 4096;
