//! The reading end of a named pipe: one kernel pipe for each writer, read as one.
//!
//! # The rules
//!
//! 1. Some ends wait for writers, so that opening needs no reader who is just reading. One that a writer has opened
//!    is replaced as soon as this is read from.
//! 2. What is written at once is one message, which is read to its end before any other end is looked at.
//! 3. Where the name is freed, who frees it opens what waits for writers, and leaves at once ([`use_up`]). Such a
//!    visit doesn't count as a writer. An end that is made later than that finds the name freed, and is closed.
//! 4. Who changes which ends there are wakes all who wait, as they wait for others than these.

use crate::{
    named_pipe::Place,
    object, overlapped,
    peer_end::{self, Peer},
    pipe_end, waiting_ends,
};
use std::{
    collections::VecDeque,
    os::windows::io::OwnedHandle,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use strait_core::{Deadline, Error, ErrorKind, Result};
use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_MORE_DATA, ERROR_PIPE_LISTENING, ERROR_PIPE_NOT_CONNECTED,
};

/// The pipes of all writers of one reader.
#[derive(Debug)]
pub(crate) struct Merged {
    place: Place,
    ends: Mutex<Ends>,
}

#[derive(Debug, Default)]
struct Ends {
    /// Those that no writer has opened yet.
    waiting: Vec<Arc<OwnedHandle>>,
    /// Those of writers; what is read next comes from the first.
    open: VecDeque<End>,
    /// The one whose writer was the last to leave. Before the first has, there is none.
    over: Option<End>,
    /// Who waits for any of these, and is told of others.
    waiters: Vec<Arc<OwnedHandle>>,
    reads: u32,
}

#[derive(Debug, Clone)]
struct End {
    pipe: Arc<OwnedHandle>,
    /// Whether a writer has it, and not somebody who frees the name (rule 3).
    counts: bool,
}

impl Merged {
    /// A new reader; `None` where the name is freed.
    pub(crate) fn open(place: Place) -> Result<Option<Self>> {
        let merged = Self { place, ends: Mutex::default() };
        merged.replace(&mut merged.lock())?;
        let is_open = !merged.lock().waiting.is_empty();
        Ok(is_open.then_some(merged))
    }

    /// That of one of its ends, which another process may have handed over; `None` where it is of no named pipe.
    pub(crate) fn opened_from(end: &OwnedHandle) -> Result<Option<Self>> {
        let failed = |error| Error::os(READ, error);
        let place = peer_end::path_of(end).and_then(|path| Place::of_path(&path));
        let Some(place) = place.filter(|_| pipe_end::is_of_messages(end)) else { return Ok(None) };
        let pipe = Arc::new(end.try_clone().map_err(failed)?);
        let merged = Self { place, ends: Mutex::default() };
        let mut ends = merged.lock();
        match peer_end::of(&*pipe) {
            Peer::Awaited => ends.waiting.push(pipe),
            Peer::There | Peer::Gone => ends.open.push_back(End { pipe, counts: true }),
        }
        merged.replace(&mut ends)?;
        drop(ends);
        Ok(Some(merged))
    }

    /// Reads from the first writer that has written something; 0 where all have left.
    pub(crate) fn read(&self, buffer: &mut [u8], deadline: Deadline<'_>) -> Result<usize> {
        loop {
            if let Some(read) = self.try_read(buffer)? {
                return Ok(read);
            }
            let turned = Arc::new(object::event().map_err(|error| Error::os(READ, error))?);
            let (open, waiting) = {
                let mut ends = self.lock();
                ends.waiters.push(Arc::clone(&turned));
                let open: Vec<_> = ends.open.iter().map(|end| Arc::clone(&end.pipe)).collect();
                (open, ends.waiting.clone())
            };
            let came = waiting_ends::wait(&open, &waiting, &turned, deadline);
            self.lock().waiters.retain(|waiter| !Arc::ptr_eq(waiter, &turned));
            if !came.map_err(|error| Error::os(READ, error))? {
                return Err(deadline.error(READ));
            }
        }
    }

