//! A pipe that listens: instances that wait for clients, and clients that wait to be accepted.
//!
//! A client connects to an instance that waits for one, so that nobody has to accept it for that. A thread sees to
//! it that there are always some: it has the system tell it who connects, puts that one into the queue, and makes
//! another instance, until very many are in the queue. At a rendezvous it also takes what they say first, so that
//! they may end before they are accepted (`client.rs`): of the first in the queue alone, which bounds what is kept.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{
    client::Client,
    message_pipe::{MessagePipe, Use, access},
    object, overlapped, peer_end, wait,
};
use std::{
    collections::VecDeque,
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};
use strait_core::{Deadline, Error, Result};
use windows_sys::Win32::{
    Foundation::{ERROR_IO_PENDING, ERROR_NO_DATA, ERROR_PIPE_CONNECTED, GetLastError},
    System::{
        IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED},
        Pipes::ConnectNamedPipe,
    },
};

/// A pipe that listens. Dropping it lets go who hasn't been accepted.
#[derive(Debug)]
pub(crate) struct Instances {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    used: Use,
    id: u128,
    /// Whether other users may connect.
    open: bool,
    queue: Mutex<Queue>,
    /// Set while the queue has something to say.
    filled: OwnedHandle,
    /// Set where the queue has got room, or the thread is to end.
    changed: OwnedHandle,
}

#[derive(Debug, Default)]
struct Queue {
    /// The instances that wait for clients. The one that has waited longest is the first to be taken by one.
    waiting: VecDeque<Waiting>,
    clients: VecDeque<Client>,
    /// Why no more come.
    failure: Option<io::Error>,
    is_closed: bool,
}

impl Instances {
    /// Listens as the pipe with this number, which nobody else knows yet.
    pub(crate) fn listen(used: Use, id: u128, open: bool) -> Result<Self> {
        let failed = |error| Error::os(LISTEN, error);
        let first = MessagePipe::instance(used, id, true, &access(open)?).map_err(failed)?;
        let (filled, changed) =
            (object::event().map_err(failed)?, object::event().map_err(failed)?);
        let shared = Shared { used, id, open, queue: Mutex::default(), filled, changed };
        let shared = Arc::new(shared);
        shared.lock().waiting.push_back(Waiting::new(first).map_err(failed)?);
        shared.replenish(&mut shared.lock()).map_err(failed)?;
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("strait-listen".to_owned());
        let thread = thread.spawn(move || for_thread.serve()).map_err(failed)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The next of those who have connected, if there is one.
    pub(crate) fn accept(&self) -> io::Result<Option<Client>> {
        let shared = &self.shared;
        let mut queue = shared.lock();
        if queue.clients.is_empty() {
            // The thread may not have been told yet.
            shared.enter_first(&mut queue);
        }
        let listens = shared.listens() && !queue.clients.is_empty();
        if listens || queue.clients.len() + WAITING > BACKLOG {
            // It lets go of who is accepted, and listens to others.
            object::set(&shared.changed);
        }
        let next = queue.clients.pop_front();
        shared.show(&queue);
        match (&next, &queue.failure) {
            (None, Some(error)) => {
                Err(io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(0)))
            }
            _ => Ok(next),
        }
    }

    /// Waits until there is somebody to accept; `false` where the deadline passed first.
    pub(crate) fn wait(&self, deadline: Deadline<'_>) -> io::Result<bool> {
        wait::one(self, deadline)
    }
}

/// Signalled while there is somebody to accept.
impl AsHandle for Instances {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.shared.filled.as_handle()
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        object::set(&self.shared.changed);
        if let Some(thread) = self.thread.take() {
            // It ends at once, and doesn't panic.
            let _ = thread.join();
        }
    }
}

const LISTEN: &str = "listen on";

/// As many instances wait for clients, so that as many can come at once.
const WAITING: usize = 32;
const _: () = assert!(WAITING + 1 < wait::MOST);

/// As many may have connected and wait to be accepted.
const BACKLOG: usize = 4096;

