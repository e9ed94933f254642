//! Who receives which signals, and what becomes of the others.
//!
//! 1. What becomes of a signal is told to the mailbox before it changes here, by exchanging what stands there: what
//!    has come until then is told to those who received it until then. So each arrival is told to somebody.
//! 2. Whoever finds mail tells all: the thread that waits for it, and who receives, before looking into the own
//!    queue, so that what was sent before is there.
//! 3. The thread is started with the first subscription, and goes on waiting when there is none.

use super::{
    action,
    inbox::{self, Inbox},
    mailbox::{Mailbox, State},
    number::{self, bit},
};
use crate::{process, user::User, wait};
use std::{
    io,
    os::windows::io::OwnedHandle,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};
use strait_core::{Arrival, Deadline, Error, Result, Sender, Signal};

/// Who receives which signals.
pub(super) struct Registry {
    /// How many there have been.
    count: u64,
    receivers: Vec<Receiver>,
    /// What does nothing where nobody receives it: a set of bits.
    ignored: u32,
    has_thread: bool,
}

/// Why somebody receives signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One of many.
    Subscriber,
    /// The one that this process handles the signal by.
    Handler,
}

struct Receiver {
    number: u64,
    signals: u32,
    role: Role,
    inbox: Arc<Inbox>,
}

impl Registry {
    /// The registry of this process.
    pub(super) fn lock() -> MutexGuard<'static, Self> {
        REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one that receives the signals of a set, or fails and changes nothing.
    pub(super) fn add(
        &mut self,
        inbox: Arc<Inbox>,
        signals: u32,
        role: Role,
        operation: &'static str,
    ) -> Result<u64> {
        let failed = |error| Error::os(operation, error);
        let mailbox = Mailbox::make(&process::current()?, operation)?;
        // So that nobody has to ask, and fail, where a signal arrives.
        User::own()?;
        self.start_thread(mailbox).map_err(failed)?;
        self.publish(self.wanted() | signals, self.ignored);
        if role == Role::Handler {
            self.end(|receiver| receiver.handles(signals));
        }
        self.count += 1;
        self.receivers.push(Receiver { number: self.count, signals, role, inbox });
        Ok(self.count)
    }

    /// Removes the one of that number, if it is still there.
    pub(super) fn remove(&mut self, number: u64) {
        let is_it = |receiver: &Receiver| receiver.number == number;
        self.publish(self.wanted_without(is_it), self.ignored);
        self.end(is_it);
    }

    /// Decides what a signal does where nobody receives it, and ends what the process handles it by.
    pub(super) fn set(
        &mut self,
        signal: Signal,
        is_ignored: bool,
        operation: &'static str,
    ) -> Result<()> {
        let signals = bit(signal);
        let others = self.ignored & !signals;
        let ignored = if is_ignored { others | signals } else { others };
        if ignored != self.ignored {
            Mailbox::make(&process::current()?, operation)?;
        }
        let handles = |receiver: &Receiver| receiver.handles(signals);
        self.publish(self.wanted_without(handles), ignored);
        self.ignored = ignored;
        self.end(handles);
        Ok(())
    }

    /// Whether a signal does nothing where nobody receives it, as this process wants it so.
    pub(super) fn is_ignored(&self, signal: Signal) -> bool {
        self.ignored & bit(signal) != 0
    }

    /// Has those of these signals do what they do now that nobody receives. They came while somebody did
    /// who hasn't looked at them.
    pub(super) fn make_up_for(&self, signals: u32) {
        for signal in number::each(signals & !self.wanted() & !self.ignored) {
            action::end_this(signal);
        }
    }

    /// Tells of what has come to the mailbox.
    pub(super) fn distribute(&self) {
        let Some(mailbox) = Mailbox::own() else { return };
        let wanted = self.wanted();
        for signal in number::each(u32::MAX) {
            let state = state(signal, wanted, self.ignored);
            if let Some(sender) = mailbox.take(signal, state) {
                self.tell(arrival(signal, sender));
            }
        }
    }

    /// Tells of a control event: `None` where it is nobody's. Where the process `ends` by it, what is returned are
    /// the events that are set when those who were told are done.
    pub(super) fn tell_of_console(
        &self,
        signal: Signal,
        ends: bool,
    ) -> Option<Vec<Arc<OwnedHandle>>> {
        let arrival = Arrival::new(signal, None);
        if self.wanted() & bit(signal) == 0 {
            return self.is_ignored(signal).then(Vec::new);
        }
        if !ends {
            self.tell(arrival);
            return Some(Vec::new());
        }
        inbox::has_come(arrival);
        let tell = |receiver: &Receiver| receiver.inbox.tell_of_the_end(arrival).ok().flatten();
        Some(self.receivers_of(signal).filter_map(tell).collect())
    }

    const fn new() -> Self {
        Self {
            count: 0,
            receivers: Vec::new(),
            ignored: action::IGNORED_AT_FIRST,
            has_thread: false,
        }
    }

    fn tell(&self, arrival: Arrival) {
        if self.wanted() & bit(arrival.signal) != 0 {
            inbox::has_come(arrival);
        }
        for receiver in self.receivers_of(arrival.signal) {
            receiver.inbox.tell(arrival);
        }
    }

    /// Rule 1: what is to become of the signals. Called before it changes here.
    fn publish(&self, wanted: u32, ignored: u32) {
        let Some(mailbox) = Mailbox::own() else { return };
        for signal in number::each(u32::MAX) {
            if let Some(sender) = mailbox.exchange(signal, state(signal, wanted, ignored)) {
                self.tell(arrival(signal, sender));
            }
        }
    }

    fn end(&mut self, is_ended: impl Fn(&Receiver) -> bool) {
        self.receivers.retain(|receiver| {
            let ends = is_ended(receiver);
            if ends {
                receiver.inbox.close();
            }
            !ends
        });
    }

    fn start_thread(&mut self, mailbox: &'static Mailbox) -> io::Result<()> {
        if !self.has_thread {
            let wait = move || {
                while wait::one(mailbox, Deadline::NEVER).is_ok() {
                    Self::lock().distribute();
                }
            };
            thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
            self.has_thread = true;
        }
        Ok(())
    }

    fn receivers_of(&self, signal: Signal) -> impl Iterator<Item = &Receiver> {
        self.receivers.iter().filter(move |receiver| receiver.signals & bit(signal) != 0)
    }

    /// The signals that somebody receives.
    fn wanted(&self) -> u32 {
        self.wanted_without(|_| false)
    }

    /// Those that somebody else receives.
    fn wanted_without(&self, goes: impl Fn(&Receiver) -> bool) -> u32 {
        let stay = self.receivers.iter().filter(|receiver| !goes(receiver));
        stay.fold(0, |set, receiver| set | receiver.signals)
    }
}

impl Receiver {
    /// Whether the process handles one of these signals by it.
    fn handles(&self, signals: u32) -> bool {
        self.role == Role::Handler && self.signals & signals != 0
    }
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

fn state(signal: Signal, wanted: u32, ignored: u32) -> State {
    match bit(signal) {
        bit if wanted & bit != 0 => State::Received,
        bit if ignored & bit != 0 => State::Ignored,
        _ => State::Default,
    }
}

/// One that came over the mailbox: the number is what its sender says, and the user is the only one who may.
fn arrival(signal: Signal, sender: u32) -> Arrival {
    let user = User::own().map_or(0, User::number);
    Arrival::new(signal, (sender != 0).then(|| Sender::new(sender, user)))
}
