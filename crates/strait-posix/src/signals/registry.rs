//! Who receives which signals, and where the handler is installed for that.
//!
//! 1. As long as somebody receives a signal, our handler is installed. What was there before is remembered:
//!    our handler does it where nobody receives the signal, and calls it where it is a handler.
//! 2. When the last one goes, that is installed again; unless somebody else has installed a handler over
//!    ours meanwhile, which may call ours: then ours stays where it is, and calls the handler that was there
//!    before, if there was one. What the signal does by default it leaves to the one over it.
//! 3. Where somebody else's handler is found over ours, it is trusted to call ours, so ours isn't installed
//!    over it once more: the two would call each other for ever. Where the signal is found to be ignored or
//!    to do what it does by default, nothing calls ours any more, and it is installed anew.
//! 4. What the handler reads is in place before the handler is, and before it goes: what comes in between
//!    does what it did before, as it does afterwards.
//! 5. A forked child receives nothing of its parent's. It may find its parent's handlers installed, which
//!    do there what was there before, and removes them when it first uses this.

use super::{
    action::Action,
    handler::{TABLE, Table},
    inbox::Inlet,
    number::{self, NUMBERS},
};
use crate::fork::{self, Begun};
use libc::c_int;
use rustix::{io::Result, process::getpid};
use std::{
    cell::RefCell,
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use strait_core::{Error, ForkHooks};

/// Who receives which signals.
pub(super) struct Registry {
    /// The process that it is about, by the number of forks before it.
    forks: u32,
    /// How many there have been.
    count: u64,
    receivers: Vec<Receiver>,
    /// What each signal did before our handler was first installed, or does where that was removed.
    before: [Option<Action>; NUMBERS],
    /// The signals for which our handler is installed, perhaps under another one: a set of bits.
    installed: u32,
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
    inlet: Arc<Inlet>,
}

impl Registry {
    /// The registry of this process.
    pub(super) fn lock(operation: &'static str) -> strait_core::Result<Locked> {
        watch_forks().map_err(|source| Error::os(operation, source))?;
        let mut locked = Locked(lock());
        if locked.forks != fork::count() {
            locked.begin_anew();
        }
        Ok(locked)
    }

    /// Adds one that receives the signals of a set, or fails and changes nothing.
    pub(super) fn add(&mut self, inlet: Inlet, signals: u32, role: Role) -> Result<u64> {
        let (before, installed) = (self.before, self.installed);
        let mut missing = 0;
        for signal in each(signals) {
            if self.has_to_install(signal)? {
                missing |= number::bit(signal);
            }
        }
        self.count += 1;
        let number = self.count;
        // In one step with the new one, so that each arrival is told to either.
        let ended = match role {
            Role::Handler => self.take_handlers(signals),
            Role::Subscriber => Vec::new(),
        };
        self.receivers.push(Receiver { number, signals, role, inlet: Arc::new(inlet) });
        self.publish();
        for signal in each(missing) {
            if let Err(errno) = self.install(signal) {
                self.receivers.extend(ended);
                self.remove(number);
                (self.before, self.installed) = (before, installed & self.installed);
                self.publish();
                return Err(errno);
            }
        }
        Ok(number)
    }

    /// Removes the one of that number, if it is still there.
    pub(super) fn remove(&mut self, number: u64) {
        let many = self.receivers.len();
        let mut signals = 0;
        self.receivers.retain(|receiver| {
            let goes = receiver.number == number;
            signals |= if goes { receiver.signals } else { 0 };
            !goes
        });
        if self.receivers.len() != many {
            self.publish();
            self.restore(signals);
        }
    }

    /// Has those of these signals do what they do now that nobody receives. They came while somebody did
    /// who hasn't looked at them.
    pub(super) fn make_up_for(&self, signals: u32) {
        for signal in each(signals & !self.wanted()) {
            if let Ok(current) = Action::current(signal) {
                current.make_up_for(signal);
            }
        }
    }

    /// Decides what a signal does where nobody receives it, and ends those that the process handles it by.
    pub(super) fn set(&mut self, signal: c_int, action: Action) -> Result<()> {
        let signals = number::bit(signal);
        let _ended = self.take_handlers(signals);
        self.remember(signal, action);
        self.publish();
        if self.wanted() & signals != 0 {
            self.install(signal)
        } else {
            // No other handler is left that could call ours.
            self.installed &= !signals;
            action.install(signal).map(drop)
        }
    }

    /// What a signal does where nobody receives it.
    pub(super) fn underneath(&self, signal: c_int) -> Result<Action> {
        let current = Action::current(signal)?;
        Ok(match self.before(signal) {
            Some(before) if current.is_ours() => before,
            _ => current,
        })
    }

    const fn new() -> Self {
        Self { forks: 0, count: 0, receivers: Vec::new(), before: [None; NUMBERS], installed: 0 }
    }

    /// Forgets what the process had of which this is a forked child.
    fn begin_anew(&mut self) {
        self.forks = fork::count();
        self.receivers.clear();
        self.publish();
        self.restore(u32::MAX);
    }

    /// Whether our handler has to be installed for the signal to get here: rule 3. If so, remembers what is
    /// there now.
    fn has_to_install(&mut self, signal: c_int) -> Result<bool> {
        let current = Action::current(signal)?;
        let is_there = current.is_ours()
            || (self.installed & number::bit(signal) != 0 && current.is_handler());
        if !is_there {
            self.remember(signal, current);
        }
        Ok(!is_there)
    }

    /// Installs our handler over what was there before.
    fn install(&mut self, signal: c_int) -> Result<()> {
        let before = self.before(signal).unwrap_or_else(Action::default_one);
        Action::ours(signal, &before).install(signal)?;
        self.installed |= number::bit(signal);
        Ok(())
    }

    /// Installs what was there before, for those of these signals that nobody receives: rule 2.
    fn restore(&mut self, signals: u32) {
        for signal in each(signals & self.installed & !self.wanted()) {
            let Some(before) = self.before(signal) else { continue };
            match Action::current(signal) {
                Ok(current) if current.is_ours() => match before.left(signal).install(signal) {
                    Ok(replaced) if replaced.is_ours() => self.installed &= !number::bit(signal),
                    // Somebody was faster than this.
                    Ok(replaced) => drop(replaced.install(signal)),
                    Err(_) => {}
                },
                // Nothing calls ours any more.
                Ok(current) if !current.is_handler() => self.installed &= !number::bit(signal),
                _ => {}
            }
        }
    }

    /// Takes out those that the process handles these signals by. They end where they are dropped, when no
    /// handler sees them any more.
    fn take_handlers(&mut self, signals: u32) -> Vec<Receiver> {
        let (taken, left) = mem::take(&mut self.receivers).into_iter().partition(|receiver| {
            receiver.role == Role::Handler && receiver.signals & signals != 0
        });
        self.receivers = left;
        taken
    }

    /// The signals that somebody receives.
    fn wanted(&self) -> u32 {
        self.receivers.iter().fold(0, |set, receiver| set | receiver.signals)
    }

    fn before(&self, signal: c_int) -> Option<Action> {
        self.before.get(usize::try_from(signal).ok()?).copied().flatten()
    }

    fn remember(&mut self, signal: c_int, action: Action) {
        if let Some(place) = usize::try_from(signal).ok().and_then(|at| self.before.get_mut(at)) {
            *place = Some(action);
            Action::begin(signal);
        }
    }

    /// Shows all that to the handler, and waits until no handler sees what was before.
    fn publish(&self) {
        let inlets = self.receivers.iter().map(|receiver| Arc::clone(&receiver.inlet)).collect();
        TABLE.replace(Table { process: getpid(), inlets, before: self.before });
    }
}

/// The registry, locked.
pub(super) struct Locked(MutexGuard<'static, Registry>);

impl Deref for Locked {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut Registry {
        &mut self.0
    }
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

thread_local! {
    /// The registry, locked by the thread that forks, so that the child finds it whole and unlocked.
    static FORKING: RefCell<Option<MutexGuard<'static, Registry>>> = const { RefCell::new(None) };
}

fn lock() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The numbers in a set of bits.
fn each(signals: u32) -> impl Iterator<Item = c_int> {
    (1..NUMBERS as c_int).filter(move |&signal| signals & number::bit(signal) != 0)
}

fn watch_forks() -> std::io::Result<()> {
    static WATCHING: Begun = Begun::new();
    let watch = || fork::watch(ForkHooks { before: before_fork, in_parent, in_child });
    WATCHING.begin(watch).map_err(|()| std::io::ErrorKind::OutOfMemory.into())
}

extern "C" fn before_fork() {
    // It may be called twice: see `Begun`.
    let _ = FORKING.try_with(|forking| forking.borrow_mut().get_or_insert_with(lock).forks);
}

extern "C" fn in_parent() {
    let _ = FORKING.try_with(RefCell::take);
}

extern "C" fn in_child() {
    TABLE.forget_readers();
    let _ = FORKING.try_with(RefCell::take);
}
