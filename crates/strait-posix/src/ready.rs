//! What tokio's event loop says of a descriptor.
#![expect(unsafe_code, reason = "tokio takes a descriptor for one that may be closed meanwhile")]

use crate::{
    NewNames, PosixPipeReader, PosixPipeWriter, PosixSocket, PosixSocketListener, PosixSubscription,
};
use std::{
    fmt, io,
    os::fd::{AsFd, AsRawFd, OwnedFd, RawFd},
    task::{Context, Poll, ready},
};
use strait_core::{Error, ErrorKind, Result};
use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::Handle,
};

/// An end that doesn't block, and whose descriptor tokio's event loop watches.
///
/// What reads or writes is an attempt, which says `None` where it would have to wait. It is made as soon as
/// the event loop says that there is something to do, and again when it says so once more: what is dropped
/// in between has done nothing.
pub struct Ready<T> {
    /// Before the end, so that it is over before the descriptor is closed. Where there is none it begins
    /// anew.
    watch: Option<AsyncFd<RawFd>>,
    what_for: Interest,
    end: T,
}

/// What has one descriptor from its beginning to its end.
pub trait Waitable: AsFd + sealed::OneDescriptor {}

mod sealed {
    /// Whose `as_fd` is the same for as long as it exists, and is closed by nobody else.
    pub trait OneDescriptor {}
}

macro_rules! waitable {
    ($($end:ty),+) => { $(
        impl sealed::OneDescriptor for $end {}
        impl Waitable for $end {}
    )+ };
}

waitable!(OwnedFd, PosixPipeReader, PosixPipeWriter, PosixSocket, PosixSocketListener);
waitable!(NewNames, PosixSubscription);

impl<T: Waitable> Ready<T> {
    /// For reading.
    ///
    /// # Errors
    ///
    /// `Unsupported` outside of a runtime; `Os`, where the event loop can't watch another one.
    pub fn to_read(end: T) -> Result<Self> {
        Self::new(end, Interest::READABLE)
    }

    /// For writing.
    ///
    /// # Errors
    ///
    /// Those of [`to_read`](Self::to_read).
    pub fn to_write(end: T) -> Result<Self> {
        Self::new(end, Interest::WRITABLE)
    }

    /// For both.
    ///
    /// # Errors
    ///
    /// Those of [`to_read`](Self::to_read).
    pub fn to_read_and_write(end: T) -> Result<Self> {
        Self::new(end, Interest::READABLE | Interest::WRITABLE)
    }

    fn new(end: T, what_for: Interest) -> Result<Self> {
        Ok(Self { watch: Some(watch(&end, what_for)?), what_for, end })
    }

    /// The end itself.
    pub fn end(&self) -> &T {
        &self.end
    }

    /// The end, which nobody watches any more.
    pub fn into_end(self) -> T {
        let Self { watch, end, .. } = self;
        drop(watch);
        end
    }

    /// Makes attempts until one has read. Of several tasks that call this only the last one is woken.
    pub fn poll_read<R>(
        &self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        loop {
            let mut guard = ready!(self.watch()?.poll_read_ready(context)).map_err(failed)?;
            if let Some(done) = attempt(&self.end)? {
                return Poll::Ready(Ok(done));
            }
            guard.clear_ready();
        }
    }

    /// Makes attempts until one has written. Of several tasks that call this only the last one is woken.
    pub fn poll_write<R>(
        &self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        loop {
            let mut guard = ready!(self.watch()?.poll_write_ready(context)).map_err(failed)?;
            if let Some(done) = attempt(&self.end)? {
                return Poll::Ready(Ok(done));
            }
            guard.clear_ready();
        }
    }

    /// The same as [`poll_read`](Self::poll_read), of a pipe that others may close and open again.
    pub fn poll_read_reopened<R>(
        &mut self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        loop {
            self.watch_again()?;
            let mut guard = ready!(self.watch()?.poll_read_ready(context)).map_err(failed)?;
            if let Some(done) = attempt(&self.end)? {
                return Poll::Ready(Ok(done));
            }
            let was_closed = guard.ready().is_read_closed();
            guard.clear_ready();
            self.forget_if(was_closed);
        }
    }

    /// The same as [`poll_write`](Self::poll_write), of a pipe that others may close and open again.
    pub fn poll_write_reopened<R>(
        &mut self,
        context: &mut Context<'_>,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Poll<Result<R>> {
        loop {
            self.watch_again()?;
            let mut guard = ready!(self.watch()?.poll_write_ready(context)).map_err(failed)?;
            if let Some(done) = attempt(&self.end)? {
                return Poll::Ready(Ok(done));
            }
            let was_closed = guard.ready().is_write_closed();
            guard.clear_ready();
            self.forget_if(was_closed);
        }
    }

    /// Makes attempts until one has read, for any number of tasks.
    pub async fn read<R>(&self, attempt: impl FnMut(&T) -> Result<Option<R>>) -> Result<R> {
        self.repeat(Interest::READABLE, attempt).await
    }

    /// Makes attempts until one has written, for any number of tasks.
    pub async fn write<R>(&self, attempt: impl FnMut(&T) -> Result<Option<R>>) -> Result<R> {
        self.repeat(Interest::WRITABLE, attempt).await
    }

    /// Who always finds something to do gives other tasks their turn now and then, by tokio's budget.
    async fn repeat<R>(
        &self,
        what_for: Interest,
        mut attempt: impl FnMut(&T) -> Result<Option<R>>,
    ) -> Result<R> {
        let attempt = |_: &RawFd| match attempt(&self.end) {
            Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(Some(done)) => Ok(Ok(done)),
            Err(error) => Ok(Err(error)),
        };
        self.watch()?.async_io(what_for, attempt).await.map_err(failed)?
    }

    fn watch(&self) -> Result<&AsyncFd<RawFd>> {
        self.watch.as_ref().ok_or_else(no_runtime)
    }

    /// For the event loop what was closed once stays so, and always has something to do. So a pipe that
    /// was opened again is forgotten,
    fn forget_if(&mut self, was_closed: bool) {
        if was_closed {
            self.watch = None;
        }
    }

    /// and watched anew.
    fn watch_again(&mut self) -> Result<()> {
        if self.watch.is_none() {
            self.watch = Some(watch(&self.end, self.what_for)?);
        }
        Ok(())
    }
}

impl<T: fmt::Debug> fmt::Debug for Ready<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ready").field(&self.end).finish()
    }
}

/// For whom owns `end`, and drops this first.
fn watch(end: &impl Waitable, what_for: Interest) -> Result<AsyncFd<RawFd>> {
    // Where there is none it would panic.
    Handle::try_current().map_err(|_| no_runtime())?;
    let descriptor = end.as_fd().as_raw_fd();
    // SAFETY: the descriptor is that of `end`, which has one and the same from its beginning to its end,
    // by `OneDescriptor`, and is owned by the `Ready` that this becomes part of: that is dropped before
    // `end`, as the field before it, and before `end` is moved out.
    unsafe { AsyncFd::register_with_interest(descriptor, what_for) }
        .map_err(|error| failed(error.into()))
}

const WATCH: &str = "wait in tokio's event loop";

fn failed(error: io::Error) -> Error {
    Error::os(WATCH, error)
}

fn no_runtime() -> Error {
    Error::new(ErrorKind::Unsupported, WATCH, "this thread is in none of its runtimes")
        .hint("call it in a task, or while a runtime is entered")
}
