//! Either end of an established connection.

use crate::{
    PosixHandle, credentials,
    handle::check_connected,
    poll,
    receive::receive_bytes,
    sys::{
        control::MAX_DESCRIPTORS,
        lane::{self, Lane},
        net::pair,
    },
};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{self, Errno},
    net,
};
use std::{
    net::Shutdown,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};
use strait_core::{
    Arrived, Credentials, Deadline, Error, ErrorKind, Result, Socket, Style, Transfer,
};

/// One end of a connected Unix socket.
#[derive(Debug)]
pub struct PosixSocket {
    socket: OwnedFd,
    style: Style,
    lane: Arc<Lane>,
}

impl PosixSocket {
    pub(crate) fn new(socket: OwnedFd, style: Style) -> Result<Self> {
        let lane = Lane::new(&socket, style).map_err(|e| Error::os("use a connection", e))?;
        Ok(Self { socket, style, lane: Arc::new(lane) })
    }

    pub(crate) fn pair(style: Style) -> Result<(Self, Self)> {
        let (a, b) = pair(lane::kind_of(style))
            .map_err(|errno| Error::os("make a pair of connections", errno))?;
        Ok((Self::new(a, style)?, Self::new(b, style)?))
    }

    /// What a call that doesn't wait has received; `None` where it would have to.
    fn received<T>(&self, mut call: impl FnMut() -> rustix::io::Result<T>) -> Result<Option<T>> {
        loop {
            match call() {
                Ok(done) => return Ok(Some(done)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                // The peer left without having received everything. What it sent is still there.
                Err(Errno::CONNRESET) if self.style == Style::Datagram => {}
                Err(Errno::CONNRESET) => {
                    let why = "the peer is gone and hasn't received everything";
                    let error = Error::new(ErrorKind::Disconnected, RECEIVE, why);
                    return Err(error.with_source(Errno::CONNRESET));
                }
                Err(Errno::BADMSG) => {
                    let why = "what the peer sends is no message, or not a whole one";
                    return Err(Error::new(ErrorKind::PeerCorrupt, RECEIVE, why));
                }
                Err(errno) => return Err(Error::os(RECEIVE, errno)),
            }
        }
    }

    /// Repeats an attempt until it says something else than that it would have to wait.
    fn when_readable<T>(
        &self,
        deadline: Deadline<'_>,
        mut attempt: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let failed = |errno| Error::os(RECEIVE, errno);
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        while poll::readable(&self.socket, deadline).map_err(failed)? {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            // It was readable, and another thread was faster, or it is a byte out of band, of which a
            // peer can send ever more.
            if deadline.has_passed() {
                break;
            }
            // Or who shares the description peeks behind what is there.
            self.lane.put_right(&self.socket).map_err(failed)?;
        }
        Err(deadline.error(RECEIVE))
    }

    fn receive_stream(
        &self,
        buffer: &mut [u8],
        mut descriptors: Option<&mut Vec<OwnedFd>>,
    ) -> Result<Option<Arrived>> {
        if buffer.is_empty() {
            return Ok(Some(Arrived { len: 0, is_end: false, handles_are_lost: false }));
        }
        let came =
            self.received(|| receive_bytes(&self.socket, buffer, descriptors.as_deref_mut()))?;
        Ok(came.map(|came| {
            let (len, is_end) = (came.bytes, came.bytes == 0);
            Arrived { len, is_end, handles_are_lost: came.cut }
        }))
    }

    fn receive_message(
        &self,
        buffer: &mut [u8],
        mut descriptors: Option<&mut Vec<OwnedFd>>,
    ) -> Result<Option<Arrived>> {
        let room = buffer.len();
        let came =
            self.received(|| self.lane.receive(&self.socket, buffer, descriptors.as_deref_mut()))?;
        match came {
            None => Ok(None),
            Some(Ok(arrived)) => Ok(Some(arrived)),
            Some(Err(len)) => {
                let why = format!("the message has {len} bytes and the buffer {room}");
                let error = Error::new(ErrorKind::TooLarge, RECEIVE, why);
                Err(error.hint("the message is still there: receive it with a larger buffer"))
            }
        }
    }

    fn check_size(&self, bytes: usize, handles: usize) -> Result<()> {
        let refused =
            |why: String, hint: &str| Err(Error::new(ErrorKind::TooLarge, SEND, why).hint(hint));
        if handles > Self::MAX_HANDLES {
            let most = Self::MAX_HANDLES;
            let why = format!("{handles} handles are more than the {most} that go at once");
            return refused(why, "send them in several messages");
        }
        if self.style == Style::Datagram && bytes > Self::MAX_MESSAGE {
            let most = Self::MAX_MESSAGE;
            let why = format!("{bytes} bytes are more than the {most} that a message may have");
            return refused(why, "send it in parts, or as shared memory");
        }
        Ok(())
    }
}

impl Socket for PosixSocket {
    type Handle = PosixHandle;

    const MAX_HANDLES: usize = MAX_DESCRIPTORS;
    const MAX_MESSAGE: usize = 64 << 10;
    // Linux takes up to 36 KiB into one buffer of its own, or nothing.
    const MAX_WHOLE: usize = 32 << 10;

    fn style(&self) -> Style {
        self.style
    }