    /// The same where that doesn't have to wait.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> Result<Option<usize>> {
        /// So that who writes all the time doesn't keep others out.
        const ACCEPT_EVERY: u32 = 16;
        let mut ends = self.lock();
        ends.reads = ends.reads.wrapping_add(1);
        if ends.reads % ACCEPT_EVERY == 0 {
            self.accept(&mut ends)?;
        }
        loop {
            if let Some(read) = ends.read(buffer)? {
                return Ok(Some(read));
            }
            if !self.accept(&mut ends)? {
                let is_over = ends.open.is_empty() && ends.over.is_some();
                return Ok(is_over.then_some(0));
            }
        }
    }

    /// Whether no writer has come, and none can, as the name was freed.
    pub(crate) fn is_forsaken(&self) -> Result<bool> {
        let is_freed = !self.place.is_current()?;
        let mut ends = self.lock();
        self.accept(&mut ends)?;
        Ok(is_freed && ends.open.is_empty() && ends.over.is_none())
    }

    /// Those of the writers that there are.
    #[cfg(feature = "tokio")]
    pub(crate) fn ends(&self) -> Vec<Arc<OwnedHandle>> {
        self.lock().open.iter().map(|end| Arc::clone(&end.pipe)).collect()
    }

    /// Another handle of the one end that there is.
    ///
    /// # Errors
    ///
    /// `InvalidInput` where there are several writers.
    pub(crate) fn only_end(&self, operation: &'static str) -> Result<OwnedHandle> {
        let mut ends = self.lock();
        self.accept(&mut ends)?;
        let end = match (ends.open.len(), &ends.over) {
            (1, _) => ends.open.front().map(|end| &end.pipe),
            (0, Some(over)) => Some(&over.pipe),
            (0, None) => ends.waiting.first(),
            _ => None,
        };
        let Some(end) = end else {
            let why = "several writers have it open, and it is one handle that goes along";
            return Err(Error::new(ErrorKind::InvalidInput, operation, why));
        };
        end.try_clone().map_err(|error| Error::os(operation, error))
    }

    /// Looks who has opened one that waits. Whether there is somebody new.
    fn accept(&self, ends: &mut Ends) -> Result<bool> {
        let is_new = |pipe: &Arc<OwnedHandle>| peer_end::of(&**pipe) != Peer::Awaited;
        let (new, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut ends.waiting).into_iter().partition(is_new);
        ends.waiting = waiting;
        if new.is_empty() {
            return Ok(false);
        }
        let counts = self.place.is_current()?;
        ends.open.extend(new.into_iter().map(|pipe| End { pipe, counts }));
        if counts {
            self.replace(ends)?;
        }
        ends.tell_waiters();
        Ok(true)
    }

    /// Has as many ends wait as there should (rules 1 and 3).
    fn replace(&self, ends: &mut Ends) -> Result<()> {
        if !self.place.is_current()? {
            return Ok(());
        }
        while ends.waiting.len() < STOCK {
            ends.waiting.push(Arc::new(self.place.new_end()?));
        }
        if self.place.is_current()? {
            self.place.ring();
            return Ok(());
        }
        ends.waiting.retain(|pipe| peer_end::of(&**pipe) != Peer::Awaited);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    /// Reads one message, or what fits of it; `None` where there is none.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        let mut idle = 0;
        while idle < self.open.len() {
            let Some(end) = self.open.front_mut() else { break };
            let failed = |error| Error::os(READ, error);
            let ended = overlapped::read(&*end.pipe, buffer, Deadline::now()).map_err(failed)?;
            let code = ended.map(|ended| (ended.code, ended.bytes));
            match code {
                // Somebody has written nothing.
                Some((0, 0)) => {}
                Some((0, read)) => {
                    end.counts = true;
                    self.open.rotate_left(1);
                    return Ok(Some(read));
                }
                Some((ERROR_MORE_DATA, read)) => {
                    end.counts = true;
                    return Ok(Some(read));
                }
                Some((ERROR_BROKEN_PIPE | ERROR_PIPE_NOT_CONNECTED | ERROR_PIPE_LISTENING, _)) => {
                    let over = self.open.pop_front().filter(|end| end.counts);
                    self.over = over.or(self.over.take());
                    self.tell_waiters();
                }
                Some((code, _)) => {
                    return Err(failed(std::io::Error::from_raw_os_error(code as i32)));
                }
                None => {
                    self.open.rotate_left(1);
                    idle += 1;
                }
            }
        }
        Ok(None)
    }

    fn tell_waiters(&self) {
        self.waiters.iter().for_each(object::set);
    }
}

/// Opens what waits for writers of a name that is freed, and leaves: nobody else can, then (rule 3).
pub(crate) fn use_up(path: &str) {
    while pipe_end::writer(path).is_ok() {}
}

/// How many writers can open it while nobody reads.
const STOCK: usize = 16;

const READ: &str = "read from a pipe";
