//! Local sockets for programs: pipes of messages under the names of the rendezvous.

mod end;
mod listener;

use crate::{Windows, link::Link, message_pipe::Use, name_claim::Sort, rendezvous::connecting};
use strait_core::{AcceptFrom, Deadline, Name, Result, Sockets, Style};

pub use end::WindowsSocket;
pub use listener::WindowsSocketListener;

impl Sockets for Windows {
    type SocketListener = WindowsSocketListener;
    type Socket = WindowsSocket;

    fn listen_for(name: &Name, style: Style, from: AcceptFrom) -> Result<WindowsSocketListener> {
        WindowsSocketListener::new(name, style, from)
    }

    fn connect_to(
        name: &Name,
        style: Style,
        owner: Option<u32>,
        deadline: Deadline<'_>,
    ) -> Result<WindowsSocket> {
        let nothing_else = |_| Ok(Some(()));
        let (link, ()) = connecting::connect(name, sort_of(style), owner, deadline, nothing_else)?;
        Ok(WindowsSocket::new(link, style))
    }

    fn socket_pair(style: Style) -> Result<(WindowsSocket, WindowsSocket)> {
        let used = match style {
            Style::Stream => Use::Stream,
            Style::Datagram => Use::Datagram,
        };
        let (a, b) = Link::pair(used)?;
        Ok((WindowsSocket::new(a, style), WindowsSocket::new(b, style)))
    }
}

fn sort_of(style: Style) -> Sort {
    match style {
        Style::Stream => Sort::Stream,
        Style::Datagram => Sort::Datagram,
    }
}
