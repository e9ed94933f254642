//! Why a lock wasn't simply taken.

use std::fmt;
use strait_core::{Deadline, Error, ErrorKind};

/// What locking returns: a guard, or why there is none, or one with a warning.
pub type LockResult<G> = Result<G, LockError<G>>;

/// Why a lock wasn't simply taken.
///
/// It becomes an [`Error`], or a boxed one, by `?`. Of [`OwnerDied`](Self::OwnerDied) that drops the guard, and with it
/// the only chance to repair what the lock guards: look at it first, or call [`recover`](Self::recover).
#[non_exhaustive]
pub enum LockError<G> {
    /// Who held the lock died, or panicked, and may have left what it guards half changed. The guard
    /// holds the lock; after a repair say [`mark_consistent`](Recover::mark_consistent), or the lock
    /// can't be used any more once the guard is dropped.
    OwnerDied(G),
    /// Who held the lock died, and whoever was told so did not repair what it guards.
    NotRecoverable,
    /// The calling thread holds the lock already, and would wait for itself.
    Deadlock,
    /// A `try_` call would have had to wait.
    WouldBlock,
    /// The deadline passed.
    TimedOut,
    /// The wait was cancelled before its deadline, or before it began.
    Cancelled,
    /// The system failed.
    Failed(Error),
}

/// A guard of which the lock can be marked as whole again.
pub trait Recover {
    /// Says that what the lock guards has been repaired, or was whole all the time.
    fn mark_consistent(&mut self);
}

impl<G: Recover> LockError<G> {
    /// Takes what a dead owner left as it is, if that is the error: for values that are whole at any
    /// moment, such as a single number.
    ///
    /// ```
    /// use strait::{Shared, sync::{LockError, Mutex}};
    ///
    /// let name = format!("doc/recover-{}", std::process::id());
    /// let hits = Shared::<Mutex<u64>>::open_or_create(&name, || Mutex::new(0))?;
    /// *hits.lock().or_else(LockError::recover)? += 1;
    /// # Ok::<(), strait::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Every other error.
    pub fn recover(self) -> Result<G, Self> {
        match self {
            Self::OwnerDied(mut guard) => {
                guard.mark_consistent();
                Ok(guard)
            }
            other => Err(other),
        }
    }
}

impl<G> LockError<G> {
    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OwnerDied(_) => ErrorKind::OwnerDied,
            Self::NotRecoverable => ErrorKind::NotRecoverable,
            Self::Deadlock => ErrorKind::Deadlock,
            Self::WouldBlock => ErrorKind::WouldBlock,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Failed(error) => error.kind(),
        }
    }

    /// The same error about another guard, made of this one's.
    pub(crate) fn map<H>(self, change: impl FnOnce(G) -> H) -> LockError<H> {
        match self {
            Self::OwnerDied(guard) => LockError::OwnerDied(change(guard)),
            Self::NotRecoverable => LockError::NotRecoverable,
            Self::Deadlock => LockError::Deadlock,
            Self::WouldBlock => LockError::WouldBlock,
            Self::TimedOut => LockError::TimedOut,
            Self::Cancelled => LockError::Cancelled,
            Self::Failed(error) => LockError::Failed(error),
        }
    }

    /// The error of a wait that its deadline ended.
    pub(crate) fn ended_by(deadline: Deadline<'_>) -> Self {
        if deadline.is_cancelled() { Self::Cancelled } else { Self::TimedOut }
    }

    /// Refuses to begin what was cancelled.
    #[inline]
    pub(crate) fn unless_cancelled(deadline: Deadline<'_>) -> Result<Deadline<'_>, Self> {
        if deadline.is_cancelled() { Err(Self::Cancelled) } else { Ok(deadline) }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::OwnerDied(_) => "its owner died and may have left what it guards half changed",
            Self::NotRecoverable => "its owner died, and what it guards was not repaired",
            Self::Deadlock => "this thread holds it already",
            Self::WouldBlock => "somebody holds it",
            Self::TimedOut => "the deadline passed",
            Self::Cancelled => "it was cancelled",
            Self::Failed(_) => "the system failed",
        }
    }
}

impl<G> From<LockError<G>> for Error {
    fn from(error: LockError<G>) -> Self {
        const LOCK: &str = "lock";
        let (kind, reason) = (error.kind(), error.reason());
        match error {
            LockError::Failed(error) => error,
            LockError::OwnerDied(_) => {
                Self::new(kind, LOCK, reason).hint("repair it, and say `mark_consistent`")
            }
            LockError::NotRecoverable => {
                Self::new(kind, LOCK, reason).hint("remove the name, and create it again")
            }
            _ => Self::new(kind, LOCK, reason),
        }
    }
}

impl<G> From<Error> for LockError<G> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl<G> fmt::Display for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            _ => write!(f, "cannot lock: {}", self.reason()),
        }
    }
}

impl<G> fmt::Debug for LockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            _ => write!(f, "LockError::{:?}", self.kind()),
        }
    }
}

// It is no `std::error::Error` itself: then `?` would make a `Box<dyn Error>` of it, guard and all, which
// mustn't outlive the lock. So it becomes an `Error` on the way.
macro_rules! into_box {
    ($($boxed:ty),*) => {$(
        impl<G> From<LockError<G>> for Box<$boxed> {
            fn from(error: LockError<G>) -> Self {
                Error::from(error).into()
            }
        }
    )*};
}

into_box!(dyn std::error::Error, dyn std::error::Error + Send + Sync);
