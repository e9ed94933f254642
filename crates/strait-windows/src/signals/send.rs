//! Sending a signal, and doing what it does where nobody receives it.

use super::{
    action,
    mailbox::{self, Mailbox, State},
    number::{self, bit},
    session,
};
use crate::process::Process;
use std::sync::{Arc, Mutex, PoisonError};
use strait_core::{Error, ErrorKind, ProcessIdentity, Result, Signal};
use windows_sys::Win32::System::Threading::PROCESS_TERMINATE;

const SEND: &str = "send a signal to the process";

pub(super) fn send(process: &ProcessIdentity, signal: Signal) -> Result<()> {
    number::known(signal, SEND)?;
    let target = find(process)?;
    let does = match signal {
        // Nobody handles these.
        Signal::Kill | Signal::Abort => State::Default,
        _ => target.post(signal)?,
    };
    match action::exit_code(signal) {
        Some(code) if does == State::Default => target.end(signal, code),
        _ => Ok(()),
    }
}

/// A process that signals are sent to. As long as it is open, nobody else gets its number.
struct Target {
    process: Process,
    identity: ProcessIdentity,
    /// Where it has one, and isn't this process.
    mailbox: Option<Mailbox>,
}

/// The one with a mailbox that was last sent to, as who sends to one process often does so again.
static LAST: Mutex<Option<Arc<Target>>> = Mutex::new(None);

fn find(process: &ProcessIdentity) -> Result<Arc<Target>> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(target) = last.as_ref().filter(|target| target.is(process)) {
        if !target.process.has_ended() {
            return Ok(Arc::clone(target));
        }
        *last = None;
        return Err(ended(process));
    }
    drop(last);
    let open = open(process, 0)?;
    let identity = ProcessIdentity { start: open.start()?, ..*process };
    let mailbox = match process.pid == std::process::id() {
        true => None,
        false => Mailbox::of(&identity, SEND)?,
    };
    let found = Arc::new(Target { process: open, identity, mailbox });
    if found.mailbox.is_some() {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Arc::clone(&found));
    }
    Ok(found)
}

impl Target {
    fn is(&self, process: &ProcessIdentity) -> bool {
        let starts_then = process.start == 0 || process.start == self.identity.start;
        process.pid == self.identity.pid && starts_then
    }

    /// Tells the process, if it receives the signal; what the signal does.
    fn post(&self, signal: Signal) -> Result<State> {
        let this = std::process::id();
        let own = Mailbox::own().filter(|_| self.identity.pid == this);
        if let Some(mailbox) = self.mailbox.as_ref().or(own) {
            let does = mailbox.post(signal, this);
            return does.ok_or_else(|| mailbox::corrupt(SEND).on(self.identity.pid));
        }
        self.must_be_seen()?;
        Ok(match action::IGNORED_AT_FIRST & bit(signal) {
            0 => State::Default,
            _ => State::Ignored,
        })
    }

    /// That it has no mailbox isn't known of a process whose mailbox can't be seen from here.
    fn must_be_seen(&self) -> Result<()> {
        let pid = self.identity.pid;
        match session::is_own(pid) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let why = "it is in another session, where it can't be asked what it receives";
                let error = Error::new(ErrorKind::Unsupported, SEND, why).on(pid);
                Err(error.hint("only kill and abort reach it"))
            }
            Err(error) => Err(Error::os(SEND, error).on(pid)),
        }
    }

    fn end(&self, signal: Signal, code: u32) -> Result<()> {
        let pid = self.identity.pid;
        if pid == std::process::id() {
            action::end_this(signal);
        }
        action::end(&open(&self.identity, PROCESS_TERMINATE)?, code, SEND).map_err(|e| e.on(pid))
    }
}

fn open(process: &ProcessIdentity, more: u32) -> Result<Process> {
    Process::open_very(process, more, SEND)?.ok_or_else(|| ended(process))
}

fn ended(process: &ProcessIdentity) -> Error {
    Error::new(ErrorKind::NotFound, SEND, "it has ended").on(process.pid)
}
