//! Messages through memory that both processes have mapped.
//!
//! The memory is a few slots for each direction, which are used in turn. A slot has a word that says
//! whether it is empty or full; who waits for the other of the two spins a little, and then sleeps on
//! the word, with a bit in it that says so. So a hand-over wakes nobody, and costs no system call,
//! unless somebody sleeps.

use super::{
    link::Lifeline,
    mechanism::{Ends, Inlet, Outlet, Side},
};
use crate::{failure::Result, stop::LOOK};
use std::{
    hint,
    rc::Rc,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use strait::{
    Native,
    backend::{Deadline, WaitAddress},
};

/// How many slots there are: half of them for each direction.
pub(super) const SLOTS: usize = 8;

/// The memory of the slots, which is all zeros at first.
pub(super) trait Slots {
    /// How many bytes fit into one.
    const SLOT_LEN: usize;

    /// The word that says whether it is full.
    fn state(&self, slot: usize) -> Result<&AtomicU32>;

    /// The word that says how long its message is.
    fn len(&self, slot: usize) -> Result<&AtomicU32>;

    /// Copies a message into it.
    fn write(&self, slot: usize, message: &[u8]) -> Result<()>;

    /// Copies the beginning of it out of it.
    fn read(&self, slot: usize, message: &mut [u8]) -> Result<()>;
}

/// The ends that one side has.
pub(super) fn ends<S: Slots + 'static>(slots: S, side: Side, lifeline: Lifeline) -> Ends {
    let slots = Rc::new(slots);
    let (out, inward) = match side {
        Side::Parent => (0, SLOTS / 2),
        Side::Child => (SLOTS / 2, 0),
    };
    let end = |first| End { slots: Rc::clone(&slots), first, turn: 0, lifeline: lifeline.clone() };
    Ends {
        outlet: Box::new(end(out)),
        inlet: Box::new(Incoming { end: end(inward), message: vec![0; S::SLOT_LEN] }),
    }
}

struct End<S> {
    slots: Rc<S>,
    first: usize,
    turn: usize,
    lifeline: Lifeline,
}

struct Incoming<S> {
    end: End<S>,
    message: Vec<u8>,
}

impl<S: Slots> Outlet for End<S> {
    fn chunk_len(&self) -> usize {
        S::SLOT_LEN
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let slot = self.next();
        let state = self.slots.state(slot)?;
        wait_until(state, EMPTY, &self.lifeline)?;
        self.slots.write(slot, message)?;
        self.slots.len(slot)?.store(message.len() as u32, Ordering::Relaxed);
        hand_over(state, FULL);
        Ok(())
    }
}

impl<S: Slots> Inlet for Incoming<S> {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        let Self { end, message } = self;
        let slot = end.next();
        let state = end.slots.state(slot)?;
        wait_until(state, FULL, &end.lifeline)?;
        // What the other process says is never longer than a slot.
        let len = end.slots.len(slot)?.load(Ordering::Relaxed) as usize;
        let message = &mut message[..len.min(S::SLOT_LEN)];
        end.slots.read(slot, message)?;
        hand_over(state, EMPTY);
        look(message);
        Ok(())
    }
}

impl<S> End<S> {
    fn next(&mut self) -> usize {
        let slot = self.first + self.turn;
        self.turn = (self.turn + 1) % (SLOTS / 2);
        slot
    }
}

const EMPTY: u32 = 0;
const FULL: u32 = 1;

/// The bit that says that the other side sleeps.
const ASLEEP: u32 = 2;

fn hand_over(state: &AtomicU32, to: u32) {
    if state.swap(to, Ordering::AcqRel) & ASLEEP != 0 {
        Native::wake_all(state);
    }
}

fn wait_until(state: &AtomicU32, wanted: u32, lifeline: &Lifeline) -> Result<()> {
    let ready = |seen: u32| seen & !ASLEEP == wanted;
    if ready(state.load(Ordering::Acquire)) || spin_until(|| ready(state.load(Ordering::Acquire))) {
        return Ok(());
    }
    loop {
        let seen = state.load(Ordering::Acquire);
        if ready(seen) {
            return Ok(());
        }
        lifeline.check()?;
        let asleep = seen | ASLEEP;
        let marked = state.compare_exchange(seen, asleep, Ordering::Acquire, Ordering::Relaxed);
        if marked.is_ok() {
            Native::wait(state, asleep, Deadline::after(LOOK))?;
        }
    }
}

/// Looks again and again, about as long as going to sleep and being woken takes.
fn spin_until(ready: impl Fn() -> bool) -> bool {
    const LONGEST: Duration = Duration::from_micros(50);
    const LOOKS_PER_CLOCK: usize = 32;
    // On a single processor, the other side can't do anything meanwhile. Asking takes long.
    static SINGLE: OnceLock<bool> = OnceLock::new();
    if *SINGLE.get_or_init(|| thread::available_parallelism().map_or(1, usize::from) == 1) {
        return false;
    }
    let begin = Instant::now();
    while begin.elapsed() < LONGEST {
        for _ in 0..LOOKS_PER_CLOCK {
            if ready() {
                return true;
            }
            hint::spin_loop();
        }
    }
    false
}
