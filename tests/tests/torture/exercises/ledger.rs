//! Counts and their total behind a mutex: nothing that was acknowledged is lost, and nothing is counted
//! twice.

use super::{Attempt, Outcome, Patience, ensure, lock};
use crate::{state::WORKERS, worker::Worker};
use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use strait::{
    Shareable,
    sync::{Mutex, MutexGuard},
};
use strait_conformance::{Failure, Verdict};

/// What each worker has entered, and how much of it it knows of.
#[derive(Debug, Shareable)]
#[repr(C)]
pub(crate) struct Ledger {
    book: Mutex<Book>,
    acknowledged: [AtomicU64; WORKERS],
}

#[derive(Shareable)]
#[repr(C)]
struct Book {
    counts: [u64; WORKERS],
    /// The sum of the counts, unless who counts last dies in between.
    total: u64,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let book = Mutex::new(Book { counts: [0; WORKERS], total: 0 });
        Self { book, acknowledged: Default::default() }
    }

    /// All have ended by themselves, so all that was counted was acknowledged.
    pub(crate) fn check_at_end(&self) -> Verdict {
        let book = self.book.lock_timeout(Duration::from_secs(1));
        let book = book.or_else(strait::sync::LockError::recover)?;
        let acknowledged = self.acknowledged.each_ref().map(|count| count.load(Ordering::SeqCst));
        let counts = book.counts;
        ensure!(
            counts == acknowledged && book.total == counts.iter().sum::<u64>(),
            "ledger: the counts are {counts:?}, acknowledged are {acknowledged:?}, and the total is {}",
            book.total
        );
        Ok(())
    }
}

/// One more.
pub(super) fn enter(worker: &mut Worker<'_>) -> Attempt {
    let patience = worker.patience();
    let Some(mut book) = open(worker, patience)? else { return Ok(Outcome::Missed) };
    let slot = worker.slot;
    black_box(&mut *book).counts[slot] += 1;
    worker.linger();
    black_box(&mut *book).total += 1;
    drop(book);
    worker.state.ledger.acknowledged[slot].fetch_add(1, Ordering::SeqCst);
    Ok(Outcome::Done)
}

/// At the beginning of a life: what the last one had counted and not acknowledged is one at most.
pub(crate) fn balance(worker: &mut Worker<'_>) -> Verdict {
    let Some(book) = open(worker, Patience::Endless)? else { return Ok(()) };
    let count = book.counts[worker.slot];
    let acknowledged = &worker.state.ledger.acknowledged[worker.slot];
    let known = acknowledged.load(Ordering::SeqCst);
    ensure!(
        count == known || count == known + 1,
        "worker {} has counted {count} and acknowledged {known}",
        worker.slot
    );
    acknowledged.store(count, Ordering::SeqCst);
    Ok(())
}

fn open<'a>(
    worker: &mut Worker<'a>,
    patience: Patience,
) -> Result<Option<MutexGuard<'a, Book>>, Failure> {
    let Some((mut book, died)) = lock(&worker.state.ledger.book, patience)? else {
        return Ok(None);
    };
    let sum = book.counts.iter().sum();
    if died {
        black_box(&mut *book).total = sum;
        book.mark_consistent();
        worker.recovered();
    }
    ensure!(book.total == sum, "the lock was whole, but the total is {} of {sum}", book.total);
    Ok(Some(book))
}
