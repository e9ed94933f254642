//! Signals, which the system doesn't have but for what the console says.
//!
//! * `mailbox.rs` is how a signal comes from one process to another.
//! * `console.rs` is how it comes from the console, and from the system.
//! * `registry.rs` knows who receives what, and tells them through `inbox.rs`.
//! * `send.rs` sends, and does what the signal does where nobody receives it: that is in `action.rs`.

mod action;
mod bell;
mod console;
mod group;
mod inbox;
mod mailbox;
mod number;
mod owner;
mod registry;
mod send;
mod session;

use crate::Windows;
use inbox::Inbox;
use mailbox::Mailbox;
use registry::{Registry, Role};
use std::{
    os::windows::io::{AsHandle, BorrowedHandle},
    sync::Arc,
};
use strait_core::{
    Arrival, Deadline, Error, ErrorKind, Finding, ProcessIdentity, Result, Signal, Signals,
    Subscription,
};

impl Signals for Windows {
    type Subscription = WindowsSubscription;

    fn subscribe(signals: &[Signal]) -> Result<WindowsSubscription> {
        let bits = signals.iter().map(|&signal| number::free(signal, SUBSCRIBE));
        let signals = bits.collect::<Result<Vec<_>>>()?.into_iter().fold(0, |set, bit| set | bit);
        if signals == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, SUBSCRIBE, "there are none"));
        }
        WindowsSubscription::new(signals, Role::Subscriber, SUBSCRIBE)
    }

    fn take_over(signal: Signal) -> Result<WindowsSubscription> {
        const HANDLE: &str = "handle the signal";
        WindowsSubscription::new(number::free(signal, HANDLE)?, Role::Handler, HANDLE)
    }

    fn ignore(signal: Signal) -> Result<()> {
        const IGNORE: &str = "ignore the signal";
        let bit = number::free(signal, IGNORE)?;
        console::install_for(bit).map_err(|error| Error::os(IGNORE, error).on(signal))?;
        Registry::lock().set(signal, true, IGNORE)
    }

    /// Of `Interrupt`, Ctrl-C comes from then on also to a process that was started so that it doesn't.
    fn reset(signal: Signal) -> Result<()> {
        const RESET: &str = "reset the signal";
        number::free(signal, RESET)?;
        if signal == Signal::Interrupt {
            console::switch_on().map_err(|error| Error::os(RESET, error).on(signal))?;
        }
        Registry::lock().set(signal, false, RESET)
    }

    fn is_ignored(signal: Signal) -> Result<bool> {
        number::known(signal, "ask what becomes of the signal")?;
        Ok(Registry::lock().is_ignored(signal))
    }

    fn send(process: &ProcessIdentity, signal: Signal) -> Result<()> {
        send::send(process, signal)
    }

    fn number(signal: Signal) -> Option<i32> {
        number::number(signal).map(|number| number as i32)
    }
}

/// What receives signals: its handle is signalled while there is one to receive, and when it is closed.
#[derive(Debug)]
pub struct WindowsSubscription {
    inbox: Arc<Inbox>,
    /// By which the registry knows it.
    number: u64,
}

impl WindowsSubscription {
    fn new(signals: u32, role: Role, operation: &'static str) -> Result<Self> {
        console::install_for(signals).map_err(|error| Error::os(operation, error))?;
        let inbox = Arc::new(Inbox::new(role == Role::Handler)?);
        let number = Registry::lock().add(Arc::clone(&inbox), signals, role, operation)?;
        Ok(Self { inbox, number })
    }
}

impl Subscription for WindowsSubscription {
    fn receive(&self, deadline: Deadline<'_>) -> Result<Arrival> {
        self.inbox.receive(deadline, || {
            if Mailbox::own().is_some_and(Mailbox::has_mail) {
                Registry::lock().distribute();
            }
        })
    }

    fn close(&self) {
        Registry::lock().remove(self.number);
    }
}

impl Drop for WindowsSubscription {
    fn drop(&mut self) {
        self.close();
        let unseen = self.inbox.leave();
        if unseen != 0 {
            Registry::lock().make_up_for(unseen);
        }
    }
}

impl AsHandle for WindowsSubscription {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.inbox.as_handle()
    }
}

/// What there is of signals.
pub(crate) fn examine() -> Finding {
    const TOPIC: &str = "signals";
    match console::sharers().len() {
        0 => Finding::good(TOPIC, "between processes of strait only, as there is no console"),
        1 => Finding::good(TOPIC, "between processes of strait, and of a console of its own"),
        many => {
            let others = many - 1;
            Finding::good(
                TOPIC,
                format!("between processes of strait, and of a console that {others} others share"),
            )
        }
    }
}

const SUBSCRIBE: &str = "receive signals";
