//! The handler, and what it reads.
//!
//! It may interrupt anything: so it takes no lock, allocates nothing, waits for nothing, and leaves the
//! number of the last error as it was.
#![expect(unsafe_code, reason = "reads what the kernel says of a signal")]

use super::{
    action::Action,
    inbox::{self, Inlet, Record},
    number::NUMBERS,
    replaced::Replaced,
};
use crate::sys::{errno, signal as system};
use libc::{c_int, c_void, siginfo_t};
use rustix::process::{Pid, getpid};
use std::sync::Arc;

/// Who receives what, and what there was before.
pub(super) static TABLE: Replaced<Table> = Replaced::new();

/// What the handler has to know.
pub(super) struct Table {
    /// Whose it is: what a process receives that was made by `clone` behind the C library's back isn't its
    /// parent's. Forked children are known by [`Inlet`].
    pub(super) process: Pid,
    pub(super) inlets: Vec<Arc<Inlet>>,
    /// What each signal did before the handler was installed.
    pub(super) before: [Option<Action>; NUMBERS],
}

/// Tells all who receive this signal, and does what a handler did that was there before.
pub(super) extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    errno::kept(|| {
        // SAFETY: the kernel passes a valid `siginfo_t`, and so does a handler that calls another.
        let record = unsafe { record(signal, info) };
        let (before, received) = TABLE.read(|table| match table {
            Some(table) => (table.before(signal), table.tell(signal, &record)),
            None => (None, false),
        });
        // Not while the table is read: it need not return.
        if let Some(before) = before {
            before.stand_in(signal, info, context, received);
        }
    });
}

impl Table {
    fn before(&self, signal: c_int) -> Option<Action> {
        self.before.get(usize::try_from(signal).ok()?).copied().flatten()
    }

    /// Tells those who receive the signal; whether there are any.
    fn tell(&self, signal: c_int, record: &Record) -> bool {
        let mut received = false;
        if self.process == getpid() {
            // Before anybody is told, as each of them may be the one that sees it.
            inbox::has_come(signal);
            for inlet in &self.inlets {
                received |= inlet.tell(signal, record);
            }
        }
        received
    }
}

/// What there is to say of a signal.
///
/// # Safety
///
/// `info` has to be what the kernel passes to a handler.
unsafe fn record(signal: c_int, info: *mut siginfo_t) -> Record {
    // SAFETY: passed on to the caller.
    let code = unsafe { (*info).si_code };
    if system::has_sender(code) || (signal == libc::SIGCHLD && code > 0) {
        // SAFETY: with these codes the kernel says which process it was, and whose.
        let (pid, user) = unsafe { ((*info).si_pid(), (*info).si_uid()) };
        Record::new(signal, u32::try_from(pid).unwrap_or(0), user)
    } else {
        Record::new(signal, 0, 0)
    }
}
