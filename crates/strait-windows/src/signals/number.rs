//! The numbers of signals, which Windows doesn't have: they are those of Linux.

use strait_core::{Error, ErrorKind, Result, Signal};

/// One more than the largest number here.
pub(super) const NUMBERS: usize = 32;

/// The number of a signal, where strait has it on this system: from 1 to 31.
pub(super) const fn number(signal: Signal) -> Option<u32> {
    Some(match signal {
        Signal::HangUp => 1,
        Signal::Interrupt => 2,
        Signal::Quit => 3,
        Signal::Abort => 6,
        Signal::Kill => 9,
        Signal::User1 => 10,
        Signal::User2 => 12,
        Signal::Pipe => 13,
        Signal::Alarm => 14,
        Signal::Terminate => 15,
        Signal::WindowChange => 28,
        _ => return None,
    })
}

/// The number, where there is one.
pub(super) fn known(signal: Signal, operation: &'static str) -> Result<u32> {
    number(signal).ok_or_else(|| {
        let why = match signal {
            Signal::Child => "Windows tells no process what its children do",
            _ => "Windows has no call that stops and continues a process",
        };
        Error::new(ErrorKind::Unsupported, operation, why).on(signal)
    })
}

/// The bit of a signal, where this process may decide what it does.
pub(super) fn free(signal: Signal, operation: &'static str) -> Result<u32> {
    let refused = |why: &str| Err(Error::new(ErrorKind::InvalidInput, operation, why).on(signal));
    match signal {
        Signal::Kill | Signal::Stop => refused("the system lets no process handle it"),
        Signal::Abort => refused("it is how a process that is broken ends"),
        _ => known(signal, operation).map(|number| 1 << number),
    }
}

/// The bit that stands for a signal in a set; none for what this system doesn't have.
pub(super) const fn bit(signal: Signal) -> u32 {
    match number(signal) {
        Some(number) => 1 << number,
        None => 0,
    }
}

/// The signals in a set, by their numbers.
pub(super) fn each(signals: u32) -> impl Iterator<Item = Signal> {
    Signal::ALL.into_iter().filter(move |&signal| signals & bit(signal) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_a_number_and_a_bit_of_its_own() {
        let mut bits = 0;
        for signal in Signal::ALL {
            let Some(number) = number(signal) else { continue };
            assert!((number as usize) < NUMBERS);
            assert_eq!(bits & bit(signal), 0, "{signal}");
            bits |= bit(signal);
        }
        assert_eq!(each(bits).count(), 11);
    }

    #[test]
    fn what_this_system_lacks_is_refused_with_the_reason() {
        let refused = |signal| free(signal, "receive signals").unwrap_err();
        for signal in [Signal::Child, Signal::Continue, Signal::TerminalStop] {
            assert_eq!(refused(signal).kind(), ErrorKind::Unsupported, "{signal}");
        }
        for signal in [Signal::Kill, Signal::Stop, Signal::Abort] {
            assert_eq!(refused(signal).kind(), ErrorKind::InvalidInput, "{signal}");
        }
    }
}
