//! Processes.

use std::{fmt, marker::PhantomData, time::Duration};
use strait_core::{Backend, Capability, Deadline, Error, ErrorKind, ProcessIdentity, Result};

/// A process: this very one, and never a later one that got its number.
///
/// ```
/// use std::{process::Command, time::Duration};
/// use strait::Process;
///
/// let mut child = Command::new("sleep").arg("60").spawn()?;
/// let process = Process::with_id(child.id())?;
/// assert!(process.is_alive());
/// child.kill()?;
/// process.wait_exit_timeout(Duration::from_secs(10))?;
/// assert!(!process.is_alive());
/// # child.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Portability
///
/// On Linux any process can be watched that is in the same PID namespace, also another user's.
pub struct Process<B: Backend> {
    identity: ProcessIdentity,
    backend: PhantomData<fn() -> B>,
}

impl<B: Backend> Process<B> {
    /// The calling process.
    ///
    /// # Errors
    ///
    /// `Os`, where the system doesn't tell.
    pub fn current() -> Result<Self> {
        B::CAPABILITIES.require(Capability::Liveness, "identify this process")?;
        B::current_process().map(Self::from_identity)
    }

    /// The process that started the calling one, for whoever is to end with it: a child calls this as
    /// it begins, and has a thread [wait](Self::wait_exit) for its end.
    ///
    /// When a parent ends, the system gives its children to another process. So the parent that is first asked
    /// for is remembered, and where it isn't the parent any more it has ended. A parent that ends before
    /// it is first asked for can't be told from the process that takes its place: the first process of a
    /// container, often.
    ///
    /// ```
    /// use strait::Process;
    ///
    /// let parent = Process::parent()?;
    /// assert!(parent.is_alive());
    /// # Ok::<(), strait::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`, where it has ended, and where it can't be seen from here: outside of a container.
    /// `Unsupported`, as [`with_id`](Self::with_id) has it.
    pub fn parent() -> Result<Self> {
        B::CAPABILITIES.require(Capability::Liveness, "identify the parent of this process")?;
        B::parent_process().map(Self::from_identity)
    }

    /// The process that has this number now.
    ///
    /// # Errors
    ///
    /// `NotFound`, where there is none; `Unsupported`, where the system doesn't tell when it started, without
    /// which a later process could be taken for it: on Linux, where `/proc` isn't mounted or hides it.
    pub fn with_id(pid: u32) -> Result<Self> {
        B::CAPABILITIES.require(Capability::Liveness, "identify a process")?;
        B::identify(pid).map(Self::from_identity)
    }

    /// The process that another one has told of.
    pub fn from_identity(identity: ProcessIdentity) -> Self {
        Self { identity, backend: PhantomData }
    }

    /// Its number. After its end that may be another's.
    pub fn id(&self) -> u32 {
        self.identity.pid
    }

    /// Which process it is: something that can be told others.
    pub fn identity(&self) -> ProcessIdentity {
        self.identity
    }

    /// Whether it is alive. A stopped one is, and so is one of which nothing can be known; one that has
    /// ended isn't, even if its parent hasn't noticed yet.
    pub fn is_alive(&self) -> bool {
        B::is_alive(&self.identity)
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// `Unsupported`, where it can't be watched from here.
    pub fn wait_exit(&self) -> Result<()> {
        self.wait_exit_deadline(Deadline::NEVER)
    }

    /// Waits until it has ended, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// `TimedOut`; `Unsupported`, where it can't be watched from here.
    pub fn wait_exit_timeout(&self, timeout: Duration) -> Result<()> {
        self.wait_exit_deadline(timeout)
    }

    /// Waits until it has ended, or until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`wait_exit_timeout`](Self::wait_exit_timeout), and `Cancelled`.
    pub fn wait_exit_deadline<'d>(&self, deadline: impl Into<Deadline<'d>>) -> Result<()> {
        const WAIT: &str = "wait for the end of a process";
        let deadline = deadline.into().check(WAIT)?;
        match B::wait_for_end(&self.identity, deadline)? {
            true => Ok(()),
            false => Err(deadline.error(WAIT).on(self.id())),
        }
    }
}

impl<B: Backend> Clone for Process<B> {
    fn clone(&self) -> Self {
        Self::from_identity(self.identity)
    }
}

impl<B: Backend> PartialEq for Process<B> {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl<B: Backend> Eq for Process<B> {}

impl<B: Backend> fmt::Debug for Process<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Process").field(&self.identity).finish()
    }
}

/// Whom a signal is sent to: a process, or whichever process has a number now.
pub trait Recipient<B: Backend> {
    /// Which process that is.
    ///
    /// # Errors
    ///
    /// `NotFound`, where there is none.
    fn identity(&self) -> Result<ProcessIdentity>;
}

impl<B: Backend> Recipient<B> for u32 {
    fn identity(&self) -> Result<ProcessIdentity> {
        const SEND: &str = "send a signal to the process";
        B::identify(*self).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::new(error.kind(), SEND, "there is none").on(self),
            _ => error,
        })
    }
}

impl<B: Backend> Recipient<B> for &Process<B> {
    fn identity(&self) -> Result<ProcessIdentity> {
        Ok(self.identity)
    }
}
