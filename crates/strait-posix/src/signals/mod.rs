//! Signals.
//!
//! * `registry.rs` knows who receives what, and installs and removes the handler.
//! * `handler.rs` is the handler. What it reads is replaced as a whole, by the rules in `replaced.rs`.
//! * `inbox.rs` is how an arrival comes from the handler to who receives it.
//! * `action.rs` is what a signal does where nobody receives it.

mod action;
mod handler;
mod inbox;
mod number;
mod registry;
mod replaced;

use crate::{Posix, fork, sys::process};
use action::Action;
use inbox::{Outlet, RECEIVE};
use registry::{Registry, Role};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use strait_core::{
    Arrival, Deadline, Error, ErrorKind, ProcessIdentity, Result, Signal, Signals, Subscription,
};

impl Signals for Posix {
    type Subscription = PosixSubscription;

    fn subscribe(signals: &[Signal]) -> Result<PosixSubscription> {
        let numbers = signals.iter().map(|&signal| number::free(signal, SUBSCRIBE));
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        if numbers.is_empty() {
            return Err(Error::new(ErrorKind::InvalidInput, SUBSCRIBE, "there are none"));
        }
        let signals = numbers.iter().fold(0, |set, &number| set | number::bit(number));
        PosixSubscription::new(signals, Role::Subscriber, SUBSCRIBE)
    }

    fn take_over(signal: Signal) -> Result<PosixSubscription> {
        const HANDLE: &str = "handle the signal";
        let number = number::free(signal, HANDLE)?;
        PosixSubscription::new(number::bit(number), Role::Handler, HANDLE)
    }

    fn ignore(signal: Signal) -> Result<()> {
        set(signal, Action::ignored(), "ignore the signal")
    }

    fn reset(signal: Signal) -> Result<()> {
        set(signal, Action::default_one(), "reset the signal")
    }

    fn is_ignored(signal: Signal) -> Result<bool> {
        const ASK: &str = "ask what becomes of the signal";
        let number = number::known(signal, ASK)?;
        let failed = |errno: Errno| Error::os(ASK, errno).on(signal);
        Ok(Registry::lock(ASK)?.underneath(number).map_err(failed)?.is_ignored())
    }

    fn send(process: &ProcessIdentity, signal: Signal) -> Result<()> {
        const SEND: &str = "send a signal to the process";
        process::send(process, number::known(signal, SEND)?, SEND)
    }

    fn number(signal: Signal) -> Option<i32> {
        number::number(signal)
    }
}

/// What receives signals: its descriptor is readable when one has arrived.
#[derive(Debug)]
pub struct PosixSubscription {
    outlet: Outlet,
    /// By which the registry knows it.
    number: u64,
    forks: u32,
}

impl PosixSubscription {
    fn new(signals: u32, role: Role, operation: &'static str) -> Result<Self> {
        let (inlet, outlet) = inbox::make(signals)?;
        let number = Registry::lock(operation)?
            .add(inlet, signals, role)
            .map_err(|errno| Error::os(operation, errno))?;
        Ok(Self { outlet, number, forks: fork::count() })
    }
}

impl Subscription for PosixSubscription {
    fn receive(&self, deadline: Deadline<'_>) -> Result<Arrival> {
        if self.forks != fork::count() {
            let why = "the subscription is that of the process which forked";
            return Err(Error::new(ErrorKind::Disconnected, RECEIVE, why));
        }
        self.outlet.receive(deadline)
    }

    fn close(&self) {
        // Where it can't be locked there is none, either.
        if let Ok(mut registry) = Registry::lock(SUBSCRIBE) {
            registry.remove(self.number);
        }
    }
}

impl Drop for PosixSubscription {
    fn drop(&mut self) {
        self.close();
        // What lies there is the parent's in a forked child, which shares the pipe.
        if self.forks == fork::count() {
            let unseen = self.outlet.drain();
            if unseen != 0 {
                // Where it can't be locked there is nobody that could have been told.
                let _ = Registry::lock(SUBSCRIBE).map(|registry| registry.make_up_for(unseen));
            }
        }
    }
}

impl AsFd for PosixSubscription {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outlet.as_fd()
    }
}

const SUBSCRIBE: &str = "receive signals";

fn set(signal: Signal, action: Action, operation: &'static str) -> Result<()> {
    let number = number::free(signal, operation)?;
    let failed = |errno: Errno| Error::os(operation, errno).on(signal);
    Registry::lock(operation)?.set(number, action).map_err(failed)
}
