//! What a signal does: by default, by being ignored, or by a handler; and doing it in another's place.
#![expect(unsafe_code, reason = "sets what signals do, and calls their handlers")]

use super::{handler, number};
use libc::{c_int, c_void, siginfo_t};
use rustix::io::{Errno, Result};
use std::{
    mem,
    ptr::null_mut,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

/// The signals whose handler from before ours has called: a set of bits.
static SPENT: AtomicU32 = AtomicU32::new(0);

/// What a signal does.
#[derive(Clone, Copy)]
pub(super) struct Action(libc::sigaction);

impl Action {
    /// What it does by default.
    pub(super) fn default_one() -> Self {
        Self::plain(libc::SIG_DFL)
    }

    /// Nothing.
    pub(super) fn ignored() -> Self {
        Self::plain(libc::SIG_IGN)
    }

    /// The handler of strait, with what belongs to the action that it takes the place of.
    pub(super) fn ours(signal: c_int, before: &Self) -> Self {
        let mut action = Self::plain(our_handler());
        // A handler finds its stack and its calls as it wanted them: it is called by ours. Std's threads
        // have a stack for handlers, and programs that don't know of us aren't to be interrupted.
        let inherited = libc::SA_ONSTACK | libc::SA_RESTART | libc::SA_NOCLDSTOP;
        action.0.sa_flags = libc::SA_SIGINFO
            | match before.is_handler() {
                true => before.0.sa_flags & inherited,
                false => libc::SA_ONSTACK | libc::SA_RESTART,
            };
        // Children that nobody wanted to hear of vanish by themselves, and go on to.
        let vanish = before.is_ignored() || before.0.sa_flags & libc::SA_NOCLDWAIT != 0;
        if signal == libc::SIGCHLD && vanish {
            action.0.sa_flags |= libc::SA_NOCLDWAIT;
        }
        // One handler at a time in a thread, as its stack may have room for one only. Not faults: these
        // would end the process.
        // SAFETY: the set is valid, and the signals exist.
        unsafe {
            libc::sigfillset(&raw mut action.0.sa_mask);
            for fault in FAULTS {
                libc::sigdelset(&raw mut action.0.sa_mask, fault);
            }
        }
        action
    }

    /// What the signal does now.
    pub(super) fn current(signal: c_int) -> Result<Self> {
        let mut current = Self::default_one();
        // SAFETY: only writes the place, which is valid.
        match unsafe { libc::sigaction(signal, null_mut(), &raw mut current.0) } {
            0 => Ok(current),
            _ => Err(last_error()),
        }
    }

    /// Has the signal do this from now on; returns what it did before.
    pub(super) fn install(&self, signal: c_int) -> Result<Self> {
        let mut before = Self::default_one();
        // SAFETY: both places are valid. A handler is one that was there before, or ours, which does
        // only what is permitted in one.
        match unsafe { libc::sigaction(signal, &raw const self.0, &raw mut before.0) } {
            0 => Ok(before),
            _ => Err(last_error()),
        }
    }

    fn is_default(&self) -> bool {
        self.0.sa_sigaction == libc::SIG_DFL
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.0.sa_sigaction == libc::SIG_IGN
    }

    pub(super) fn is_ours(&self) -> bool {
        self.0.sa_sigaction == our_handler()
    }

    pub(super) fn is_handler(&self) -> bool {
        !self.is_default() && !self.is_ignored()
    }

    /// Does it, in a handler that got these arguments. Where the signal was received by somebody, only
    /// another handler is called. What it does by default isn't done where another library's handler was
    /// installed over ours: that one handles the signal, and has called ours in passing.
    pub(super) fn stand_in(
        &self,
        signal: c_int,
        info: *mut siginfo_t,
        context: *mut c_void,
        received: bool,
    ) {
        type Detailed = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
        type Plain = extern "C" fn(c_int);
        let handler = self.0.sa_sigaction;
        if self.is_default() || self.is_spent(signal) {
            if !received && !HARMLESS.contains(&signal) && !is_handled_by_another(signal) {
                do_default(signal);
            }
        } else if self.is_handler() && !self.is_ours() {
            SPENT.fetch_or(number::bit(signal), SeqCst);
            if self.0.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: the kernel would have called it with these arguments.
                unsafe { mem::transmute::<usize, Detailed>(handler)(signal, info, context) }
            } else {
                // SAFETY: as above, without SA_SIGINFO.
                unsafe { mem::transmute::<usize, Plain>(handler)(signal) }
            }
        }
    }

    /// What there is to install in place of our handler: the default, where the handler was to be called once
    /// and was.
    pub(super) fn left(self, signal: c_int) -> Self {
        if self.is_spent(signal) { Self::default_one() } else { self }
    }

    /// To be called when it is found anew, not yet called by ours.
    pub(super) fn begin(signal: c_int) {
        SPENT.fetch_and(!number::bit(signal), SeqCst);
    }

    fn is_spent(&self, signal: c_int) -> bool {
        self.is_handler()
            && self.0.sa_flags & libc::SA_RESETHAND != 0
            && SPENT.load(SeqCst) & number::bit(signal) != 0
    }

    /// Does it in this process, where the signal came and nobody has received it after all. Another handler
    /// was called when it came.
    pub(super) fn make_up_for(&self, signal: c_int) {
        if self.is_default() && !HARMLESS.contains(&signal) {
            // SAFETY: a plain call. To the process, as this thread may have blocked it.
            unsafe { libc::kill(libc::getpid(), signal) };
        }
    }

    fn plain(handler: usize) -> Self {
        // SAFETY: a `sigaction` of zeros is valid: no flags, an empty mask, the default action.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = handler;
        Self(action)
    }
}

fn our_handler() -> usize {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handler::handle;
    handler as usize
}

/// What a thread raises by what it does.
const FAULTS: [c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];

/// What does nothing by default, or has done it already.
const HARMLESS: [c_int; 4] = [libc::SIGCHLD, libc::SIGCONT, libc::SIGWINCH, libc::SIGURG];

/// Whether the handler that is installed isn't ours. Where there is none, what was there before has just been
/// restored, and this signal came by ours before that.
fn is_handled_by_another(signal: c_int) -> bool {
    Action::current(signal).is_ok_and(|current| current.is_handler() && !current.is_ours())
}

/// Ends or stops this process as the signal does by default, so that whoever watches it sees that very
/// signal. It returns when the process goes on.
fn do_default(signal: c_int) {
    let Ok(handler) = Action::default_one().install(signal) else { return };
    let mut mask = Action::plain(0).0.sa_mask;
    // SAFETY: all of these are permitted in a handler, and the sets are valid. The signal is blocked here,
    // and so is pending until it isn't.
    unsafe {
        let mut this = mask;
        libc::sigaddset(&raw mut this, signal);
        libc::raise(signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const this, &raw mut mask);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, null_mut());
    }
    let _ = handler.install(signal);
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)
}
