//! Signals: what one process tells another without a word, and the system tells all.
//!
//! ```
//! use std::time::Duration;
//! use strait::{Process, Signal, Signals, signal};
//!
//! let signals = Signals::subscribe([Signal::User1, Signal::User2])?;
//! // From any process of the same user:
//! signal::send(&Process::current()?, Signal::User1)?;
//!
//! let arrival = signals.recv_timeout(Duration::from_secs(10))?;
//! assert_eq!(arrival.signal, Signal::User1);
//! assert_eq!(arrival.sender.map(|sender| sender.pid), Some(std::process::id()));
//! # Ok::<(), strait::Error>(())
//! ```
//!
//! # How many arrive
//!
//! A signal isn't counted: the system delivers one that comes again before it was looked at once only. What
//! is promised is that after a signal has come at least one arrival of it is received.
//!
//! # What else goes on
//!
//! * A signal that somebody has subscribed to does nothing else any more: [`Signal::Interrupt`] doesn't end
//!   the process. When the last subscription is dropped it does again what it did before, also where it
//!   comes at that very moment, or has come since any subscription last received it: so one that ends the
//!   process by default isn't lost, and ends it then. Whoever wants none of that receives what there is
//!   before dropping it, or has said [`ignore`]. A handler that another library had installed before is called all the same.
//! * A call of strait's that waits goes on waiting. So do those that the system begins again by itself, as
//!   `read`; but a `poll`, `epoll_wait`, `select` or `nanosleep` of another's ends with `EINTR`, as with
//!   any handler.
//! * A signal that a thread has blocked reaches another thread, or waits until one permits it: what is
//!   blocked here stays so.
//! * A process that is started meanwhile does by default what is received here, also where it was
//!   ignored before: that is POSIX.
//! * A subscription has descriptors, which nobody else may close: after `close_range` or `closefrom` the next
//!   signal is written into the file that has got the number. Drop subscriptions before.
//! * A forked child receives nothing: there each signal does what it did before.
//!
//! # Portability
//!
//! | system | what there is |
//! |---|---|
//! | Linux | all of it. [`Signal`] has the table |
//! | Windows | signals between processes of strait, and what the console says |
//!
//! On Windows, which has no signals:
//!
//! * A process of strait receives what it has subscribed to from others of the same user, as elsewhere. Where it
//!   hasn't, and in other programs, the sender ends it, unless the signal is ignored there or is
//!   [`WindowChange`](Signal::WindowChange), or [`Pipe`](Signal::Pipe). The exit code says by what: 0xC000013A
//!   of [`Interrupt`](Signal::Interrupt), and 128 + its [`number`] of any other, as 143 of
//!   [`Terminate`](Signal::Terminate).
//! * Ctrl-C is `Interrupt`, Ctrl-Break [`Quit`](Signal::Quit), closing the console's window
//!   [`HangUp`](Signal::HangUp), and the end of the system or, but for services, of the user's session `Terminate`.
//!   These have no sender. The last two end the process in any case: when each subscription that
//!   received them is dropped, and each closure has returned, or about five seconds later.
//! * [`Child`](Signal::Child), [`Continue`](Signal::Continue), and what stops a process is `Unsupported`.
//! * Handlers of other libraries that were installed before aren't called for what somebody receives.
//! * A process that is started ignores nothing.
//!
//! PLATFORM.md has more.

use crate::{Native, signals};
use strait_core::Result;

pub use crate::process::Recipient;
pub use strait_core::{Arrival, Sender, Signal};

/// Sends a signal to a process: to one that has this number now, or to this very [`Process`](crate::Process)
/// and to no later one that gets its number.
///
/// ```
/// use strait::{ErrorKind, Process, Signal, signal};
///
/// let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// let process = Process::with_id(child.id())?;
/// signal::send(&process, Signal::Terminate)?;
/// assert!(!child.wait()?.success());
/// assert_eq!(signal::send(&process, Signal::Terminate).unwrap_err().kind(), ErrorKind::NotFound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `NotFound`, where there is none or it has ended, even if its parent has not noticed yet;
/// `PermissionDenied`, where this user may not; `Unsupported`, where this system doesn't have the signal, and on
/// Windows where the process is in another session, unless the signal is `Kill` or `Abort`; there also
/// `PeerCorrupt`, where something else has taken the place where it would be found.
pub fn send(process: impl Recipient<Native>, signal: Signal) -> Result<()> {
    signals::send(process, signal)
}

/// Has a signal call a closure, on a thread of its own, from now on. It takes the place of what another
/// closure, [`ignore`] or [`reset`] has set, and ends by any of these. A panic of the closure doesn't end it.
///
/// Each arrival is handled by the closure that was set when it came, and by no other. So one that was replaced
/// may still run after this, [`ignore`] or [`reset`] has returned, until it has handled what came before;
/// it is dropped then. Where it must not, have it look at a flag that it shares with whoever replaces it.
///
/// ```
/// use std::{sync::mpsc, time::Duration};
/// use strait::{Process, Signal, signal};
///
/// let (sender, arrivals) = mpsc::channel();
/// signal::handle(Signal::HangUp, move |arrival| {
///     let _ = sender.send(arrival.signal);
/// })?;
/// signal::send(std::process::id(), Signal::HangUp)?;
/// assert_eq!(arrivals.recv_timeout(Duration::from_secs(10))?, Signal::HangUp);
/// signal::reset(Signal::HangUp)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `InvalidInput`, where the signal can't be handled; `Os`, where there are no more threads or handles.
pub fn handle(signal: Signal, handler: impl FnMut(Arrival) + Send + 'static) -> Result<()> {
    signals::handle::<Native>(signal, handler)
}

/// Has a signal do nothing from now on, where nobody has subscribed to it: those who have receive it still.
///
/// # Errors
///
/// `InvalidInput`, where the signal can't be ignored.
pub fn ignore(signal: Signal) -> Result<()> {
    signals::ignore::<Native>(signal)
}

/// Has a signal do by default from now on, where nobody has subscribed to it: those who have receive it still.
///
/// # Portability
///
/// On Windows a process may have been started so that Ctrl-C doesn't come to it: resetting
/// [`Signal::Interrupt`] has it come.
///
/// # Errors
///
/// `InvalidInput`, where the signal can't do anything else.
pub fn reset(signal: Signal) -> Result<()> {
    signals::reset::<Native>(signal)
}

/// Whether a signal is ignored, as `nohup` has it for [`Signal::HangUp`], where nobody has subscribed to it.
///
/// # Portability
///
/// On Windows, where that isn't inherited, what this process has said with [`ignore`].
///
/// # Errors
///
/// `Unsupported`, where this system doesn't have the signal.
pub fn is_ignored(signal: Signal) -> Result<bool> {
    signals::is_ignored::<Native>(signal)
}

/// The system's own number of a signal, where it has it.
///
/// # Portability
///
/// Windows has no signals: those that strait has there have the numbers of Linux.
pub fn number(signal: Signal) -> Option<i32> {
    <Native as strait_core::Signals>::number(signal)
}
