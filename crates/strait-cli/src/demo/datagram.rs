//! Messages over a socket.

use super::{
    link::Link,
    mechanism::{Ends, Inlet, Mechanism, Outlet, Side},
};
use crate::failure::Result;
use std::time::Duration;
use strait::{LocalDatagram, LocalDatagramListener};

/// A connection of messages, each of which the kernel keeps together.
pub(super) struct Datagram;

impl Mechanism for Datagram {
    fn title(&self) -> &'static str {
        "datagram"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let name = format!("{name}/datagram");
        let outlet = match side {
            Side::Parent => {
                let listener = LocalDatagramListener::bind(name)?;
                link.say("listening")?;
                link.hear()?;
                listener.accept_timeout(PATIENCE)?
            }
            Side::Child => {
                link.hear()?;
                let connection = LocalDatagram::connect(name)?;
                link.say("connected")?;
                connection
            }
        };
        let inlet = outlet.try_clone()?;
        let message = vec![0; LocalDatagram::MAX_LEN];
        Ok(Ends { outlet: Box::new(outlet), inlet: Box::new(Incoming { inlet, message }) })
    }
}

impl Outlet for LocalDatagram {
    fn chunk_len(&self) -> usize {
        Self::MAX_LEN
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(Self::send(self, message)?)
    }
}

struct Incoming {
    inlet: LocalDatagram,
    message: Vec<u8>,
}

impl Inlet for Incoming {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        let len = self.inlet.recv(&mut self.message)?;
        look(&self.message[..len]);
        Ok(())
    }
}
