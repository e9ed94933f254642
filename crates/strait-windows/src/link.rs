//! One end of a connection, as sockets and the rendezvous have it: the pipe, and what was taken out of it.
//!
//! Only whole messages are taken out of the pipe, so whoever gives up sending one has either sent it or not. Who
//! takes one out has the lock of the inbox; who waits hasn't. As what one thread takes out may be another's to
//! receive, an event says whether there is something in the inbox.

use crate::{
    WindowsHandle,
    client::Client,
    credentials,
    handle::HAND_OVER,
    handover::PeerProcess,
    inbox::Inbox,
    message_pipe::{MessagePipe, Taken, Use, is_end},
    object, overlapped, record,
};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use strait_core::{Credentials, Deadline, Error, ErrorKind, Result};

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    // Shared with what is still being sent when this is dropped.
    pipe: Arc<MessagePipe>,
    peer: Option<Credentials>,
    inbox: Mutex<Inbox>,
    /// Set while the inbox has something, or nothing comes any more.
    filled: OwnedHandle,
}

impl Link {
    pub(crate) fn new(pipe: MessagePipe, peer: Option<Credentials>) -> io::Result<Self> {
        let (inbox, filled) = (Mutex::default(), object::event()?);
        Ok(Self { pipe: Arc::new(pipe), peer, inbox, filled })
    }

    /// To somebody who has connected, and may have said something.
    pub(crate) fn accepted(Client { pipe, peer, inbox, .. }: Client) -> io::Result<Self> {
        let link = Self { pipe, peer, inbox: Mutex::default(), filled: object::event()? };
        link.with_inbox(|empty| *empty = inbox);
        Ok(link)
    }

    /// Both ends of a connection within this process.
    pub(crate) fn pair(used: Use) -> Result<(Self, Self)> {
        let failed = |error| Error::os("make a pair of connections", error);
        let peer = Some(credentials::own()?);
        let (a, b) = MessagePipe::pair(used).map_err(failed)?;
        Ok((Self::new(a, peer).map_err(failed)?, Self::new(b, peer).map_err(failed)?))
    }

    /// Out of the handle of a pipe that was made for a use that `accept` takes: `otherwise`, where nobody has its other
    /// end and the system doesn't tell.
    pub(crate) fn from_handle<T>(
        handle: OwnedHandle,
        otherwise: Use,
        accept: impl FnOnce(Use) -> Option<T>,
    ) -> Result<(Self, T)> {
        const TAKE: &str = "take over a connection";
        let Some(used) = MessagePipe::use_of(&handle, otherwise).and_then(accept) else {
            let why = "the handle is not of such a connection";
            return Err(Error::new(ErrorKind::TypeMismatch, TAKE, why));
        };
        let failed = |error| Error::os(TAKE, error);
        let pipe = MessagePipe::from_handle(handle).map_err(failed)?;
        let peer = credentials::of_peer(&pipe).ok();
        Ok((Self::new(pipe, peer).map_err(failed)?, used))
    }

