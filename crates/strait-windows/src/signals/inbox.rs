//! How an arrival comes to who receives it: through a queue and an event, which is set while anything is to be
//! looked at.
//!
//! A queue that nobody reads from doesn't grow without end: where it is long, a signal that lies in it
//! already isn't put in once more. So of each signal that has come at least one arrival is received afterwards.
//!
//! What nobody has received when the last subscription goes is made up for: `UNSEEN` has the signals that have come
//! since anybody received one of the kind.

use super::{bell, number::bit};
use crate::{object, wait};
use std::{
    collections::VecDeque,
    io,
    os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};
use strait_core::{Arrival, Deadline, Error, ErrorKind, Result};

pub(super) const RECEIVE: &str = "receive a signal";

/// As many arrivals lie in a queue before a signal isn't put in twice.
const LONG: usize = 4096;

/// The signals that have come since anybody received one of the kind: a set of bits.
static UNSEEN: AtomicU32 = AtomicU32::new(0);

/// To be called before anybody is told of the signal, as each of them may be the one that sees it.
pub(super) fn has_come(arrival: Arrival) {
    UNSEEN.fetch_or(bit(arrival.signal), SeqCst);
}

/// Where arrivals wait for one subscription.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    /// Set while there is an arrival, and from the end on.
    event: OwnedHandle,
    /// Whether an arrival is done with when the next one is asked for, and not only when this is dropped.
    is_handler: bool,
}

#[derive(Debug, Default)]
struct Queue {
    arrivals: VecDeque<Arrival>,
    is_closed: bool,
    is_gone: bool,
    /// Set when what has come is done with.
    done: Option<Arc<OwnedHandle>>,
}

impl Inbox {
    pub(super) fn new(is_handler: bool) -> Result<Self> {
        let failed = |error| Error::os("make an event for signals", error);
        let event = object::event().map_err(failed)?;
        Ok(Self { queue: Mutex::default(), event, is_handler })
    }

    pub(super) fn tell(&self, arrival: Arrival) {
        self.push(&mut self.lock(), arrival);
    }

    /// Tells of something that this process won't survive. What is returned is set when who receives it is
    /// done with it; `None` where nobody will be.
    pub(super) fn tell_of_the_end(&self, arrival: Arrival) -> io::Result<Option<Arc<OwnedHandle>>> {
        let mut queue = self.lock();
        self.push(&mut queue, arrival);
        if queue.is_gone {
            return Ok(None);
        }
        if queue.done.is_none() {
            queue.done = Some(Arc::new(object::event()?));
        }
        Ok(queue.done.clone())
    }

    /// Waits for the next arrival. `look` is called before each look into the queue, so that what has come to
    /// this process lies there.
    pub(super) fn receive(&self, deadline: Deadline<'_>, look: impl Fn()) -> Result<Arrival> {
        loop {
            look();
            if let Some(arrival) = self.next()? {
                UNSEEN.fetch_and(!bit(arrival.signal), SeqCst);
                return Ok(arrival);
            }
            match wait::one(&self.event, deadline) {
                Ok(true) => {}
                Ok(false) => return Err(deadline.error(RECEIVE)),
                Err(error) => return Err(Error::os(RECEIVE, error)),
            }
        }
    }

    /// Has no more come in.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        object::set(&self.event);
    }

    /// To be called by the subscription when it is dropped: the signals that nobody has received.
    pub(super) fn leave(&self) -> u32 {
        let mut queue = self.lock();
        queue.is_gone = true;
        queue.finish();
        let left = queue.arrivals.drain(..).fold(0, |set, arrival| set | bit(arrival.signal));
        left & UNSEEN.load(SeqCst)
    }

    fn push(&self, queue: &mut Queue, arrival: Arrival) {
        let is_there = || queue.arrivals.iter().any(|other| other.signal == arrival.signal);
        if queue.arrivals.len() < LONG || !is_there() {
            queue.arrivals.push_back(arrival);
            object::set(&self.event);
        }
    }

    fn next(&self) -> Result<Option<Arrival>> {
        let mut queue = self.lock();
        let next = queue.arrivals.pop_front();
        if next.is_none() {
            if self.is_handler {
                queue.finish();
            }
            if queue.is_closed {
                let why = "the subscription was closed";
                return Err(Error::new(ErrorKind::Disconnected, RECEIVE, why));
            }
        }
        if queue.arrivals.is_empty() && !queue.is_closed {
            bell::reset(&self.event);
        }
        Ok(next)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn finish(&mut self) {
        if let Some(done) = self.done.take() {
            object::set(&*done);
        }
    }
}

impl AsHandle for Inbox {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strait_core::{Sender, Signal};

    fn receive(inbox: &Inbox) -> Result<Arrival> {
        inbox.receive(Deadline::now(), || {})
    }

    fn is_set(event: impl AsHandle) -> bool {
        wait::one(event, Deadline::now()).unwrap()
    }

    #[test]
    fn a_full_queue_still_tells_of_each_signal_that_has_come() {
        let inbox = Inbox::new(false).unwrap();
        let arrival = Arrival::new(Signal::User1, Some(Sender::new(7, 8)));
        for _ in 0..2 * LONG {
            inbox.tell(arrival);
        }
        inbox.tell(Arrival::new(Signal::HangUp, None));
        for _ in 0..LONG {
            assert_eq!(receive(&inbox).unwrap(), arrival);
        }
        assert_eq!(receive(&inbox).unwrap(), Arrival::new(Signal::HangUp, None));
        assert_eq!(receive(&inbox).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn the_handle_is_signalled_while_there_is_something_to_receive() {
        let inbox = Inbox::new(false).unwrap();
        assert!(!is_set(&inbox));
        for _ in 0..2 {
            inbox.tell(Arrival::new(Signal::Alarm, None));
        }
        for _ in 0..2 {
            assert!(is_set(&inbox));
            receive(&inbox).unwrap();
        }
        assert!(!is_set(&inbox));
        inbox.close();
        assert!(is_set(&inbox));
        assert_eq!(receive(&inbox).unwrap_err().kind(), ErrorKind::Disconnected);
        assert!(is_set(&inbox));
    }

    #[test]
    fn a_subscriber_is_done_with_the_end_when_it_is_dropped() {
        let inbox = Inbox::new(false).unwrap();
        let done = inbox.tell_of_the_end(Arrival::new(Signal::HangUp, None)).unwrap().unwrap();
        receive(&inbox).unwrap();
        receive(&inbox).unwrap_err();
        inbox.close();
        assert!(!is_set(&*done));
        inbox.leave();
        assert!(is_set(&*done));
        assert!(inbox.tell_of_the_end(Arrival::new(Signal::HangUp, None)).unwrap().is_none());
    }

    #[test]
    fn a_handler_is_done_with_the_end_when_it_waits_for_the_next_signal() {
        let inbox = Inbox::new(true).unwrap();
        let done = inbox.tell_of_the_end(Arrival::new(Signal::HangUp, None)).unwrap().unwrap();
        receive(&inbox).unwrap();
        assert!(!is_set(&*done));
        receive(&inbox).unwrap_err();
        assert!(is_set(&*done));
    }
}
