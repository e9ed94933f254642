//! Either end of an established connection.

use crate::{
    WindowsHandle, handover,
    in_flight::InFlight,
    inbox::{Chunk, Inbox},
    link::{self, Link},
    message_pipe::Use,
    record,
};
use std::{
    net::Shutdown,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use strait_core::{
    Arrived, Credentials, Deadline, Error, ErrorKind, Result, Socket, Style, Transfer,
};

/// One end of a connected pipe of messages. Clones share it.
#[derive(Debug)]
pub struct WindowsSocket {
    end: Arc<End>,
}

#[derive(Debug)]
struct End {
    link: Link,
    style: Style,
    /// Nothing is sent any more.
    is_mute: AtomicBool,
    in_flight: InFlight,
}

impl WindowsSocket {
    pub(crate) fn new(link: Link, style: Style) -> Self {
        let (is_mute, in_flight) = (AtomicBool::new(false), InFlight::default());
        Self { end: Arc::new(End { link, style, is_mute, in_flight }) }
    }

    /// Signalled while something has come that nobody has received.
    #[cfg(feature = "tokio")]
    pub(crate) fn filled(&self) -> BorrowedHandle<'_> {
        self.end.link.filled()
    }

    fn send_by(
        &self,
        bytes: &[u8],
        handles: &[WindowsHandle],
        deadline: Deadline<'_>,
    ) -> Result<Option<usize>> {
        self.check_size(bytes.len(), handles.len())?;
        let End { link, style, is_mute, in_flight } = &*self.end;
        let failed = |error| link::failed(SEND, "the peer is gone", error);
        if is_mute.load(Ordering::SeqCst) || link.is_deaf().map_err(failed)? {
            let why = "one end was shut down";
            return Err(Error::new(ErrorKind::Disconnected, SEND, why));
        }
        if *style == Style::Stream && bytes.is_empty() {
            return Ok(Some(0));
        }
        let bytes = &bytes[..bytes.len().min(record::MAX_DATA)];
        if !handles.is_empty() && in_flight.count() + handles.len() > MOST_IN_FLIGHT {
            let why = format!("more than {MOST_IN_FLIGHT} handles would be on their way");
            let error = Error::new(ErrorKind::LimitReached, SEND, why);
            return Err(error.hint("wait until the peer has received some"));
        }
        let (names, on_their_way) = match handles {
            [] => (Vec::new(), None),
            _ => handover::pack(handles).map(|(names, sent)| (names, Some(sent)))?,
        };
        if !link.put(&record::data(&names, bytes), deadline).map_err(failed)? {
            return Ok(None);
        }
        if let Some(sent) = on_their_way {
            in_flight.add(link, sent)?;
        }
        Ok(Some(bytes.len()))
    }

    /// Takes something out of the pipe, unless there is something already.
    fn fill(&self, inbox: &mut Inbox, enough: impl Fn(&Inbox) -> bool) -> Result<()> {
        let style = self.end.style;
        let failed = |error| link::failed(RECEIVE, "the peer is gone", error);
        self.end.link.fill(inbox, enough, |inbox, came| inbox.add(came, style)).map_err(failed)
    }

    fn receive_next(
        &self,
        inbox: &mut Inbox,
        buffer: &mut [u8],
        wanted: Option<&mut Vec<WindowsHandle>>,
    ) -> Result<Option<Arrived>> {
        let is_stream = self.end.style == Style::Stream;
        let arrived = |len, is_end| Arrived { len, is_end, handles_are_lost: false };
        if is_stream && buffer.is_empty() {
            return Ok(Some(arrived(0, false)));
        }
        self.fill(inbox, |inbox| !inbox.is_empty())?;
        let Some(next) = inbox.front() else {
            return Ok(inbox.check()?.then_some(arrived(0, true)));
        };
        let (len, room) = (next.rest().len(), buffer.len());
        if !is_stream && len > room {
            let why = format!("the message has {len} bytes and the buffer {room}");
            let error = Error::new(ErrorKind::TooLarge, RECEIVE, why);
            return Err(error.hint("the message is still there: receive it with a larger buffer"));
        }
        let came = self.pull(next, wanted);
        let len = match is_stream {
            true => inbox.read(buffer),
            false => inbox.take(&mut buffer[..len]),
        };
        Ok(Some(Arrived { handles_are_lost: !came?, ..arrived(len, false) }))
    }

    /// Takes the handles that came, or declines them; `false` where there is no room for them.
    fn pull(&self, came: &mut Chunk, wanted: Option<&mut Vec<WindowsHandle>>) -> Result<bool> {
        let peer = self.end.link.peer_process();
        let Some(wanted) = wanted else {
            came.decline_handles(peer);
            return Ok(true);
        };
        match came.take_handles(peer) {
            Ok(handles) => wanted.extend(handles),
            Err(error) if error.kind() == ErrorKind::LimitReached => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn check_size(&self, bytes: usize, handles: usize) -> Result<()> {
        let refused =
            |why: String, hint: &str| Err(Error::new(ErrorKind::TooLarge, SEND, why).hint(hint));
        if handles > Self::MAX_HANDLES {
            let most = Self::MAX_HANDLES;
            let why = format!("{handles} handles are more than the {most} that go at once");
            return refused(why, "send them in several messages");
        }
        if self.end.style == Style::Datagram && bytes > Self::MAX_MESSAGE {
            let most = Self::MAX_MESSAGE;
            let why = format!("{bytes} bytes are more than the {most} that a message may have");
            return refused(why, "send it in parts, or as shared memory");
        }
        Ok(())
    }
}

impl Socket for WindowsSocket {
    type Handle = WindowsHandle;

    const MAX_HANDLES: usize = handover::MAX_HANDLES;
    const MAX_MESSAGE: usize = record::MAX_DATA;
    const MAX_WHOLE: usize = record::MAX_DATA;

    fn style(&self) -> Style {
        self.end.style
    }

    fn send(
        &self,
        bytes: &[u8],
        handles: &[WindowsHandle],
        deadline: Deadline<'_>,
    ) -> Result<usize> {
        self.send_by(bytes, handles, deadline)?.ok_or_else(|| deadline.error(SEND))
    }

    fn try_send(&self, bytes: &[u8], handles: &[WindowsHandle]) -> Result<Option<usize>> {
        self.send_by(bytes, handles, Deadline::now())
    }

    fn receive(
        &self,
        buffer: &mut [u8],
        mut handles: Option<&mut Vec<WindowsHandle>>,
        deadline: Deadline<'_>,
    ) -> Result<Arrived> {
        self.end
            .link
            .when_readable(deadline, RECEIVE, || self.try_receive(buffer, handles.as_deref_mut()))
    }

    fn try_receive(
        &self,
        buffer: &mut [u8],
        handles: Option<&mut Vec<WindowsHandle>>,
    ) -> Result<Option<Arrived>> {
        self.end.link.with_inbox(|inbox| self.receive_next(inbox, buffer, handles))
    }

    fn pending(&self, deadline: Deadline<'_>) -> Result<usize> {
        self.end.link.when_readable(deadline, RECEIVE, || {
            self.end.link.with_inbox(|inbox| match self.end.style {
                Style::Stream => {
                    self.fill(inbox, |inbox| inbox.len() >= MUCH)?;
                    Ok(Some(inbox.len()).filter(|&len| len > 0 || inbox.is_over()))
                }
                Style::Datagram => {
                    self.fill(inbox, |inbox| !inbox.is_empty())?;
                    match inbox.front() {
                        Some(next) => Ok(Some(next.rest().len())),
                        None => Ok(inbox.check()?.then_some(0)),
                    }
                }
            })
        })
    }

    fn shutdown(&self, how: Shutdown) -> Result<()> {
        let link = &self.end.link;
        let failed = |error| link::failed(SHUT, "the peer is gone", error);
        let (mut written, mut read) = (Ok(()), Ok(()));
        if matches!(how, Shutdown::Write | Shutdown::Both)
            && !self.end.is_mute.swap(true, Ordering::SeqCst)
        {
            written = link.put_in_time(record::END).map_err(failed);
        }
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            read = link.put_in_time(record::STOP).map_err(failed);
            // Who was waiting for room learns of it then. What had come can still be received.
            link.with_inbox(|inbox| {
                let taken = self.fill(inbox, |inbox| inbox.len() >= MUCH);
                inbox.has_ended = true;
                taken
            })?;
        }
        written.and(read)
    }

    fn try_clone(&self) -> Result<Self> {
        Ok(Self { end: Arc::clone(&self.end) })
    }

    fn peer(&self) -> Result<Credentials> {
        self.end.link.peer()
    }
}

impl Transfer<WindowsHandle> for WindowsSocket {
    fn to_handle(&self) -> Result<WindowsHandle> {
        let handle = self.end.link.to_handle()?;
        self.end.in_flight.is_elsewhere();
        Ok(handle)
    }

    fn from_handle(handle: WindowsHandle) -> Result<Self> {
        let (link, style) =
            Link::from_handle(OwnedHandle::from(handle), Use::Stream, |used| match used {
                Use::Stream => Some(Style::Stream),
                Use::Datagram => Some(Style::Datagram),
                Use::Rendezvous => None,
            })?;
        Ok(Self::new(link, style))
    }
}

impl AsHandle for WindowsSocket {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.end.link.as_handle()
    }
}

/// As many handles this process keeps for a peer that doesn't receive them.
const MOST_IN_FLIGHT: usize = 1024;

const SEND: &str = "send over a connection";
const RECEIVE: &str = "receive from a connection";
const SHUT: &str = "shut down a connection";

/// As much of a stream is taken out of the pipe at most, to see how much there is.
const MUCH: usize = 1 << 20;
