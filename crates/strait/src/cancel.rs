//! Ending waits before their time.

use std::{any::Any, fmt, sync::Arc, time::Duration};
use strait_core::{Backend, Cancel, Deadline, Error, Result};

/// Ends waits of this process before their time: those of all threads that were given it, or a clone of
/// it, as their deadline.
///
/// What was cancelled stays so, and waits that begin later end at once. They return an error of kind
/// `Cancelled`, and nothing is lost: what was not received is received next time.
///
/// Waits at pipes, sockets, channels and processes end at once; those for locks, for others who create the
/// same value, and for room among those whom a listener hasn't accepted yet, within 40 ms.
///
/// ```
/// use std::{thread, time::Duration};
/// use strait::{CancelToken, Deadline, ErrorKind};
///
/// let (reader, _writer) = strait::pipe()?;
/// let stop = CancelToken::new()?;
/// let other = stop.clone();
/// let waiter = thread::spawn(move || reader.read_deadline(&mut [0; 8], &other));
/// stop.cancel();
/// assert!(waiter.join().is_ok_and(|read| read.is_err_and(|e| e.kind() == ErrorKind::Cancelled)));
///
/// // With a time-out as well:
/// let deadline = Deadline::after(Duration::from_secs(1)).or_cancelled(&stop);
/// # assert!(deadline.has_passed());
/// # Ok::<(), strait::Error>(())
/// ```
pub struct CancelToken<B: Backend> {
    cancel: Arc<B::Cancel>,
}

impl<B: Backend> CancelToken<B> {
    /// A token that has cancelled nothing yet.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles.
    pub fn new() -> Result<Self> {
        Ok(Self { cancel: Arc::new(B::Cancel::new()?) })
    }

    /// Ends all waits that were given this token or a clone of it, those of now and those to come.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Whether they were ended.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Waits until somebody cancels.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn wait(&self) -> Result<()> {
        self.wait_deadline(Deadline::NEVER)
    }

    /// Waits until somebody cancels, for `timeout` at most: a sleep that can be ended.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.wait_deadline(timeout)
    }

    /// Waits until somebody cancels, or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        let deadline = deadline.into();
        let late = || -> Error { deadline.error("wait for a cancellation") };
        if self.cancel.wait(deadline)? { Ok(()) } else { Err(late()) }
    }

    /// The backend's own.
    pub fn backend(&self) -> &B::Cancel {
        &self.cancel
    }
}

impl<B: Backend> Clone for CancelToken<B> {
    fn clone(&self) -> Self {
        Self { cancel: Arc::clone(&self.cancel) }
    }
}

/// No other end than by this token.
impl<'a, B: Backend> From<&'a CancelToken<B>> for Deadline<'a> {
    fn from(token: &'a CancelToken<B>) -> Self {
        Deadline::NEVER.or_cancelled(&*token.cancel)
    }
}

/// So that [`Deadline::or_cancelled`] takes it.
impl<B: Backend> Cancel for CancelToken<B> {
    fn new() -> Result<Self> {
        Self::new()
    }

    fn cancel(&self) {
        self.cancel();
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled()
    }

    fn wait(&self, deadline: Deadline<'_>) -> Result<bool> {
        self.cancel.wait(deadline)
    }

    fn as_any(&self) -> &dyn Any {
        self.cancel.as_any()
    }
}

impl<B: Backend> fmt::Debug for CancelToken<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