    fn send(&self, bytes: &[u8], handles: &[PosixHandle], deadline: Deadline<'_>) -> Result<usize> {
        let failed = |errno| Error::os(SEND, errno);
        if let Some(sent) = self.try_send(bytes, handles)? {
            return Ok(sent);
        }
        while poll::writable(&self.socket, deadline).map_err(failed)? {
            if let Some(sent) = self.try_send(bytes, handles)? {
                return Ok(sent);
            }
            // Others may have filled the room, and go on to.
            if deadline.has_passed() {
                break;
            }
        }
        Err(deadline.error(SEND))
    }

    fn try_send(&self, bytes: &[u8], handles: &[PosixHandle]) -> Result<Option<usize>> {
        self.check_size(bytes.len(), handles.len())?;
        let descriptors: Vec<_> = handles.iter().map(AsFd::as_fd).collect();
        loop {
            match self.lane.send(&self.socket, bytes, &descriptors) {
                Ok(sent) => return Ok(Some(sent)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(None),
                Err(errno) => return Err(not_sent(errno)),
            }
        }
    }

    fn receive(
        &self,
        buffer: &mut [u8],
        mut handles: Option<&mut Vec<PosixHandle>>,
        deadline: Deadline<'_>,
    ) -> Result<Arrived> {
        self.when_readable(deadline, || self.try_receive(buffer, handles.as_deref_mut()))
    }

    fn try_receive(
        &self,
        buffer: &mut [u8],
        handles: Option<&mut Vec<PosixHandle>>,
    ) -> Result<Option<Arrived>> {
        let mut came = Vec::new();
        let descriptors = handles.is_some().then_some(&mut came);
        let arrived = match self.style {
            Style::Stream => self.receive_stream(buffer, descriptors)?,
            Style::Datagram => self.receive_message(buffer, descriptors)?,
        };
        if let Some(handles) = handles {
            handles.extend(came.into_iter().map(PosixHandle::from));
        }
        Ok(arrived)
    }

    fn pending(&self, deadline: Deadline<'_>) -> Result<usize> {
        if self.style == Style::Datagram {
            return self
                .when_readable(deadline, || self.received(|| self.lane.pending(&self.socket)));
        }
        // Nothing is peeked at: that passes over a byte out of band, which only receiving takes away.
        let failed = |errno| Error::os(RECEIVE, errno);
        if !poll::readable(&self.socket, deadline).map_err(failed)? {
            return Err(deadline.error(RECEIVE));
        }
        io::ioctl_fionread(&self.socket).map(|len| len as usize).map_err(failed)
    }

    fn shutdown(&self, how: Shutdown) -> Result<()> {
        let how = match how {
            Shutdown::Read => net::Shutdown::Read,
            Shutdown::Write => net::Shutdown::Write,
            Shutdown::Both => net::Shutdown::Both,
        };
        net::shutdown(&self.socket, how).map_err(|errno| match errno {
            Errno::NOTCONN => Error::new(ErrorKind::Disconnected, SHUT, "the peer is gone"),
            errno => Error::os(SHUT, errno),
        })
    }

    fn try_clone(&self) -> Result<Self> {
        let socket = io::fcntl_dupfd_cloexec(&self.socket, 0)
            .map_err(|errno| Error::os("clone a connection", errno))?;
        Ok(Self { socket, style: self.style, lane: Arc::clone(&self.lane) })
    }

    fn peer(&self) -> Result<Credentials> {
        credentials::of_peer(&self.socket)
    }
}

impl Transfer<PosixHandle> for PosixSocket {
    fn to_handle(&self) -> Result<PosixHandle> {
        PosixHandle::duplicate(&self.socket)
    }

    fn from_handle(handle: PosixHandle) -> Result<Self> {
        OwnedFd::from(handle).try_into()
    }
}

impl AsFd for PosixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// One that blocks, for other programs.
impl TryFrom<PosixSocket> for OwnedFd {
    type Error = Error;

    fn try_from(end: PosixSocket) -> Result<Self> {
        let blocking = || {
            let flags = fcntl_getfl(&end.socket)?;
            match flags.contains(OFlags::NONBLOCK) {
                true => fcntl_setfl(&end.socket, flags - OFlags::NONBLOCK),
                false => Ok(()),
            }
        };
        blocking().map_err(|errno| Error::os("hand out a connection", errno))?;
        Ok(end.socket)
    }
}

/// Where it is a connected local socket, of either style.
impl TryFrom<OwnedFd> for PosixSocket {
    type Error = Error;

    fn try_from(file: OwnedFd) -> Result<Self> {
        let style = lane::style_of(&file);
        check_connected(&file, lane::kind_of(style))?;
        Self::new(file, style)
    }
}

const SEND: &str = "send over a connection";
const RECEIVE: &str = "receive from a connection";
const SHUT: &str = "shut down a connection";

fn not_sent(errno: Errno) -> Error {
    let error = |kind, why| Error::new(kind, SEND, why).with_source(errno);
    match errno {
        Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => {
            error(ErrorKind::Disconnected, "the peer is gone, or one end was shut down")
        }
        Errno::MSGSIZE => error(ErrorKind::TooLarge, "the system doesn't take as long a message")
            .hint("raise net.core.wmem_default"),
        Errno::TOOMANYREFS => {
            error(ErrorKind::LimitReached, "too many handles of this user are on their way")
                .hint("have those received that were sent, or raise the limit (ulimit -n)")
        }
        errno => Error::os(SEND, errno),
    }
}
