//! What this backend doesn't have yet: it is refused, and no value of it exists.

use crate::{Windows, WindowsHandle, WindowsSegment};
use std::{net::Shutdown, path::Path};
use strait_core::{
    AcceptFrom, Accepted, Arrived, Connection, Credentials, Deadline, Doorbell, Error, ErrorKind,
    Listener, Name, NamedPipe, NamedPipes, Pipe, PipeRead, PipeWrite, Rendezvous, Result, Socket,
    SocketListener, Sockets, Style, Transfer, Wake,
};

/// Nothing.
#[derive(Debug)]
pub enum Lacking {}

fn lacking<T>(operation: &'static str) -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, operation, "this backend does not offer it yet"))
}

impl Transfer<WindowsHandle> for Lacking {
    fn to_handle(&self) -> Result<WindowsHandle> {
        match *self {}
    }
    fn from_handle(_: WindowsHandle) -> Result<Self> {
        lacking("take a handle")
    }
}

impl Rendezvous for Windows {
    type Segment = WindowsSegment;
    type Listener = Lacking;
    type Connection = Lacking;
    fn listen(_: &Name, _: &[u8]) -> Result<Lacking> {
        lacking("listen")
    }
    fn connect(_: &Name, _: Deadline<'_>) -> Result<(Lacking, Vec<u8>)> {
        lacking("connect")
    }
    fn pair() -> Result<(Lacking, Lacking)> {
        lacking("make a connection")
    }
    fn wait_any(listener: &Lacking, _: &[Lacking], _: Deadline<'_>) -> Result<bool> {
        match *listener {}
    }
}

impl Listener for Lacking {
    type Connection = Lacking;
    fn accept(&self) -> Result<Option<Lacking>> {
        match *self {}
    }
}

impl Doorbell for Lacking {
    fn ring(&self) -> Result<()> {
        match *self {}
    }
    fn wait(&self, _: Deadline<'_>) -> Result<Wake> {
        match *self {}
    }
}

impl Connection for Lacking {
    type Segment = WindowsSegment;
    fn send(&self, _: &[u8], _: Option<&WindowsSegment>) -> Result<()> {
        match *self {}
    }
    fn receive(&self, _: &mut [u8]) -> Result<Option<(usize, Option<WindowsSegment>)>> {
        match *self {}
    }
    fn peer(&self) -> Result<Credentials> {
        match *self {}
    }
}

impl Pipe for Windows {
    type Reader = Lacking;
    type Writer = Lacking;
    fn pipe() -> Result<(Lacking, Lacking)> {
        lacking("make a pipe")
    }
}

impl PipeRead for Lacking {
    fn read(&self, _: &mut [u8], _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn try_read(&self, _: &mut [u8]) -> Result<Option<usize>> {
        match *self {}
    }
    fn try_clone(&self) -> Result<Self> {
        match *self {}
    }
}

impl PipeWrite for Lacking {
    const ATOMIC: usize = 0;
    fn write(&self, _: &[u8], _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn try_write(&self, _: &[u8]) -> Result<Option<usize>> {
        match *self {}
    }
    fn try_clone(&self) -> Result<Self> {
        match *self {}
    }
}

impl NamedPipes for Windows {
    type NamedPipe = Lacking;
    fn create_pipe(_: &Name) -> Result<Lacking> {
        lacking("create a named pipe")
    }
    fn open_reader(_: &Name, _: Deadline<'_>) -> Result<Lacking> {
        lacking("open a named pipe")
    }
    fn open_writer(_: &Name, _: Deadline<'_>, _: Deadline<'_>) -> Result<Lacking> {
        lacking("open a named pipe")
    }
    fn remove_pipe(_: &Name) -> Result<()> {
        lacking("remove a named pipe")
    }
}

impl NamedPipe for Lacking {
    fn path(&self) -> &Path {
        match *self {}
    }
}

impl Sockets for Windows {
    type SocketListener = Lacking;
    type Socket = Lacking;
    fn listen_for(_: &Name, _: Style, _: AcceptFrom) -> Result<Lacking> {
        lacking("listen")
    }
    fn connect_to(_: &Name, _: Style, _: Option<u32>, _: Deadline<'_>) -> Result<Lacking> {
        lacking("connect")
    }
    fn socket_pair(_: Style) -> Result<(Lacking, Lacking)> {
        lacking("make a pair of sockets")
    }
}

impl SocketListener for Lacking {
    type Socket = Lacking;
    fn accept(&self, _: Deadline<'_>) -> Result<Lacking> {
        match *self {}
    }
    fn try_accept(&self) -> Result<Accepted<Lacking>> {
        match *self {}
    }
}

impl Socket for Lacking {
    type Handle = WindowsHandle;
    const MAX_HANDLES: usize = 0;
    const MAX_MESSAGE: usize = 0;
    const MAX_WHOLE: usize = 0;
    fn style(&self) -> Style {
        match *self {}
    }
    fn send(&self, _: &[u8], _: &[WindowsHandle], _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn try_send(&self, _: &[u8], _: &[WindowsHandle]) -> Result<Option<usize>> {
        match *self {}
    }
    fn receive(
        &self,
        _: &mut [u8],
        _: Option<&mut Vec<WindowsHandle>>,
        _: Deadline<'_>,
    ) -> Result<Arrived> {
        match *self {}
    }
    fn try_receive(
        &self,
        _: &mut [u8],
        _: Option<&mut Vec<WindowsHandle>>,
    ) -> Result<Option<Arrived>> {
        match *self {}
    }
    fn pending(&self, _: Deadline<'_>) -> Result<usize> {
        match *self {}
    }
    fn shutdown(&self, _: Shutdown) -> Result<()> {
        match *self {}
    }
    fn try_clone(&self) -> Result<Self> {
        match *self {}
    }
    fn peer(&self) -> Result<Credentials> {
        match *self {}
    }
}
