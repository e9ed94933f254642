//! Receiving signals.

use crate::{Deadline, Error, ErrorKind, Native, Result, Signal, platform::Ready, signal::Arrival};
use strait_core::Subscription;

/// Receives signals, in place of what they would do otherwise, until it is dropped: the
/// [`Signals`](crate::Signals) of tasks.
///
/// Any number of tasks can receive from one; each arrival is received once.
///
/// ```
/// use strait::{Signal, signal, tokio::Signals};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> strait::Result<()> {
/// let signals = Signals::subscribe([Signal::User1])?;
/// // From any process of the same user:
/// signal::send(std::process::id(), Signal::User1)?;
///
/// let arrival = signals.recv().await?;
/// assert_eq!(arrival.signal, Signal::User1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Signals {
    subscription: Ready<Inbox>,
}

impl Signals {
    /// Receives these signals from now on.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where there are none, or one can't be handled (see [`Signal`]); `Os`, where there
    /// are no more handles; `Unsupported` outside of a runtime.
    pub fn subscribe(signals: impl IntoIterator<Item = Signal>) -> Result<Self> {
        crate::Signals::subscribe(signals)?.try_into()
    }

    /// Waits for the next signal.
    ///
    /// # Cancel safety
    ///
    /// Where it is dropped no signal is lost: the next one who receives gets it.
    ///
    /// # Errors
    ///
    /// `Disconnected`, in a forked child.
    pub async fn recv(&self) -> Result<Arrival> {
        let attempt = |subscription: &Inbox| match subscription.receive(Deadline::now()) {
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(None),
            received => received.map(Some),
        };
        self.subscription.read(attempt).await
    }

    /// Those that wait by blocking.
    pub fn into_sync(self) -> crate::Signals {
        crate::Signals::from_backend(self.subscription.into_end())
    }
}

/// # Errors
///
/// `Os`, where the event loop can't watch another one; `Unsupported` outside of a runtime.
impl TryFrom<crate::Signals> for Signals {
    type Error = Error;

    fn try_from(signals: crate::Signals) -> Result<Self> {
        Ok(Self { subscription: Ready::to_read(signals.into_backend())? })
    }
}

impl From<Signals> for crate::Signals {
    fn from(signals: Signals) -> Self {
        signals.into_sync()
    }
}

type Inbox = <Native as strait_core::Signals>::Subscription;
