//! An established connection: messages and segments at first, and then the doorbell of a ring.
//!
//! The doorbell is the pipe itself: a record of one byte is a ring, and its end is the end of the peer (see
//! `docs/decisions/0013-the-pipe-is-the-doorbell.md`).

use super::rings::Rings;
use crate::{
    WindowsHandle, WindowsSegment,
    handover::{self, Sent},
    in_flight::InFlight,
    inbox::{Chunk, Inbox},
    link::{self, Link},
    message_pipe::Use,
    record,
};
use std::{
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use strait_core::{
    Connection, Credentials, Deadline, Doorbell, Error, ErrorKind, Result, Transfer, Wake,
};

/// One end of a connected pipe of messages.
#[derive(Debug)]
pub struct WindowsConnection {
    bell: Rings<Link>,
    in_flight: InFlight,
    /// Whether the next segment is the first that is sent to a listener, which pulls that at once.
    greets: AtomicBool,
}

impl WindowsConnection {
    pub(crate) fn new(link: Link) -> io::Result<Self> {
        let (in_flight, greets) = (InFlight::default(), AtomicBool::new(false));
        Ok(Self { bell: Rings::new(link)?, in_flight, greets })
    }

    /// One to a listener that nobody may have asked to accept yet.
    pub(super) fn connected(link: Link) -> io::Result<Self> {
        Ok(Self { greets: AtomicBool::new(true), ..Self::new(link)? })
    }

    /// Keeps what was sent until the peer has it. A listener is about to pull what it is greeted with, so that is
    /// waited for: from then on it doesn't matter how this process ends.
    fn keep(&self, sent: Sent) -> Result<()> {
        self.in_flight.add(self.link(), sent)?;
        if self.greets.swap(false, Ordering::Relaxed) {
            self.in_flight.wait(GREETED);
        }
        Ok(())
    }

    pub(super) fn link(&self) -> &Link {
        self.bell.pipe()
    }

    /// Whether there is something to receive that isn't in the pipe any more, or nothing comes any more.
    pub(crate) fn has_something(&self) -> bool {
        self.link().with_inbox(|inbox| !inbox.is_empty() || inbox.is_over())
    }

    /// Takes something out of the pipe, unless there is `enough` already.
    fn fill(
        &self,
        inbox: &mut Inbox,
        operation: &'static str,
        enough: impl Fn(&Inbox) -> bool,
    ) -> Result<()> {
        let failed = |error| link::failed(operation, GONE, error);
        self.link().fill(inbox, enough, Inbox::add_at_rendezvous).map_err(failed)
    }

    /// Takes the segment that came with a message, if one has.
    fn segment(&self, came: &mut Chunk, operation: &'static str) -> Result<Option<WindowsSegment>> {
        if !came.has_handles() {
            return Ok(None);
        }
        let mut handles = came.take_handles(self.link().peer_process())?;
        match (handles.pop(), handles.len()) {
            (Some(only), 0) => WindowsSegment::from_handle(only).map(Some),
            _ => {
                let why = "what came along is no segment of memory";
                Err(Error::new(ErrorKind::PeerCorrupt, operation, why))
            }
        }
    }
}

impl Connection for WindowsConnection {
    type Segment = WindowsSegment;

    fn send(&self, message: &[u8], segment: Option<&WindowsSegment>) -> Result<()> {
        const SEND: &str = "send over a connection";
        if message.len() > MAX_MESSAGE {
            let why = format!("{} bytes are too many for a message", message.len());
            return Err(Error::new(ErrorKind::TooLarge, SEND, why));
        }
        let (names, on_their_way) = match segment {
            None => (Vec::new(), None),
            Some(segment) => {
                handover::pack(&[segment.to_handle()?]).map(|(names, sent)| (names, Some(sent)))?
            }
        };
        let sent = self.link().put(&record::data(&names, message), Deadline::now());
        match sent.map_err(|error| link::failed(SEND, GONE, error))? {
            true => on_their_way.map_or(Ok(()), |sent| self.keep(sent)),
            false => {
                let why = "the peer has stopped reading";
                Err(Error::new(ErrorKind::WouldBlock, SEND, why))
            }
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<Option<(usize, Option<WindowsSegment>)>> {
        const RECEIVE: &str = "receive from a connection";
        self.link().with_inbox(|inbox| {
            self.fill(inbox, RECEIVE, |inbox| !inbox.is_empty())?;
            match inbox.front() {
                Some(next) => {
                    let segment = self.segment(next, RECEIVE);
                    let len = inbox.read(buffer);
                    Ok(Some((len, segment?)))
                }
                None => Ok(inbox.check()?.then_some((0, None))),
            }
        })
    }

    fn peer(&self) -> Result<Credentials> {
        self.link().peer()
    }
}

impl Doorbell for WindowsConnection {
    fn ring(&self) -> Result<()> {
        self.bell.ring().map_err(|error| link::failed("wake the peer", GONE, error))
    }

    fn wait(&self, deadline: Deadline<'_>) -> Result<Wake> {
        const WAIT: &str = "wait for the peer";
        let heard = self.link().when_readable(deadline, WAIT, || {
            self.link().with_inbox(|inbox| {
                // Hears many rings at once, and drops what a hostile peer sends along.
                let mut rings = 0;
                loop {
                    self.fill(inbox, WAIT, |inbox| !inbox.is_empty())?;
                    match inbox.front() {
                        Some(_) => inbox.pop(),
                        None if rings > 0 => return Ok(Some(Wake::Rung)),
                        None => return Ok(inbox.is_over().then_some(Wake::HungUp)),
                    }
                    rings += 1;
                    if rings == MANY {
                        return Ok(Some(Wake::Rung));
                    }
                }
            })
        });
        match heard {
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(Wake::TimedOut),
            Err(error) if error.kind() == ErrorKind::Cancelled => Ok(Wake::TimedOut),
            heard => heard,
        }
    }
}

impl Transfer<WindowsHandle> for WindowsConnection {
    fn to_handle(&self) -> Result<WindowsHandle> {
        let handle = self.link().to_handle()?;
        self.in_flight.is_elsewhere();
        Ok(handle)
    }

    fn from_handle(handle: WindowsHandle) -> Result<Self> {
        let accept = |used| (used == Use::Rendezvous).then_some(());
        let (link, ()) = Link::from_handle(OwnedHandle::from(handle), Use::Rendezvous, accept)?;
        Self::new(link).map_err(|error| Error::os("take over a connection", error))
    }
}

impl AsHandle for WindowsConnection {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.link().as_handle()
    }
}

const GONE: &str = "it is gone";

/// A message is no longer, so that there is room for some where nobody has read them yet.
const MAX_MESSAGE: usize = 4 << 10;

/// As long a greeting waits for a listener to pull what came along: more than it takes one that isn't held up.
const GREETED: Duration = Duration::from_millis(250);

/// As many rings are heard at once.
const MANY: u32 = 64;
