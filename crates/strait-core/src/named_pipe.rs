//! Pipes that processes find by a name.

use crate::{Deadline, Name, Pipe, Result};
use std::{fmt::Debug, path::Path};

/// Pipes under a name: what [`Pipe`] has, for processes that aren't parent and child.
///
/// # Portability
///
/// | system | primitive |
/// |---|---|
/// | Linux, macOS, FreeBSD | a FIFO in a directory of the user's own |
/// | Windows | a named pipe |
pub trait NamedPipes: Pipe {
    /// Who has the name. Dropping it frees the name; ends that are open go on.
    type NamedPipe: NamedPipe;

    /// Creates a pipe under `name`. What a dead process left there is replaced.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where a live process has the name, for whatever it is.
    fn create_pipe(name: &Name) -> Result<Self::NamedPipe>;

    /// Opens the end that is read from; waits until `there_by` for somebody to create the pipe. It
    /// doesn't wait for a writer: reading does, for the first one.
    ///
    /// # Errors
    ///
    /// `NotFound` where nobody had created it by then; `TypeMismatch` where the name is something else's.
    fn open_reader(name: &Name, there_by: Deadline<'_>) -> Result<Self::Reader>;

    /// Opens the end that is written to; waits until `there_by` for somebody to create the pipe, and
    /// until `read_by` for somebody to have it open for reading.
    ///
    /// # Errors
    ///
    /// Those of [`open_reader`](Self::open_reader), and `TimedOut` where nobody read by then.
    fn open_writer(
        name: &Name,
        there_by: Deadline<'_>,
        read_by: Deadline<'_>,
    ) -> Result<Self::Writer>;

    /// Frees the name, whoever has it. Ends that are open go on.
    ///
    /// # Errors
    ///
    /// `NotFound`; `TypeMismatch` where the name is something else's.
    fn remove_pipe(name: &Name) -> Result<()>;
}

/// The owner of the name of a pipe.
pub trait NamedPipe: Send + Sync + Debug + 'static {
    /// Where other programs find it.
    fn path(&self) -> &Path;
}
