//! Receiving signals and handling them, on any backend.

use crate::process::Recipient;
use std::{fmt, panic, thread, time::Duration};
use strait_core::{
    Arrival, Backend, Capability, Deadline, Error, ErrorKind, Result, Signal, Subscription,
};

/// Receives signals, in place of what they would do otherwise, until it is dropped. There may be any number
/// of them, and each receives every signal that it has subscribed to. What has come since any of them last
/// received that signal does what it did before when the last one is dropped, as if it came only then.
///
/// Several threads can receive from one; each arrival is received once. It is a waitable handle: on systems
/// that have descriptors it is one (`AsFd`), which is readable when [`try_recv`](Self::try_recv) is to be
/// called, until that says `WouldBlock`; on Windows it is one (`AsHandle`) which is signalled then.
///
/// ```no_run
/// use strait::{Signal, Signals};
///
/// for arrival in &Signals::subscribe([Signal::HangUp, Signal::Terminate])? {
///     match arrival.signal {
///         Signal::HangUp => println!("reading the configuration again"),
///         _ => break,
///     }
/// }
/// # Ok::<(), strait::Error>(())
/// ```
pub struct Signals<B: Backend> {
    subscription: B::Subscription,
}

impl<B: Backend> Signals<B> {
    /// Receives these signals from now on.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where there are none, or one can't be handled (see [`Signal`]): then none of them is
    /// received. `Os`, where there are no more handles.
    pub fn subscribe(signals: impl IntoIterator<Item = Signal>) -> Result<Self> {
        B::CAPABILITIES.require(Capability::Signals, "receive signals")?;
        let signals: Vec<Signal> = signals.into_iter().collect();
        Ok(Self { subscription: B::subscribe(&signals)? })
    }

    /// Waits for the next signal.
    ///
    /// # Errors
    ///
    /// `Disconnected`, in a forked child.
    pub fn recv(&self) -> Result<Arrival> {
        self.recv_deadline(Deadline::NEVER)
    }

    /// The next signal, if one has come.
    ///
    /// # Errors
    ///
    /// `WouldBlock`; `Disconnected`, in a forked child.
    pub fn try_recv(&self) -> Result<Arrival> {
        self.recv_deadline(Deadline::now()).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => {
                let why = "none has come";
                Error::new(ErrorKind::WouldBlock, "receive a signal at once", why)
            }
            _ => error,
        })
    }

    /// Waits for the next signal, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Disconnected`, in a forked child.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Arrival> {
        self.recv_deadline(timeout)
    }

    /// Waits for the next signal, until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`recv_timeout`](Self::recv_timeout), and `Cancelled`.
    pub fn recv_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<Arrival> {
        self.subscription.receive(deadline.into().check("receive a signal")?)
    }

    /// The signals as they come, waiting for each. It ends in a forked child only.
    pub fn iter(&self) -> Iter<'_, B> {
        Iter { signals: self }
    }

    /// The backend's own subscription.
    pub fn backend(&self) -> &B::Subscription {
        &self.subscription
    }

    /// The backend's own subscription.
    pub fn into_backend(self) -> B::Subscription {
        self.subscription
    }

    /// Those of a backend's own subscription.
    pub fn from_backend(subscription: B::Subscription) -> Self {
        Self { subscription }
    }
}

impl<B: Backend> fmt::Debug for Signals<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signals").field(&self.subscription).finish()
    }
}

/// The signals as they come. See [`Signals::iter`].
#[derive(Debug)]
pub struct Iter<'a, B: Backend> {
    signals: &'a Signals<B>,
}

impl<B: Backend> Iterator for Iter<'_, B> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        self.signals.recv().ok()
    }
}

impl<'a, B: Backend> IntoIterator for &'a Signals<B> {
    type Item = Arrival;
    type IntoIter = Iter<'a, B>;

    fn into_iter(self) -> Iter<'a, B> {
        self.iter()
    }
}

/// As [`signal::send`](crate::signal::send), on a backend that is named.
///
/// # Errors
///
/// Those of [`signal::send`](crate::signal::send).
pub fn send<B: Backend>(process: impl Recipient<B>, signal: Signal) -> Result<()> {
    B::CAPABILITIES.require(Capability::Signals, "send a signal")?;
    B::send(&process.identity()?, signal)
}

/// As [`signal::handle`](crate::signal::handle), on a backend that is named.
///
/// # Errors
///
/// Those of [`signal::handle`](crate::signal::handle).
pub fn handle<B: Backend>(
    signal: Signal,
    mut handler: impl FnMut(Arrival) + Send + 'static,
) -> Result<()> {
    const HANDLE: &str = "handle the signal";
    B::CAPABILITIES.require(Capability::Signals, HANDLE)?;
    // The thread first, so that what fails changes nothing.
    let (sender, receiver) = std::sync::mpsc::channel::<B::Subscription>();
    let run = move || {
        let Ok(subscription) = receiver.recv() else { return };
        while let Ok(arrival) = subscription.receive(Deadline::NEVER) {
            // It has said why, as every panic does; the next signal is handled all the same.
            let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| handler(arrival)));
        }
    };
    thread::Builder::new()
        .name(format!("on {signal}"))
        .spawn(run)
        .map_err(|source| Error::os(HANDLE, source).on(signal))?;
    let subscription = B::take_over(signal)?;
    sender
        .send(subscription)
        .map_err(|_| Error::new(ErrorKind::Os, HANDLE, "its thread ended as it began").on(signal))
}

/// As [`signal::ignore`](crate::signal::ignore), on a backend that is named.
///
/// # Errors
///
/// Those of [`signal::ignore`](crate::signal::ignore).
pub fn ignore<B: Backend>(signal: Signal) -> Result<()> {
    B::CAPABILITIES.require(Capability::Signals, "ignore the signal")?;
    B::ignore(signal)
}

/// As [`signal::reset`](crate::signal::reset), on a backend that is named.
///
/// # Errors
///
/// Those of [`signal::reset`](crate::signal::reset).
pub fn reset<B: Backend>(signal: Signal) -> Result<()> {
    B::CAPABILITIES.require(Capability::Signals, "reset the signal")?;
    B::reset(signal)
}

/// As [`signal::is_ignored`](crate::signal::is_ignored), on a backend that is named.
///
/// # Errors
///
/// Those of [`signal::is_ignored`](crate::signal::is_ignored).
pub fn is_ignored<B: Backend>(signal: Signal) -> Result<bool> {
    B::CAPABILITIES.require(Capability::Signals, "ask what becomes of the signal")?;
    B::is_ignored(signal)
}
