//! A pipe that listens: instances that wait for clients, and clients that wait to be accepted.
//!
//! A client connects to an instance that waits for one, so that nobody has to accept it for that. A thread sees to
//! it that there are always some: it has the system tell it who connects, puts that one into the queue, and makes
//! another instance, until very many are in the queue.
#![expect(unsafe_code, reason = "calls the system")]

use crate::{
    credentials,
    message_pipe::{MessagePipe, access},
    object, wait,
};
use std::{
    collections::VecDeque,
    io,
    os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};
use strait_core::{Credentials, Deadline, Error, Result};
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

/// Somebody who has connected.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) pipe: MessagePipe,
    /// Who it is, where the system tells.
    pub(crate) peer: Option<Credentials>,
}

#[derive(Debug)]
struct Shared {
    name: String,
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
    clients: VecDeque<Client>,
    /// Why no more come.
    failure: Option<io::Error>,
    is_closed: bool,
}

impl Instances {
    /// Listens under the name of a pipe that nobody else knows yet.
    pub(crate) fn listen(name: String, open: bool) -> Result<Self> {
        let failed = |error| Error::os(LISTEN, error);
        let first = MessagePipe::instance(&name, true, &access(open)?).map_err(failed)?;
        let (filled, changed) =
            (object::event().map_err(failed)?, object::event().map_err(failed)?);
        let shared = Shared { name, open, queue: Mutex::default(), filled, changed };
        let shared = Arc::new(shared);
        let mut waiting = vec![Waiting::start(first).map_err(failed)?];
        while waiting.len() < WAITING {
            waiting.push(shared.another().map_err(failed)?);
        }
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("strait-listen".to_owned());
        let thread = thread.spawn(move || for_thread.serve(waiting)).map_err(failed)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The next of those who have connected, if there is one.
    pub(crate) fn accept(&self) -> io::Result<Option<Client>> {
        let mut queue = self.shared.lock();
        if queue.clients.len() + WAITING > BACKLOG {
            object::set(&self.shared.changed);
        }
        let next = queue.clients.pop_front();
        let Some(client) = next else {
            return match &queue.failure {
                None => Ok(None),
                Some(error) => Err(io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(0))),
            };
        };
        if queue.clients.is_empty() && queue.failure.is_none() {
            object::reset(&self.shared.filled);
        }
        Ok(Some(client))
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
const _: () = assert!(WAITING < wait::MOST);

/// As many may have connected and wait to be accepted.
const BACKLOG: usize = 4096;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn another(&self) -> io::Result<Waiting> {
        let security = access(self.open).map_err(io::Error::from)?;
        Waiting::start(MessagePipe::instance(&self.name, false, &security)?)
    }

    /// What the thread does.
    fn serve(&self, mut waiting: Vec<Waiting>) {
        if let Err(error) = self.fill_queue(&mut waiting) {
            self.lock().failure = Some(error);
            object::set(&self.filled);
        }
    }

    fn fill_queue(&self, waiting: &mut Vec<Waiting>) -> io::Result<()> {
        loop {
            // The one that has waited longest is the first to be taken by a client, and to be looked at.
            let instances = waiting.iter().map(|instance| instance.event.as_handle());
            let all: Vec<_> = [self.changed.as_handle()].into_iter().chain(instances).collect();
            match wait::any(&all, Deadline::NEVER)? {
                None | Some(0) => object::reset(&self.changed),
                Some(index) => {
                    if let Some(pipe) = waiting.remove(index - 1).finish() {
                        self.enter(pipe);
                    }
                }
            }
            let (room, is_closed) = {
                let queue = self.lock();
                (BACKLOG.saturating_sub(queue.clients.len()), queue.is_closed)
            };
            if is_closed {
                return Ok(());
            }
            while waiting.len() < WAITING.min(room) {
                match self.another() {
                    Ok(another) => waiting.push(another),
                    // There is no room for another now, and those that wait go on.
                    Err(_) if !waiting.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn enter(&self, pipe: MessagePipe) {
        // Asked at once, as it may end.
        let peer = credentials::of_client(&pipe, self.open).ok();
        let mut queue = self.lock();
        queue.clients.push_back(Client { pipe, peer });
        object::set(&self.filled);
    }
}

/// An instance that waits for a client.
struct Waiting {
    pipe: Option<MessagePipe>,
    event: OwnedHandle,
    overlapped: Box<OVERLAPPED>,
}

// SAFETY: the structure stays where it is, whichever thread has the box.
unsafe impl Send for Waiting {}

impl Waiting {
    fn start(pipe: MessagePipe) -> io::Result<Self> {
        let event = object::event()?;
        let mut overlapped =
            Box::new(OVERLAPPED { hEvent: event.as_raw_handle(), ..OVERLAPPED::default() });
        let handle = pipe.as_handle().as_raw_handle();
        // SAFETY: the handle is open, and the structure stays until the operation has ended, as dropping this sees to.
        let done = unsafe { ConnectNamedPipe(handle, &raw mut *overlapped) };
        // SAFETY: it has no preconditions.
        match if done == 0 { unsafe { GetLastError() } } else { ERROR_PIPE_CONNECTED } {
            ERROR_IO_PENDING => {}
            // Somebody has been faster, and may have gone.
            ERROR_PIPE_CONNECTED | ERROR_NO_DATA => object::set(&event),
            code => return Err(io::Error::from_raw_os_error(code as i32)),
        }
        Ok(Self { pipe: Some(pipe), event, overlapped })
    }
}

impl Waiting {
    /// The pipe, after somebody has connected.
    fn finish(mut self) -> Option<MessagePipe> {
        self.end();
        self.pipe.take()
    }

    /// Ends the operation, if the system still works on it.
    fn end(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        let handle = pipe.as_handle().as_raw_handle();
        let (place, mut bytes) = (&raw mut *self.overlapped, 0);
        // SAFETY: the handle is open; it cancels the operation with this structure, or does nothing where that has
        // ended or never was under way. Then it is waited for, which takes no time where there is none.
        unsafe {
            CancelIoEx(handle, place);
            GetOverlappedResult(handle, place, &raw mut bytes, 1);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}
