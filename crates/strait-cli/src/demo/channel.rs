//! Byte channels: with a copy at each end, and in place.

use super::{
    link::Link,
    mechanism::{Ends, Inlet, Mechanism, Outlet, Side},
};
use crate::failure::Result;
use strait::{ByteReceiver, ByteSender};

/// Messages are copied into the channel, and out of it.
pub(super) struct Copied;

impl Mechanism for Copied {
    fn title(&self) -> &'static str {
        "byte channel, copied"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let (sender, receiver) = connect(side, name, link)?;
        let inlet = CopiedInlet { receiver, message: Vec::new() };
        Ok(Ends { outlet: Box::new(CopiedOutlet(sender)), inlet: Box::new(inlet) })
    }
}

/// Messages are written where they are received, and received where they were written.
pub(super) struct InPlace;

impl Mechanism for InPlace {
    fn title(&self) -> &'static str {
        "byte channel, in place"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let (sender, receiver) = connect(side, name, link)?;
        let (outlet, inlet) = (InPlaceOutlet(sender), InPlaceInlet(receiver));
        Ok(Ends { outlet: Box::new(outlet), inlet: Box::new(inlet) })
    }
}

/// A channel to the other side, and one from it.
fn connect(side: Side, name: &str, link: &mut Link) -> Result<(ByteSender, ByteReceiver)> {
    let (from, to) = match side {
        Side::Parent => ("to-parent", "to-child"),
        Side::Child => ("to-child", "to-parent"),
    };
    let receiver = ByteReceiver::bind(format!("{name}/{from}"))?;
    meet(link)?;
    let sender = ByteSender::connect(format!("{name}/{to}"))?;
    // A receiver notices the end of a sender that it has, and not of one that never came.
    meet(link)?;
    Ok((sender, receiver))
}

/// Waits until the other side is as far as this one.
fn meet(link: &mut Link) -> Result<()> {
    link.say("ready")?;
    link.hear().map(drop)
}

/// A few of them fit into the ring, so that both sides always have something to do.
const CHUNK: usize = 32 << 10;

struct CopiedOutlet(ByteSender);

impl Outlet for CopiedOutlet {
    fn chunk_len(&self) -> usize {
        CHUNK
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.0.send(message)?)
    }
}

struct CopiedInlet {
    receiver: ByteReceiver,
    message: Vec<u8>,
}

impl Inlet for CopiedInlet {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.receiver.recv_into(&mut self.message)?;
        look(&self.message);
        Ok(())
    }
}

struct InPlaceOutlet(ByteSender);

impl Outlet for InPlaceOutlet {
    fn chunk_len(&self) -> usize {
        CHUNK
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let mut loan = self.0.loan(message.len())?;
        loan.copy_from_slice(message);
        Ok(loan.send()?)
    }
}

struct InPlaceInlet(ByteReceiver);

impl Inlet for InPlaceInlet {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        look(&self.0.recv_ref()?);
        Ok(())
    }
}