    /// Works on what has been taken out of the pipe, as the only one.
    pub(crate) fn with_inbox<T>(&self, work: impl FnOnce(&mut Inbox) -> T) -> T {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut inbox);
        match inbox.is_empty() && !inbox.is_over() {
            true => object::reset(&self.filled),
            false => object::set(&self.filled),
        }
        done
    }

    /// Takes messages out of the pipe as long as there are some and `inbox` doesn't have `enough`, and has each of
    /// them added.
    pub(crate) fn fill(
        &self,
        inbox: &mut Inbox,
        enough: impl Fn(&Inbox) -> bool,
        add: impl Fn(&mut Inbox, &[u8]),
    ) -> io::Result<()> {
        /// A hostile peer can send ever more of what adds nothing.
        const MOST: usize = 4096;
        for _ in 0..MOST {
            if inbox.is_over() || enough(inbox) {
                break;
            }
            match self.pipe.take(|message| add(inbox, message))? {
                Taken::Message(()) => {}
                Taken::Nothing => break,
                Taken::End => inbox.has_ended = true,
            }
        }
        Ok(())
    }

    /// Waits until there is something in the pipe or the inbox, or nothing comes any more; `false` where the
    /// deadline passed first.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> io::Result<bool> {
        overlapped::readable(&[self.pipe.as_handle()], &[self.filled.as_handle()], deadline)
    }

    /// Signalled while something has been taken out of the pipe, or nothing comes any more.
    #[cfg(feature = "tokio")]
    pub(crate) fn filled(&self) -> BorrowedHandle<'_> {
        self.filled.as_handle()
    }

    /// Repeats an attempt until it says something else than that it would have to wait.
    pub(crate) fn when_readable<T>(
        &self,
        deadline: Deadline<'_>,
        operation: &'static str,
        mut attempt: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let failed = |error| Error::os(operation, error);
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        while self.wait(deadline).map_err(failed)? {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            // Another thread was faster, or a peer sends ever more of what is nothing.
            if deadline.has_passed() {
                break;
            }
        }
        Err(deadline.error(operation))
    }

    /// Sends a record whole; `false` where there was no room by the deadline, and nothing was sent.
    pub(crate) fn put(&self, record: &[u8], deadline: Deadline<'_>) -> io::Result<bool> {
        self.pipe.put(record, deadline)
    }

    /// Sends a record without waiting for room: where there is none it goes as soon as there is, also when this has
    /// been dropped by then, as long as the process runs.
    pub(crate) fn put_in_time(&self, record: &'static [u8]) -> io::Result<()> {
        if self.pipe.put(record, Deadline::now())? {
            return Ok(());
        }
        let pipe = Arc::clone(&self.pipe);
        let send = move || drop(pipe.put(record, Deadline::NEVER));
        thread::Builder::new().name("strait-last".to_owned()).spawn(send).map(drop)
    }

    /// Whether the peer has said that it receives nothing any more. That is noticed where nothing else that it sent
    /// is still to be received.
    pub(crate) fn is_deaf(&self) -> io::Result<bool> {
        if self.pipe.is_next(record::STOP)? {
            return self.with_inbox(|inbox| {
                // Another thread may have taken it meanwhile, and it is not taken for the next then.
                if inbox.is_empty() && self.pipe.is_next(record::STOP)? {
                    self.pipe.take(|message| inbox.is_deaf |= message == record::STOP)?;
                }
                Ok(inbox.is_deaf)
            });
        }
        Ok(self.with_inbox(|inbox| inbox.is_deaf))
    }

    /// Who the peer was when the connection was made.
    pub(crate) fn peer(&self) -> Result<Credentials> {
        self.peer.ok_or_else(|| {
            let why = "it had ended when this process got the connection";
            Error::new(ErrorKind::Unsupported, "ask who the peer is", why)
        })
    }

    /// The process that the peer was then, as far as that is known.
    pub(crate) fn peer_process(&self) -> PeerProcess {
        PeerProcess::of(self.peer.as_ref())
    }

    /// Another handle of the pipe, for another process.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where something has been taken out of it that nobody has received: it would be lost.
    pub(crate) fn to_handle(&self) -> Result<WindowsHandle> {
        if self.with_inbox(|inbox| inbox.is_empty()) {
            return WindowsHandle::duplicate(&*self.pipe);
        }
        let why = "a part of what came is in this process already";
        let error = Error::new(ErrorKind::InvalidInput, HAND_OVER, why);
        Err(error.hint("receive it before"))
    }
}

impl AsHandle for Link {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.pipe.as_handle()
    }
}

/// The error of a failed operation of the pipe, where the peer being gone is `why`.
pub(crate) fn failed(operation: &'static str, why: &str, error: io::Error) -> Error {
    match is_end(&error) {
        true => Error::new(ErrorKind::Disconnected, operation, why).with_source(error),
        false => Error::os(operation, error),
    }
}
