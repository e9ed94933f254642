//! Ending cleanly when a signal asks for it.

use crate::{cancel::CancelToken, process::Process, signals, signals::Signals};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use strait_core::{Backend, Deadline, Error, Result, Signal, Subscription};

/// Ends the waits of this process when a signal asks it to end, so that it can end cleanly.
///
/// Each call of strait that waits takes it as its deadline, by reference, and returns an error of kind
/// `Cancelled` when the first signal comes. From then on signals do again what they did before: a second
/// Ctrl-C ends a process that is stuck. Dropping it does the same: a signal that comes meanwhile either
/// is a request, which the token's clones see when it is dropped, or does what it did before.
///
/// ```no_run
/// use strait::{ByteReceiver, ErrorKind, Shutdown};
///
/// let shutdown = Shutdown::on_signals()?;
/// let mut receiver = ByteReceiver::bind("jobs")?;
/// let mut job = Vec::new();
/// loop {
///     match receiver.recv_into_deadline(&mut job, &shutdown) {
///         Ok(()) => println!("{} bytes", job.len()),
///         // Ctrl-C, say: what was begun is done, and all is dropped in order.
///         Err(error) if error.kind() == ErrorKind::Cancelled => break,
///         Err(error) => return Err(error),
///     }
/// }
/// println!("ended by {:?}", shutdown.signal());
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # Portability
///
/// On Windows, where the console's window is closed or the system ends, the process is ended as soon as this is dropped,
/// or about five seconds after the signal: drop it last.
pub struct Shutdown<B: Backend> {
    token: CancelToken<B>,
    request: Arc<Request>,
    /// None where it is on no signal.
    signals: Option<Arc<Signals<B>>>,
}

impl<B: Backend> Shutdown<B> {
    /// On [`Interrupt`](Signal::Interrupt), [`Terminate`](Signal::Terminate) and
    /// [`HangUp`](Signal::HangUp), as far as they aren't ignored when this is called: what `nohup` has
    /// started goes on. Where all are, only its token ends anything.
    ///
    /// # Errors
    ///
    /// `Os`, where there are no more handles or threads.
    pub fn on_signals() -> Result<Self> {
        let mut signals = vec![Signal::Interrupt, Signal::Terminate, Signal::HangUp];
        let mut failed = None;
        signals.retain(|&signal| match signals::is_ignored::<B>(signal) {
            Ok(ignored) => !ignored,
            Err(error) => {
                failed = Some(error);
                false
            }
        });
        match failed {
            Some(error) => Err(error),
            None if signals.is_empty() => {
                Ok(Self { token: CancelToken::new()?, request: Arc::default(), signals: None })
            }
            None => Self::on(signals),
        }
    }

    /// On these signals.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, where there are none or one can't be handled; `Os`, where there are no more handles
    /// or threads.
    pub fn on(signals: impl IntoIterator<Item = Signal>) -> Result<Self> {
        let signals = Arc::new(Signals::<B>::subscribe(signals)?);
        let (token, request) = (CancelToken::new()?, Arc::<Request>::default());
        let watch = {
            let (token, signals, request) =
                (token.clone(), Arc::clone(&signals), Arc::clone(&request));
            move || watch(&token, &signals, &request)
        };
        // It isn't joined when this is dropped: in a forked child it doesn't exist.
        thread::Builder::new()
            .name("shutdown".to_owned())
            .spawn(watch)
            .map_err(|source| Error::os("await signals", source))?;
        Ok(Self { token, request, signals: Some(signals) })
    }

    /// Whether a signal has asked this process to end, or somebody has cancelled the token.
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// The first signal that has asked this process to end.
    pub fn signal(&self) -> Option<Signal> {
        self.request.first.get().copied()
    }

    /// Waits until this process is asked to end.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    pub fn wait(&self) -> Result<()> {
        self.token.wait()
    }

    /// Waits until this process is asked to end, for `timeout` at most: a sleep that can be ended.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<()> {
        self.token.wait_timeout(timeout)
    }

    /// Waits until this process is asked to end, or until the deadline.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Os`, where the system fails.
    pub fn wait_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        self.token.wait_deadline(deadline)
    }

    /// The token that the signal cancels: for threads of their own, and beside a time-out.
    pub fn token(&self) -> &CancelToken<B> {
        &self.token
    }
}

/// What becomes of the first signal.
#[derive(Default)]
struct Request {
    /// Whether it has come, or will be none as this was dropped before.
    decided: AtomicBool,
    first: OnceLock<Signal>,
}

impl Request {
    /// Whether the caller is the first to decide.
    fn decide(&self) -> bool {
        !self.decided.swap(true, Ordering::SeqCst)
    }
}

/// Ends with the first signal, or when nobody needs it any more.
fn watch<B: Backend>(token: &CancelToken<B>, signals: &Signals<B>, request: &Request) {
    let Ok(arrival) = signals.recv() else { return };
    if !request.decide() {
        // It came before the drop was done, and is nobody's request: it does what it did before.
        signals.backend().close();
        let _ = Process::current().and_then(|this| signals::send::<B>(&this, arrival.signal));
        return;
    }
    // In this order: who sees the token finds the signal, and a second one does what it did before.
    let _ = request.first.set(arrival.signal);
    signals.backend().close();
    // What has come with the first, as a hang-up does with the end of a session, asks for the same.
    while signals.try_recv().is_ok() {}
    token.cancel();
}

impl<B: Backend> Drop for Shutdown<B> {
    fn drop(&mut self) {
        let Some(signals) = &self.signals else { return };
        if !self.request.decide() {
            // The thread is about to do so, or has.
            self.token.cancel();
        }
        // Which ends the thread, too.
        signals.backend().close();
    }
}

/// No other end than by a signal.
impl<'a, B: Backend> From<&'a Shutdown<B>> for Deadline<'a> {
    fn from(shutdown: &'a Shutdown<B>) -> Self {
        shutdown.token().into()
    }
}

impl<B: Backend> fmt::Debug for Shutdown<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("signal", &self.signal()).finish_non_exhaustive()
    }
}
