//! The system's numbers of signals.

use libc::c_int;
use strait_core::{Error, ErrorKind, Result, Signal};

/// One more than the largest number here.
pub(super) const NUMBERS: usize = 32;

/// The system's number of a signal: from 1 to 31 on every system.
pub(super) fn number(signal: Signal) -> Option<c_int> {
    Some(match signal {
        Signal::HangUp => libc::SIGHUP,
        Signal::Interrupt => libc::SIGINT,
        Signal::Quit => libc::SIGQUIT,
        Signal::Abort => libc::SIGABRT,
        Signal::Kill => libc::SIGKILL,
        Signal::User1 => libc::SIGUSR1,
        Signal::User2 => libc::SIGUSR2,
        Signal::Pipe => libc::SIGPIPE,
        Signal::Alarm => libc::SIGALRM,
        Signal::Terminate => libc::SIGTERM,
        Signal::Child => libc::SIGCHLD,
        Signal::Continue => libc::SIGCONT,
        Signal::Stop => libc::SIGSTOP,
        Signal::TerminalStop => libc::SIGTSTP,
        Signal::TerminalInput => libc::SIGTTIN,
        Signal::TerminalOutput => libc::SIGTTOU,
        Signal::WindowChange => libc::SIGWINCH,
        _ => return None,
    })
}

/// The number, where there is one.
pub(super) fn known(signal: Signal, operation: &'static str) -> Result<c_int> {
    number(signal).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, operation, "this system doesn't have it").on(signal)
    })
}

/// The number, where this process may decide what the signal does.
pub(super) fn free(signal: Signal, operation: &'static str) -> Result<c_int> {
    let refused = |why: &str| Err(Error::new(ErrorKind::InvalidInput, operation, why).on(signal));
    match signal {
        Signal::Kill | Signal::Stop => refused("the system lets no process handle it"),
        Signal::Abort => refused("it is how a process that is broken ends"),
        _ => known(signal, operation),
    }
}

/// The signal that has this number.
pub(super) fn signal(wanted: c_int) -> Option<Signal> {
    Signal::ALL.into_iter().find(|&signal| number(signal) == Some(wanted))
}

/// The bit that stands for a number in a set; none for what is no number.
pub(super) const fn bit(number: c_int) -> u32 {
    match number {
        1..32 => 1 << number,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_a_number_and_a_bit_of_its_own() {
        let mut bits = 0;
        for which in Signal::ALL {
            let number = number(which).unwrap();
            assert_eq!(signal(number), Some(which));
            assert!((number as usize) < NUMBERS);
            assert_eq!(bits & bit(number), 0, "{which}");
            bits |= bit(number);
        }
        assert_eq!([0, -1, 32, 64].map(bit), [0; 4]);
    }
}
