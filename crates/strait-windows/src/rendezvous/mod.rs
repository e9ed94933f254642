//! Meeting under a name, over pipes of messages.
//!
//! A name is claimed as all names are (`name_claim.rs`), and what listens for it is a pipe whose name is the random
//! number of the claim: so nobody has it before, and connections that outlive a listener are in nobody's way.

mod advert;
mod bound;
pub(crate) mod connecting;
mod connection;
mod listener;
mod rings;

use crate::{Windows, WindowsSegment, message_pipe::Use, name_claim::Sort, overlapped};
use advert::Advert;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use strait_core::{Deadline, Error, Name, Rendezvous, Result};

pub(crate) use bound::Bound;
pub use connection::WindowsConnection;
pub use listener::WindowsListener;

impl Rendezvous for Windows {
    type Segment = WindowsSegment;
    type Listener = WindowsListener;
    type Connection = WindowsConnection;

    fn listen(name: &Name, advert: &[u8]) -> Result<WindowsListener> {
        WindowsListener::new(name, advert)
    }

    fn connect(name: &Name, deadline: Deadline<'_>) -> Result<(WindowsConnection, Vec<u8>)> {
        let read = |id| Advert::read(id, connecting::CONNECT).map_err(|error| error.on(name));
        let (link, advert) = connecting::connect(name, Sort::Rendezvous, None, deadline, read)?;
        let failed = |error| Error::os(connecting::CONNECT, error).on(name);
        Ok((WindowsConnection::connected(link).map_err(failed)?, advert))
    }

    fn pair() -> Result<(WindowsConnection, WindowsConnection)> {
        let (a, b) = crate::link::Link::pair(Use::Rendezvous)?;
        let failed = |error| Error::os("make a pair of connections", error);
        let end = |link| WindowsConnection::new(link).map_err(failed);
        Ok((end(a)?, end(b)?))
    }

    fn wait_any(
        listener: &WindowsListener,
        connections: &[WindowsConnection],
        deadline: Deadline<'_>,
    ) -> Result<bool> {
        if connections.iter().any(WindowsConnection::has_something) {
            return Ok(true);
        }
        let pipes: Vec<BorrowedHandle<'_>> = connections.iter().map(AsHandle::as_handle).collect();
        overlapped::readable(&pipes, &[listener.as_handle()], deadline)
            .map_err(|error| Error::os("wait for a sender", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::again::{self, Again};
    use strait_core::{Connection, Doorbell, Listener, Segment, Wake};

    const NAME: &str = "STRAIT_TEST_NAME";
    const GREETING: &[u8] = b"greeting";

    fn name_of(test: &str) -> String {
        format!("{test}-{}", std::process::id())
    }

    /// What greets at the rendezvous that `name` says, and ends.
    fn greeter(name: &str) -> Again {
        let mut command = again::command("rendezvous::tests::what_greets_and_ends");
        command.env(NAME, name);
        Again::of(command)
    }

    fn greet(name: &str) -> WindowsConnection {
        let (connection, _) = Windows::connect(&Name::new(name).unwrap(), again::soon()).unwrap();
        let segment = WindowsSegment::anonymous(4096).unwrap();
        connection.send(GREETING, Some(&segment)).unwrap();
        connection
    }

    fn accepted(listener: &WindowsListener) -> WindowsConnection {
        loop {
            if let Some(connection) = listener.accept().unwrap() {
                return connection;
            }
            assert!(Windows::wait_any(listener, &[], again::soon()).unwrap());
        }
    }

    /// The length of the greeting, and of the segment that came along.
    fn greeting(connection: &WindowsConnection) -> (usize, Option<usize>) {
        let mut buffer = [0; 64];
        let (len, segment) = loop {
            if let Some(came) = connection.receive(&mut buffer).unwrap() {
                break came;
            }
            assert!(connection.link().wait(again::soon()).unwrap());
        };
        (len, segment.map(|segment| segment.len()))
    }

    #[test]
    fn what_greets_and_ends() {
        let Some(_parent) = again::parent() else { return };
        drop(greet(&std::env::var(NAME).unwrap()));
    }

    #[test]
    fn those_who_greeted_may_end_before_they_are_accepted() {
        let name = name_of("greeted");
        let listener = Windows::listen(&Name::new(&name).unwrap(), b"").unwrap();
        for _ in 0..3 {
            greeter(&name).ends_well();
        }
        for _ in 0..3 {
            let connection = accepted(&listener);
            assert_eq!(greeting(&connection), (GREETING.len(), Some(4096)));
            assert_eq!(connection.wait(again::soon()).unwrap(), Wake::HungUp);
        }
    }

    #[test]
    fn those_who_are_silent_hold_up_nobody() {
        let name = name_of("silent");
        let listener = Windows::listen(&Name::new(&name).unwrap(), b"").unwrap();
        let connect = || Windows::connect(&Name::new(&name).unwrap(), again::soon()).unwrap().0;
        let silent: Vec<_> = (0..40).map(|_| connect()).collect();
        let garbage = connect();
        garbage.link().put(b"what is this", again::soon()).unwrap();
        greeter(&name).ends_well();
        // Who is accepted before it has said anything says it then.
        for one in &silent {
            let connection = accepted(&listener);
            assert!(connection.receive(&mut [0; 8]).unwrap().is_none());
            one.send(b"late", None).unwrap();
            assert_eq!(greeting(&connection), (4, None));
        }
        let error = accepted(&listener).receive(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), strait_core::ErrorKind::PeerCorrupt);
        assert_eq!(greeting(&accepted(&listener)), (GREETING.len(), Some(4096)));
    }

    #[test]
    fn a_connection_ends_as_soon_as_it_is_dropped_by_who_accepted_it() {
        let name = name_of("dropped");
        let listener = Windows::listen(&Name::new(&name).unwrap(), b"").unwrap();
        let (connection, _) = Windows::connect(&Name::new(&name).unwrap(), again::soon()).unwrap();
        drop(accepted(&listener));
        assert_eq!(connection.wait(again::soon()).unwrap(), Wake::HungUp);
    }
}
