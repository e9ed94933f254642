//! Signals: the file lies in shared memory, and a signal says each time that there is something to do.

use super::{
    link::{Lifeline, Link},
    mailbox::{SLOTS, Slots},
    mechanism::{Ends, Inlet, Mechanism, Outlet, Side},
    memory::Memory,
};
use crate::failure::{Failure, Result};
use std::{
    rc::Rc,
    sync::atomic::{AtomicU32, Ordering},
};
use strait::{ErrorKind, Process, Signal, Signals, signal};

/// Shared memory, and a signal for every slot of it that is filled or emptied.
pub(super) struct Signalled;

impl Mechanism for Signalled {
    fn title(&self) -> &'static str {
        "signal"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        // The last ones come when nobody waits for them any more: they would end this process.
        signal::ignore(Signal::User1)?;
        // Before the other side knows whom to send to.
        let signals = Signals::subscribe([Signal::User1])?;
        let memory = Memory::named(side, name, link)?;
        link.say(&std::process::id().to_string())?;
        let pid = link.hear()?.parse();
        let pid = pid.map_err(|_| Failure::Other("that is no number of a process".to_owned()))?;
        let other = Process::with_id(pid)?;
        let shared = Rc::new(Common { memory, signals, other, lifeline: link.lifeline() });
        let (out, inward) = match side {
            Side::Parent => (0, SLOTS / 2),
            Side::Child => (SLOTS / 2, 0),
        };
        let end = |first| End { shared: Rc::clone(&shared), first, turn: 0 };
        let incoming = Incoming { end: end(inward), message: vec![0; Memory::SLOT_LEN] };
        Ok(Ends { outlet: Box::new(end(out)), inlet: Box::new(incoming) })
    }
}

/// What both ends of a side use.
struct Common {
    memory: Memory,
    signals: Signals,
    other: Process,
    lifeline: Lifeline,
}

const EMPTY: u32 = 0;
const FULL: u32 = 1;

impl Common {
    /// Waits until the slot is in that state. Whoever changes it sends a signal afterwards, so none is missed
    /// that is waited for here.
    fn wait_until(&self, state: &AtomicU32, wanted: u32) -> Result<()> {
        while state.load(Ordering::Acquire) != wanted {
            match self.signals.recv_timeout(crate::stop::LOOK) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::TimedOut => self.lifeline.check()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn hand_over(&self, state: &AtomicU32, to: u32) -> Result<()> {
        state.store(to, Ordering::Release);
        match signal::send(&self.other, Signal::User1) {
            // It had all that it wanted.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            sent => Ok(sent?),
        }
    }
}

struct End {
    shared: Rc<Common>,
    first: usize,
    turn: usize,
}

impl End {
    fn next(&mut self) -> usize {
        let slot = self.first + self.turn;
        self.turn = (self.turn + 1) % (SLOTS / 2);
        slot
    }
}

impl Outlet for End {
    fn chunk_len(&self) -> usize {
        Memory::SLOT_LEN
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let slot = self.next();
        let Common { memory, .. } = &*self.shared;
        let state = memory.state(slot)?;
        self.shared.wait_until(state, EMPTY)?;
        memory.write(slot, message)?;
        memory.len(slot)?.store(message.len() as u32, Ordering::Relaxed);
        self.shared.hand_over(state, FULL)
    }
}

struct Incoming {
    end: End,
    message: Vec<u8>,
}

impl Inlet for Incoming {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        let Self { end, message } = self;
        let slot = end.next();
        let Common { memory, .. } = &*end.shared;
        let state = memory.state(slot)?;
        end.shared.wait_until(state, FULL)?;
        // What the other process says is never longer than a slot.
        let len = memory.len(slot)?.load(Ordering::Relaxed) as usize;
        let message = &mut message[..len.min(Memory::SLOT_LEN)];
        memory.read(slot, message)?;
        end.shared.hand_over(state, EMPTY)?;
        look(message);
        Ok(())
    }
}
