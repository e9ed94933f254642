//! The latest of a value: never half of it, and never an older one than before.

use super::{Attempt, Outcome, board::next, ensure};
use crate::{sole::Sole, worker::Worker};
use std::sync::atomic::{AtomicU64, Ordering};
use strait::{ErrorKind, Shareable, sync::SeqLock};

/// So many that others write while they are read.
const NUMBERS: usize = 128;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Latest {
    numbers: SeqLock<[u64; NUMBERS]>,
    writer: Sole,
    /// What was surely written. It never goes down.
    written: AtomicU64,
}

impl Latest {
    pub(crate) fn new() -> Self {
        let numbers = SeqLock::new([0; NUMBERS]);
        Self { numbers, writer: Sole::new(), written: AtomicU64::new(0) }
    }
}

pub(super) fn read(worker: &mut Worker<'_>) -> Attempt {
    let latest = &worker.state.latest;
    for _ in 0..4 {
        let written = latest.written.load(Ordering::SeqCst);
        let numbers = latest.numbers.read()?;
        let first = numbers[0];
        let other = numbers.iter().find(|&&number| number != first);
        ensure!(other.is_none(), "half a value was read: {first:x} and {other:x?}");
        ensure!(first >= written, "{written:x} was written, and {first:x} was read after that");
        latest.written.fetch_max(first, Ordering::SeqCst);
    }
    Ok(Outcome::Done)
}

pub(super) fn write(worker: &mut Worker<'_>) -> Attempt {
    let latest = &worker.state.latest;
    let mut writer = match latest.numbers.writer() {
        Ok(writer) => writer,
        Err(error) if error.kind() == ErrorKind::Busy => return Ok(Outcome::Missed),
        Err(error) => return Err(error.into()),
    };
    let ticket = worker.ticket();
    if latest.writer.enter(ticket, worker.state)? {
        worker.recovered();
    }
    let in_haste = worker.random.one_in(2);
    let mut new = latest.numbers.read()?[0];
    for _ in 0..8 {
        new = next(new, ticket);
        writer.write([new; NUMBERS]);
        if in_haste {
            continue;
        }
        worker.linger();
        let after = latest.numbers.read()?;
        ensure!(after == [new; NUMBERS], "{new:x} was written, and {:x} was read", after[0]);
        latest.written.fetch_max(new, Ordering::SeqCst);
    }
    latest.writer.leave(ticket)?;
    drop(writer);
    Ok(Outcome::Done)
}