/// As many of them are listened to. Each may have sent a record, and as many handles as one names.
const LISTENED_TO: usize = 256;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn serve(&self) {
        if let Err(error) = self.fill_queue() {
            let mut queue = self.lock();
            queue.failure = Some(error);
            self.show(&queue);
        }
    }

    fn fill_queue(&self) -> io::Result<()> {
        loop {
            // Before the look, so that what changes after it isn't missed.
            object::reset(&self.changed);
            let (instances, silent): (Vec<_>, Vec<_>) = {
                let mut queue = self.lock();
                self.enter_all(&mut queue);
                if queue.is_closed {
                    queue.waiting.clear();
                    return Ok(());
                }
                self.replenish(&mut queue)?;
                queue.waiting.iter_mut().try_for_each(Waiting::start)?;
                let silent = self.hear(&mut queue);
                (queue.waiting.iter().map(|instance| Arc::clone(&instance.event)).collect(), silent)
            };
            let events = instances.iter().map(|event| event.as_handle());
            let all: Vec<_> = [self.changed.as_handle()].into_iter().chain(events).collect();
            let silent: Vec<_> = silent.iter().map(|pipe| pipe.as_handle()).collect();
            overlapped::readable(&silent, &all, Deadline::NEVER)?;
        }
    }

    /// Whether what clients say is taken before they are accepted.
    fn listens(&self) -> bool {
        self.used == Use::Rendezvous
    }

    /// Takes what those said that are listened to; the pipes of those that haven't said anything.
    fn hear(&self, queue: &mut Queue) -> Vec<Arc<MessagePipe>> {
        let count = if self.listens() { LISTENED_TO } else { 0 };
        let first = queue.clients.iter_mut().take(count);
        let silent = first.filter_map(|client| {
            client.hear();
            (!client.is_heard()).then(|| Arc::clone(&client.pipe))
        });
        silent.collect()
    }

    /// Has as many wait as are to.
    fn replenish(&self, queue: &mut Queue) -> io::Result<()> {
        let room = BACKLOG.saturating_sub(queue.clients.len());
        while queue.waiting.len() < WAITING.min(room) {
            let security = access(self.open).map_err(io::Error::from)?;
            let another = MessagePipe::instance(self.used, self.id, false, &security);
            match another.and_then(Waiting::new) {
                Ok(another) => queue.waiting.push_back(another),
                // There is no room for another now, and those that wait go on.
                Err(_) if !queue.waiting.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Puts into the queue who has connected to those that have waited longest.
    fn enter_first(&self, queue: &mut Queue) {
        while queue.waiting.front().is_some_and(Waiting::has_client) {
            if let Some(instance) = queue.waiting.pop_front() {
                self.enter(queue, instance);
            }
        }
    }

    /// Puts into the queue whoever has connected, to whichever.
    fn enter_all(&self, queue: &mut Queue) {
        self.enter_first(queue);
        while let Some(index) = queue.waiting.iter().position(Waiting::is_told) {
            if let Some(instance) = queue.waiting.remove(index) {
                self.enter(queue, instance);
            }
        }
        self.show(queue);
    }

    fn enter(&self, queue: &mut Queue, instance: Waiting) {
        if let Some(pipe) = instance.finish() {
            queue.clients.push_back(Client::new(pipe, self.open));
        }
    }

    /// Sets the event as it is to be.
    fn show(&self, queue: &Queue) {
        match queue.clients.is_empty() && queue.failure.is_none() {
            true => object::reset(&self.filled),
            false => object::set(&self.filled),
        }
    }
}

/// An instance that waits for a client.
#[derive(Debug)]
struct Waiting {
    pipe: Option<MessagePipe>,
    /// Set when one has connected, a little later.
    event: Arc<OwnedHandle>,
    overlapped: NonNull<OVERLAPPED>,
    /// Whether the system has been asked to tell.
    is_started: bool,
}

// SAFETY: the memory belongs to this value alone; the system doesn't care which thread asks.
unsafe impl Send for Waiting {}

impl Waiting {
    /// Clients can connect to it from now on.
    fn new(pipe: MessagePipe) -> io::Result<Self> {
        let event = Arc::new(object::event()?);
        let overlapped = NonNull::from(Box::leak(Box::default()));
        Ok(Self { pipe: Some(pipe), event, overlapped, is_started: false })
    }

    /// Has the system tell when somebody has connected, as long as this thread runs.
    fn start(&mut self) -> io::Result<()> {
        let Some(pipe) = self.pipe.as_ref().filter(|_| !self.is_started) else { return Ok(()) };
        let (handle, place) = (pipe.as_handle().as_raw_handle(), self.overlapped.as_ptr());
        let event = self.event.as_raw_handle();
        // SAFETY: the handle is open; the memory is this value's, nothing is under way that would touch it, and it
        // stays until the operation has ended, as dropping this sees to.
        let done = unsafe {
            place.write(OVERLAPPED { hEvent: event, ..OVERLAPPED::default() });
            ConnectNamedPipe(handle, place)
        };
        // SAFETY: it has no preconditions.
        match if done == 0 { unsafe { GetLastError() } } else { ERROR_PIPE_CONNECTED } {
            ERROR_IO_PENDING => self.is_started = true,
            // Somebody has been faster, and may have gone.
            ERROR_PIPE_CONNECTED | ERROR_NO_DATA => object::set(&self.event),
            code => return Err(io::Error::from_raw_os_error(code as i32)),
        }
        Ok(())
    }

    /// Whether somebody has connected, also where the system hasn't told yet.
    fn has_client(&self) -> bool {
        self.pipe.as_ref().is_some_and(|pipe| !peer_end::is_listening(pipe))
    }

    /// Whether the system has told.
    fn is_told(&self) -> bool {
        wait::one(&*self.event, Deadline::now()).unwrap_or(false)
    }

    /// The pipe, after somebody has connected.
    fn finish(mut self) -> Option<MessagePipe> {
        self.end();
        self.pipe.take()
    }

    /// Ends the operation, if the system still works on it.
    fn end(&mut self) {
        let Some(pipe) = self.pipe.as_ref().filter(|_| self.is_started) else { return };
        let handle = pipe.as_handle().as_raw_handle();
        let (place, mut bytes) = (self.overlapped.as_ptr(), 0);
        // SAFETY: the operation was started on this open handle with this structure. It is cancelled, or left alone
        // where it has ended; then its end is waited for, which comes at once.
        unsafe {
            CancelIoEx(handle, place);
            GetOverlappedResult(handle, place, &raw mut bytes, 1);
        }
        self.is_started = false;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
        // SAFETY: it was leaked out of a box, for this value alone; the operation has ended.
        drop(unsafe { Box::from_raw(self.overlapped.as_ptr()) });
    }
}
