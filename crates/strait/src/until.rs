//! A deadline for what std's methods do.

use crate::generic::{Duplex, LocalStream, PipeReader, PipeWriter};
use std::{
    fmt,
    io::{self, Read, Write},
};
use strait_core::{Backend, Deadline};

/// The end of a stream, with a deadline: std's `read_exact`, `read_to_end`, `write_all`, `copy` and the
/// rest end at it, with [`io::ErrorKind::TimedOut`].
///
/// It is one deadline for all that is done with it, however many reads that takes: a peer that sends a byte
/// now and then doesn't put it off, nor one that never lets it wait. Only the first read or write takes what
/// is there where the deadline has passed already.
///
/// What was read or written before it passed is not put back: [`count`](Self::count) says how many bytes
/// that are. After a `read_exact` that failed, these are at the beginning of its buffer.
///
/// ```
/// use std::{io::{ErrorKind, Read, Write}, time::Duration};
///
/// let (reader, mut writer) = strait::pipe()?;
/// writer.write_all(b"half a me")?;
///
/// let mut message = [0; 14];
/// let mut limited = reader.until(Duration::from_millis(10));
/// let error = limited.read_exact(&mut message).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::TimedOut);
/// assert_eq!(&message[..limited.count() as usize], b"half a me");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Portability
///
/// The same everywhere: it is made of the ends' own `read_deadline` and `write_deadline`.
pub struct Until<'a, T> {
    end: &'a T,
    deadline: Deadline<'a>,
    count: u64,
    has_begun: bool,
}

impl<'a, T> Until<'a, T> {
    pub(crate) fn new(end: &'a T, deadline: Deadline<'a>) -> Self {
        Self { end, deadline, count: 0, has_begun: false }
    }

    /// How many bytes were read or written through this.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Does one read or write. The ends look at the deadline only where they would have to wait, and there
    /// may always be something.
    fn step(
        &mut self,
        operation: &'static str,
        step: impl FnOnce(&'a T, Deadline<'a>) -> strait_core::Result<usize>,
    ) -> io::Result<usize> {
        if self.has_begun && self.deadline.has_passed() {
            return Err(self.deadline.error(operation).into());
        }
        self.has_begun = true;
        let count = step(self.end, self.deadline)?;
        self.count += count as u64;
        Ok(count)
    }
}

macro_rules! read {
    ($end:ident) => {
        impl<B: Backend> Read for Until<'_, $end<B>> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.step("read", |end, deadline| end.read_deadline(buffer, deadline))
            }
        }
    };
}

macro_rules! write {
    ($end:ident) => {
        impl<B: Backend> Write for Until<'_, $end<B>> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.step("write", |end, deadline| end.write_deadline(bytes, deadline))
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
    };
}

read!(PipeReader);
read!(Duplex);
read!(LocalStream);
write!(PipeWriter);
write!(Duplex);
write!(LocalStream);

impl<T: fmt::Debug> fmt::Debug for Until<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, deadline, count, .. } = self;
        f.debug_struct("Until")
            .field("end", end)
            .field("deadline", deadline)
            .field("count", count)
            .finish_non_exhaustive()
    }
}
