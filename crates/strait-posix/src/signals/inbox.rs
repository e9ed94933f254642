//! How an arrival comes from the handler to who receives it: through a pipe of its own for each.
//!
//! 1. The handler writes a record, which the kernel takes whole or not at all. The pipe doesn't block, and
//!    holds some thousands.
//! 2. Where it is full, the handler first sets the signal's bit in `missed`, and then writes a record that says
//!    nothing but to look.
//! 3. Who receives looks at `missed` before each record that it reads. So a bit is seen: either the record
//!    of rule 2 lies behind it, or the pipe was full after it was set, and is read from many times more.
//!
//! So of each signal that has come at least one arrival is received afterwards, and as many as have come
//! unless the pipe was full. The kernel too delivers those only once that come before a thread gets at them.
//!
//! What nobody has received when the last pipe goes is made up for: `UNSEEN` has the signals that have come since
//! anybody received one of the kind. What lies in a pipe without that was received by another, or is an
//! arrival that came before one that was.

use super::number;
use crate::{fork::Own, poll, sys::pipe};
use libc::c_int;
use rustix::io::{Errno, read, write};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};
use strait_core::{Arrival, Deadline, Error, ErrorKind, Result, Sender};

/// A pipe for the signals whose bits are in the set `signals`.
pub(super) fn make(signals: u32) -> Result<(Inlet, Outlet)> {
    let (outlet, inlet) =
        pipe::pipe().map_err(|errno| Error::os("make a pipe for signals", errno))?;
    let missed = Arc::new(AtomicU32::new(0));
    let inlet = Inlet { signals, missed: Arc::clone(&missed), pipe: Own::new(inlet) };
    Ok((inlet, Outlet { missed, pipe: outlet }))
}

/// Where the handler writes to.
pub(super) struct Inlet {
    signals: u32,
    missed: Arc<AtomicU32>,
    pipe: Own,
}

impl Inlet {
    /// Tells of a signal, if it is one of those; and whether it is. In a forked child none is: what
    /// arrives there isn't the parent's.
    pub(super) fn tell(&self, signal: c_int, record: &Record) -> bool {
        if !self.wants(signal) {
            return false;
        }
        let Some(pipe) = self.pipe.get() else { return false };
        if write(pipe, &record.0).is_err() {
            self.miss(signal, pipe);
        }
        true
    }

    /// What is done where the pipe is full: rule 2.
    fn miss(&self, signal: c_int, pipe: &OwnedFd) {
        self.missed.fetch_or(number::bit(signal), SeqCst);
        let _ = write(pipe, &Record::new(0, 0, 0).0);
    }

    pub(super) fn wants(&self, signal: c_int) -> bool {
        self.signals & number::bit(signal) != 0
    }
}

/// Where arrivals are read from. The end comes when the inlet is dropped.
#[derive(Debug)]
pub(super) struct Outlet {
    missed: Arc<AtomicU32>,
    pipe: OwnedFd,
}

impl Outlet {
    /// Waits for the next arrival.
    pub(super) fn receive(&self, deadline: Deadline<'_>) -> Result<Arrival> {
        let arrival = self.next(deadline)?;
        let bit = number::number(arrival.signal).map_or(0, number::bit);
        UNSEEN.fetch_and(!bit, SeqCst);
        Ok(arrival)
    }

    /// Takes out all that there is; the signals among it that nobody has received.
    pub(super) fn drain(&self) -> u32 {
        let mut signals = self.missed.swap(0, SeqCst);
        let mut record = Record::new(0, 0, 0);
        loop {
            match read(&self.pipe, &mut record.0[..]) {
                Err(Errno::INTR) => {}
                Ok(1..) => signals |= number::bit(record.signal()),
                Ok(0) | Err(_) => return signals & UNSEEN.load(SeqCst),
            }
        }
    }

