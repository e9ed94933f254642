//! Numbers behind a read-write lock that are all the same, whoever looks.

use super::{Attempt, MOMENT, Outcome, Patience, ensure, had};
use crate::{
    sole::{Sole, life_of},
    worker::Worker,
};
use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use strait::{Shareable, sync::RwLock};
use strait_conformance::Verdict;

const NUMBERS: usize = 16;

#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Board {
    numbers: RwLock<[u64; NUMBERS]>,
    writer: Sole,
    /// What was surely written. It never goes down.
    written: AtomicU64,
}

impl Board {
    pub(crate) fn new() -> Self {
        let numbers = RwLock::new([0; NUMBERS]);
        Self { numbers, writer: Sole::new(), written: AtomicU64::new(0) }
    }

    pub(crate) fn check_at_end(&self) -> Verdict {
        let numbers = self.numbers.write_timeout(Duration::from_secs(1));
        let numbers = numbers.or_else(strait::sync::LockError::recover)?;
        check(&numbers, self.written.load(Ordering::SeqCst))
    }
}

/// Reads twice, between which nothing may change.
pub(super) fn read(worker: &mut Worker<'_>) -> Attempt {
    let board = &worker.state.board;
    let written = board.written.load(Ordering::SeqCst);
    let numbers = had(match worker.patience() {
        Patience::Endless => board.numbers.read(),
        Patience::Moment => board.numbers.read_timeout(MOMENT),
        Patience::None => board.numbers.try_read(),
    })?;
    let Some((numbers, died)) = numbers else { return Ok(Outcome::Missed) };
    let first = *black_box(&*numbers);
    worker.linger();
    worker.linger();
    let second = *black_box(&*numbers);
    ensure!(first == second, "while it was read {first:x?} became {second:x?}");
    if died {
        // A writer has to repair it.
        return Ok(Outcome::Missed);
    }
    check(&first, written)?;
    drop(numbers);
    Ok(Outcome::Done)
}

/// Makes all of them a number that nobody has written before.
pub(super) fn write(worker: &mut Worker<'_>) -> Attempt {
    let board = &worker.state.board;
    let written = board.written.load(Ordering::SeqCst);
    let numbers = had(match worker.patience() {
        Patience::Endless => board.numbers.write(),
        Patience::Moment => board.numbers.write_timeout(MOMENT),
        Patience::None => board.numbers.try_write(),
    })?;
    let Some((mut numbers, died)) = numbers else { return Ok(Outcome::Missed) };
    let ticket = worker.ticket();
    let died_inside = board.writer.enter(ticket, worker.state)?;
    ensure!(died || !died_inside, "a writer died, and the next one wasn't told");
    if died {
        let latest = numbers.iter().copied().max().unwrap_or_default();
        black_box(&mut *numbers).fill(latest);
        numbers.mark_consistent();
        worker.recovered();
    }
    check(&numbers, written)?;
    let new = next(numbers[0], ticket);
    for i in 0..NUMBERS {
        black_box(&mut *numbers)[i] = new;
        if i % 4 == 0 {
            worker.linger();
        }
    }
    check(black_box(&*numbers), new)?;
    board.writer.leave(ticket)?;
    drop(numbers);
    board.written.fetch_max(new, Ordering::SeqCst);
    Ok(Outcome::Done)
}

/// A greater number, and another one than any other would write.
pub(super) fn next(number: u64, ticket: u64) -> u64 {
    ((number >> 24) + 1) << 24 | life_of(ticket) & 0xff_ffff
}

/// All are the same, and no less than what was surely written before.
fn check(numbers: &[u64; NUMBERS], written: u64) -> Verdict {
    let (first, rest) = (numbers[0], &numbers[1..]);
    ensure!(
        rest.iter().all(|&number| number == first),
        "the lock was whole, but the numbers are {numbers:x?}"
    );
    ensure!(first >= written, "{written:x} was written, and {first:x} was found after that");
    Ok(())
}
