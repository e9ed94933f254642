//! Streams of bytes, one way, through the kernel.

use crate::{Deadline, Handles, Result, Transfer};
use std::fmt::Debug;

/// Pipes: what is written at one end is read at the other, in order, as bytes without boundaries.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | `pipe2`, or `pipe` |
/// | Windows | a named pipe without a public name, as std makes it |
pub trait Pipe: Handles {
    /// The end that is read from.
    type Reader: PipeRead + Transfer<Self::Handle>;

    /// The end that is written to.
    type Writer: PipeWrite + Transfer<Self::Handle>;

    /// Makes a pipe. No child process inherits its ends, unless they are handed to it.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn pipe() -> Result<(Self::Reader, Self::Writer)>;
}

/// The end of a pipe that is read from. Dropping the last one closes it.
pub trait PipeRead: Send + Sync + Debug + 'static {
    /// Waits until there is something to read, and reads as much as there is and fits; 0 bytes where
    /// there is no writer any more and everything was read. Where there was none since this end was
    /// opened, which a pipe with a name can have, it waits for the first.
    ///
    /// # Errors
    ///
    /// `TimedOut`.
    fn read(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize>;

    /// The same where that doesn't have to wait; `None` where it would. For event loops.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>>;

    /// The same, and whether it is in vain to wait.
    ///
    /// # Errors
    ///
    /// `Os`, where the system fails.
    fn read_now(&self, buffer: &mut [u8]) -> Result<ReadNow>;

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn try_clone(&self) -> Result<Self>
    where
        Self: Sized;
}

/// What is to be read from a pipe without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadNow {
    /// As many bytes were read; 0 where there is no writer any more.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// Nothing ever: no writer has come, and none can, as the name of the pipe was freed.
    Forsaken,
}

/// The end of a pipe that is written to. Dropping the last one closes it.
pub trait PipeWrite: Send + Sync + Debug + 'static {
    /// As many bytes are written in one piece: all of them or none, and never with another writer's in
    /// between.
    const ATOMIC: usize;

    /// Waits until there is room, and writes as much as there is room for: all, where that are at most
    /// [`ATOMIC`](Self::ATOMIC) bytes.
    ///
    /// # Errors
    ///
    /// `Disconnected` where there is no reader any more, and never a signal; `TimedOut`.
    fn write(&self, bytes: &[u8], deadline: Deadline<'_>) -> Result<usize>;

    /// The same where that doesn't have to wait; `None` where it would. For event loops.
    ///
    /// # Errors
    ///
    /// `Disconnected` where there is no reader any more, and never a signal.
    fn try_write(&self, bytes: &[u8]) -> Result<Option<usize>>;

    /// Another handle of the same end.
    ///
    /// # Errors
    ///
    /// `Os` where there are no more handles.
    fn try_clone(&self) -> Result<Self>
    where
        Self: Sized;
}
