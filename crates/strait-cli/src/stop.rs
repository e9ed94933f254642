//! Being told to end: Ctrl-C and its kin end what waits, so that what is held is dropped first.

use crate::failure::{Failure, Result};
use std::{sync::Arc, time::Duration};
use strait::{CancelToken, Deadline, Shutdown};

/// How long a wait lasts before something is looked at of which nothing tells: whether another process has
/// ended, or what a name leads to. Signals end waits at once.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// Whether a signal has asked this process to end.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<Shutdown>);

impl Stop {
    /// Listens to the signals from now on. A second one ends the process at once: the first may
    /// have come while it was stuck, writing to somebody who doesn't read. What was ignored when the process was
    /// started stays so: hang-ups under `nohup`, Ctrl-C in what a script has put in the background.
    pub(crate) fn on_signals() -> Result<Self> {
        Ok(Self(Arc::new(Shutdown::on_signals()?)))
    }

    /// An error once a signal has come.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.signal() {
            None => Ok(()),
            Some(signal) => Err(Failure::Stopped(signal)),
        }
    }

    /// No other end of a wait than by a signal, or by the token.
    pub(crate) fn deadline(&self) -> Deadline<'_> {
        (&*self.0).into()
    }

    /// What the signal cancels.
    pub(crate) fn token(&self) -> &CancelToken {
        self.0.token()
    }
}