    fn next(&self, deadline: Deadline<'_>) -> Result<Arrival> {
        let failed = |errno| Error::os(RECEIVE, errno);
        loop {
            if let Some(signal) = self.take_missed() {
                return Ok(Arrival::new(signal, None));
            }
            let mut record = Record::new(0, 0, 0);
            match read(&self.pipe, &mut record.0[..]) {
                Ok(0) => {
                    let why = "the subscription was closed";
                    return Err(Error::new(ErrorKind::Disconnected, RECEIVE, why));
                }
                // A record that says to look is none.
                Ok(_) => {
                    if let Some(arrival) = record.arrival() {
                        return Ok(arrival);
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !poll::readable(&self.pipe, deadline).map_err(failed)? {
                        return Err(deadline.error(RECEIVE));
                    }
                }
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    fn take_missed(&self) -> Option<strait_core::Signal> {
        let missed = self.missed.load(SeqCst);
        if missed == 0 {
            return None;
        }
        let first = missed & missed.wrapping_neg();
        // Another thread may have taken it meanwhile; then the next look finds the rest.
        let taken = self.missed.fetch_and(!first, SeqCst) & first != 0;
        number::signal(first.trailing_zeros() as c_int).filter(|_| taken)
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// The signals that have come since anybody received one of the kind: a set of bits.
static UNSEEN: AtomicU32 = AtomicU32::new(0);

/// To be called by the handler, before it tells anybody.
pub(super) fn has_come(signal: c_int) {
    UNSEEN.fetch_or(number::bit(signal), SeqCst);
}

pub(super) const RECEIVE: &str = "receive a signal";

/// What the handler writes: the signal, and the number and the user of the sender, which is 0 where it isn't
/// known.
pub(super) struct Record([u8; 12]);

impl Record {
    pub(super) fn new(signal: c_int, pid: u32, user: u32) -> Self {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&signal.to_ne_bytes());
        bytes[4..8].copy_from_slice(&pid.to_ne_bytes());
        bytes[8..].copy_from_slice(&user.to_ne_bytes());
        Self(bytes)
    }

    fn arrival(&self) -> Option<Arrival> {
        let (pid, user) = (u32::from_ne_bytes(self.word(4)), u32::from_ne_bytes(self.word(8)));
        let signal = number::signal(self.signal())?;
        Some(Arrival::new(signal, (pid != 0).then(|| Sender::new(pid, user))))
    }

    fn signal(&self) -> c_int {
        c_int::from_ne_bytes(self.word(0))
    }

    fn word(&self, at: usize) -> [u8; 4] {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use strait_core::Signal;

    const ALL: u32 = u32::MAX;

    #[test]
    fn a_full_pipe_still_tells_of_each_signal_that_has_come() {
        let (inlet, outlet) = make(ALL).unwrap();
        let mut come = 0;
        while outlet.missed.load(SeqCst) == 0 {
            assert!(inlet.tell(libc::SIGUSR1, &Record::new(libc::SIGUSR1, 7, 8)));
            come += 1;
        }
        assert!(inlet.tell(libc::SIGHUP, &Record::new(libc::SIGHUP, 0, 0)));
        let receive = || outlet.receive(Deadline::now()).ok();
        assert_eq!(receive(), Some(Arrival::new(Signal::HangUp, None)));
        assert_eq!(receive(), Some(Arrival::new(Signal::User1, None)));
        for _ in 1..come {
            assert_eq!(receive(), Some(Arrival::new(Signal::User1, Some(Sender::new(7, 8)))));
        }
        assert_eq!(receive(), None);
    }

    #[test]
    fn what_was_missed_wakes_who_waits() {
        let (inlet, outlet) = make(ALL).unwrap();
        // As if the pipe had been full and was emptied in between.
        inlet.miss(libc::SIGTERM, inlet.pipe.get().unwrap());
        assert!(poll::readable(&outlet, Deadline::now()).unwrap());
        let arrival = outlet.receive(Deadline::after(Duration::from_secs(5))).unwrap();
        assert_eq!(arrival, Arrival::new(Signal::Terminate, None));
    }

    #[test]
    fn only_what_is_wanted_is_told() {
        let (inlet, outlet) = make(number::bit(libc::SIGHUP)).unwrap();
        assert!(!inlet.tell(libc::SIGUSR1, &Record::new(libc::SIGUSR1, 0, 0)));
        assert_eq!(outlet.receive(Deadline::now()).unwrap_err().kind(), ErrorKind::TimedOut);
        drop(inlet);
        assert_eq!(outlet.receive(Deadline::now()).unwrap_err().kind(), ErrorKind::Disconnected);
    }
}
