//! Ends that tasks use: what would have to wait is an attempt, made again when a handle says that it is worth it.

use crate::signalled::{Signal, Signalled};
use std::{
    fmt, io,
    os::windows::io::OwnedHandle,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use strait_core::{Error, ErrorKind, Result};
use tokio::{
    runtime::Handle,
    task::coop::{consume_budget, poll_proceed},
};

/// An end that tasks use.
///
/// What reads or writes is an attempt, which says `None` where it would have to wait. It is made again as soon as
/// the system says that there may be something to do: what is dropped in between has done nothing.
pub struct Ready<T> {
    reading: Slot,
    writing: Slot,
    end: T,
}

/// What the one task waits for that polls.
type Slot = Mutex<Option<Signalled>>;

/// What tells when an attempt is worth it.
pub trait Waitable: sealed::Signals {}

pub(crate) mod sealed {
    use super::Worth;
    use std::io;

    /// The signals of an end. What they tell is so from now on, and they stay signalled: nothing that happens between
    /// an attempt and the wait is missed.
    pub trait Signals {
        /// When there may be something to read, or its end.
        #[allow(private_interfaces)]
        fn readable(&self) -> io::Result<Worth>;

        /// When there may be room, or nobody reads any more.
        #[allow(private_interfaces)]
        fn writable(&self) -> io::Result<Worth>;
    }
}

/// When an attempt is worth it.
pub(crate) struct Worth {
    /// As soon as one of these is signalled.
    pub(crate) signals: Vec<Signal>,
    /// And after so many milliseconds, where something happens that nothing signals.
    pub(crate) within: u32,
}

impl Worth {
    fn wait(self) -> Result<Signalled> {
        Signalled::any_within(self.signals, self.within).map_err(failed)
    }
}

impl<T: Waitable> Ready<T> {
    /// For reading.
    ///
    /// # Errors
    ///
    /// `Unsupported` outside of a runtime.
    pub fn to_read(end: T) -> Result<Self> {
        Self::to_read_and_write(end)
    }

    /// For writing.
    ///
    /// # Errors
    ///
    /// `Unsupported` outside of a runtime.
    pub fn to_write(end: T) -> Result<Self> {
        Self::to_read_and_write(end)
    }

    /// For both.
    ///
    /// # Errors
    ///
    /// `Unsupported` outside of a runtime.
    pub fn to_read_and_write(end: T) -> Result<Self> {
        in_runtime()?;
        Ok(Self { reading: Slot::default(), writing: Slot::default(), end })
    }

    /// The end itself.
    pub fn end(&self) -> &T {
        &self.end
    }

    /// The end, for which nobody waits any more.
    pub fn into_end(self) -> T {
        self.end
    }

    /// Makes attempts until one has read. Of several tasks that call this only the last one is woken.
    pub fn poll_read<R>(
        &self,
        context: &mut Context<'_>,
        attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        self.poll(&self.reading, T::readable, context, attempt)
    }

    /// Makes attempts until one has written. Of several tasks that call this only the last one is woken.
    pub fn poll_write<R>(
        &self,
        context: &mut Context<'_>,
        attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        self.poll(&self.writing, T::writable, context, attempt)
    }

    /// The same as [`poll_read`](Self::poll_read), of a pipe that others may close and open again.
    pub fn poll_read_reopened<R>(
        &mut self,
        context: &mut Context<'_>,
        attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        self.poll_read(context, attempt)
    }

    /// The same as [`poll_write`](Self::poll_write), of a pipe that others may close and open again.
    pub fn poll_write_reopened<R>(
        &mut self,
        context: &mut Context<'_>,
        attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        self.poll_write(context, attempt)
    }

    /// Makes attempts until one has read, for any number of tasks.
    pub async fn read<R>(&self, attempt: impl FnMut(&T) -> Result<Option<R>>) -> Result<R> {
        self.repeat(T::readable, attempt).await
    }

    /// Makes attempts until one has written, for any number of tasks.
    pub async fn write<R>(&self, attempt: impl FnMut(&T) -> Result<Option<R>>) -> Result<R> {
        self.repeat(T::writable, attempt).await
    }

    /// Who always finds something to do gives other tasks their turn now and then, by tokio's budget.
    async fn repeat<R>(
        &self,
        signals: impl Fn(&T) -> io::Result<Worth>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Result<R> {
        loop {
            consume_budget().await;
            if let Some(done) = attempt(&self.end)? {
                return Ok(done);
            }
            signals(&self.end).map_err(failed)?.wait()?.await;
        }
    }

    fn poll<R>(
        &self,
        slot: &Slot,
        signals: impl Fn(&T) -> io::Result<Worth>,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let turn = ready!(poll_proceed(context));
            if let Some(waiting) = &mut *slot {
                ready!(Pin::new(waiting).poll(context));
                *slot = None;
            }
            if let Some(done) = attempt(&self.end)? {
                turn.made_progress();
                return Poll::Ready(Ok(done));
            }
            *slot = Some(signals(&self.end).map_err(failed)?.wait()?);
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Ready<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.end).finish()
    }
}

/// Waits until a handle is signalled, which stays so.
///
/// # Errors
///
/// `Unsupported` outside of a runtime; `Os`, where the system fails.
pub async fn signalled(handle: OwnedHandle) -> Result<()> {
    in_runtime()?;
    Signalled::any([Arc::new(handle) as Signal]).map_err(failed)?.await;
    Ok(())
}

/// The system's thread pool wakes tasks of whatever runtime; but what is one of tokio's on one system is so on all.
fn in_runtime() -> Result<()> {
    Handle::try_current().map(drop).map_err(|_| {
        Error::new(ErrorKind::Unsupported, WATCH, "this thread is in none of tokio's runtimes")
            .hint("call it in a task, or while a runtime is entered")
    })
}

const WATCH: &str = "wait in a task";

pub(crate) fn failed(error: io::Error) -> Error {
    Error::os(WATCH, error)
}

#[cfg(test)]
mod end_tests;
mod ends;
#[cfg(test)]
mod tests;
