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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Shutdown;
    use strait_core::{ErrorKind, Socket, Transfer};

    fn pair(style: Style) -> (WindowsSocket, WindowsSocket) {
        Windows::socket_pair(style).unwrap()
    }

    #[test]
    fn an_end_is_taken_over_when_the_peer_has_left() {
        for turned in [false, true] {
            let (a, b) = pair(Style::Stream);
            let (here, there) = if turned { (b, a) } else { (a, b) };
            here.send(b"left", &[], Deadline::NEVER).unwrap();
            drop(here);
            let there = WindowsSocket::from_handle(there.to_handle().unwrap()).unwrap();
            let mut buffer = [0; 8];
            assert_eq!(there.receive(&mut buffer, None, Deadline::now()).unwrap().len, 4);
            assert!(there.receive(&mut buffer, None, Deadline::now()).unwrap().is_end);
        }
    }

    #[test]
    fn an_end_of_which_a_part_was_received_stays() {
        let (here, there) = pair(Style::Stream);
        here.send(b"two", &[], Deadline::NEVER).unwrap();
        there.receive(&mut [0; 2], None, Deadline::now()).unwrap();
        assert_eq!(there.to_handle().unwrap_err().kind(), ErrorKind::InvalidInput);
        there.receive(&mut [0; 2], None, Deadline::now()).unwrap();
        there.to_handle().unwrap();
    }

    #[test]
    fn who_receives_no_more_is_noticed() {
        for style in [Style::Stream, Style::Datagram] {
            let (here, there) = pair(style);
            here.send(b"before", &[], Deadline::NEVER).unwrap();
            there.shutdown(Shutdown::Read).unwrap();
            let lost = here.send(b"after", &[], Deadline::NEVER);
            assert_eq!(lost.unwrap_err().kind(), ErrorKind::Disconnected);
            let mut buffer = [0; 8];
            assert_eq!(there.receive(&mut buffer, None, Deadline::now()).unwrap().len, 6);
            assert!(there.receive(&mut buffer, None, Deadline::now()).unwrap().is_end);
        }
    }
}
