//! A value that a mutex guards, and conditions that say that it has changed.

use super::{
    link::{Lifeline, Link},
    mechanism::{Ends, Inlet, Mechanism, Outlet, Side},
};
use crate::{failure::Result, stop::LOOK};
use std::rc::Rc;
use strait::{
    Shareable, Shared,
    sync::{Condvar, LockError, Mutex, MutexGuard},
};

/// A letter box for each direction, under one name.
pub(super) struct Guarded;

impl Mechanism for Guarded {
    fn title(&self) -> &'static str {
        "mutex, condition"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let boxes = match side {
            Side::Parent => {
                let boxes = Shared::create(name, [LetterBox::empty(), LetterBox::empty()])?;
                link.say("created")?;
                boxes
            }
            Side::Child => {
                link.hear()?;
                Shared::open(name)?
            }
        };
        let boxes = Rc::new(boxes);
        let (out, inward) = match side {
            Side::Parent => (0, 1),
            Side::Child => (1, 0),
        };
        let end = |which| End { boxes: Rc::clone(&boxes), which, lifeline: link.lifeline() };
        let message = Vec::with_capacity(LETTER);
        Ok(Ends {
            outlet: Box::new(end(out)),
            inlet: Box::new(Incoming { end: end(inward), message }),
        })
    }
}

const LETTER: usize = 16 << 10;

#[derive(Shareable)]
#[repr(C)]
struct LetterBox {
    letter: Mutex<Letter>,
    changed: Condvar,
}

/// Empty, or a message.
#[derive(Shareable)]
#[repr(C)]
struct Letter {
    full: u32,
    len: u32,
    text: [u8; LETTER],
}

impl LetterBox {
    fn empty() -> Self {
        let letter = Letter { full: 0, len: 0, text: [0; LETTER] };
        Self { letter: Mutex::new(letter), changed: Condvar::new() }
    }
}

struct End {
    boxes: Rc<Shared<[LetterBox; 2]>>,
    which: usize,
    lifeline: Lifeline,
}

impl End {
    /// Waits until the box is as full as that, and does something with it.
    fn when(&self, full: u32, act: impl FnOnce(&mut Letter)) -> Result<()> {
        let LetterBox { letter, changed } = &self.boxes[self.which];
        let error = |error: LockError<_>| strait::Error::from(error);
        let mut guard: MutexGuard<'_, Letter> = letter.lock().map_err(error)?;
        while guard.full != full {
            self.lifeline.check()?;
            let waited = changed.wait_timeout_while(guard, LOOK, |letter| letter.full != full);
            guard = waited.map_err(strait::Error::from)?.0;
        }
        act(&mut guard);
        drop(guard);
        changed.notify_one();
        Ok(())
    }
}

impl Outlet for End {
    fn chunk_len(&self) -> usize {
        LETTER
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.when(0, |letter| {
            letter.text[..message.len()].copy_from_slice(message);
            (letter.full, letter.len) = (1, message.len() as u32);
        })
    }
}

struct Incoming {
    end: End,
    message: Vec<u8>,
}

impl Inlet for Incoming {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        let Self { end, message } = self;
        end.when(1, |letter| {
            message.clear();
            message.extend_from_slice(&letter.text[..(letter.len as usize).min(LETTER)]);
            letter.full = 0;
        })?;
        look(message);
        Ok(())
    }
}
