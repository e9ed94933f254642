//! What the console and the system tell a process: control events.
//!
//! The system calls a handler of ours, on a thread of its own.
//!
//! | event | signal |
//! |---|---|
//! | Ctrl-C | `Interrupt` |
//! | Ctrl-Break | `Quit` |
//! | the console's window is closed | `HangUp` |
//! | the system is shut down, or the user logs off | `Terminate` |
//!
//! 1. Where nobody receives the signal, our handler says that it hasn't handled the event: the system calls
//!    those that were installed before it, and at last ends the process. Where somebody does, or the signal is
//!    ignored, no other is called.
//! 2. The system ends the process as soon as a handler returns from one of the last two rows, and in any case
//!    when its patience is over, which is about five seconds. So ours waits until all who were told are done.
//! 3. Services are told that a user logs off, whoever that is, and go on: for them it is no signal.
//! 4. The system keeps a lock while handlers run, which installing and removing one wait for. So ours is
//!    installed when it is first needed, and stays: removing it with the last subscription could wait for a
//!    handler that waits for just that. Nor is it installed by who has the registry locked.
#![expect(unsafe_code, reason = "installs a handler of control events")]

use super::{number, registry::Registry, session};
use crate::wait;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};
use strait_core::{Deadline, Signal};
use windows_sys::{
    Win32::System::Console::{
        CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT,
        GetConsoleProcessList, SetConsoleCtrlHandler,
    },
    core::BOOL,
};

/// Has our handler called from now on, if there are any control events among these signals: rule 4.
pub(super) fn install_for(wanted: u32) -> io::Result<()> {
    // Where two come at once it is installed twice, which does no harm: it is asked twice, and says the same.
    static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
    if wanted & signals() != 0 && !IS_INSTALLED.load(Ordering::SeqCst) {
        // SAFETY: the handler may be called at any time, on any thread.
        done(unsafe { SetConsoleCtrlHandler(Some(handle), 1) })?;
        IS_INSTALLED.store(true, Ordering::SeqCst);
    }
    Ok(())
}

/// Has Ctrl-C come to the handlers, also where this process was started so that it doesn't.
pub(super) fn switch_on() -> io::Result<()> {
    // SAFETY: without a handler it sets a flag of this process.
    done(unsafe { SetConsoleCtrlHandler(None, 0) })
}

/// The numbers of the processes that share the console of this one, which is among them; none where it has
/// no console.
pub(super) fn sharers() -> Vec<u32> {
    let mut all = vec![0; 64];
    loop {
        let room = all.len() as u32;
        // SAFETY: there is room for as many numbers as is said. Where there are more, it only says how many.
        let many = unsafe { GetConsoleProcessList(all.as_mut_ptr(), room) } as usize;
        let fits = many <= all.len();
        all.resize(many, 0);
        if fits {
            return all;
        }
    }
}

unsafe extern "system" fn handle(event: u32) -> BOOL {
    BOOL::from(receive(event))
}

/// Tells all who receive it, and waits until they are done where this process is about to end. Whether anything
/// was done.
fn receive(event: u32) -> bool {
    let Some(signal) = signal(event) else { return false };
    let ends = !matches!(event, CTRL_C_EVENT | CTRL_BREAK_EVENT);
    let told = Registry::lock().tell_of_console(signal, ends);
    let Some(all) = told else { return false };
    for done in all {
        // The system ends this process, whatever it does, when it has waited too long.
        let _ = wait::one(&*done, Deadline::NEVER);
    }
    true
}

/// The signals that control events are.
fn signals() -> u32 {
    let all = [Signal::Interrupt, Signal::Quit, Signal::HangUp, Signal::Terminate];
    all.into_iter().fold(0, |set, signal| set | number::bit(signal))
}

fn signal(event: u32) -> Option<Signal> {
    match event {
        CTRL_C_EVENT => Some(Signal::Interrupt),
        CTRL_BREAK_EVENT => Some(Signal::Quit),
        CTRL_CLOSE_EVENT => Some(Signal::HangUp),
        CTRL_LOGOFF_EVENT if session::is_of_services() => None,
        CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT => Some(Signal::Terminate),
        _ => None,
    }
}

fn done(result: BOOL) -> io::Result<()> {
    match result {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Windows;
    use std::{
        sync::{Mutex, PoisonError},
        thread,
        time::Duration,
    };
    use strait_core::{Arrival, Signals, Subscription};

    /// These signals are the whole process'.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    fn next(subscription: &impl Subscription) -> Arrival {
        subscription.receive(Deadline::after(Duration::from_secs(10))).unwrap()
    }

    #[test]
    fn control_events_arrive_as_signals_without_a_sender() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = [Signal::Interrupt, Signal::Quit];
        let (one, other) =
            (Windows::subscribe(&wanted).unwrap(), Windows::subscribe(&wanted).unwrap());
        for (event, signal) in [(CTRL_C_EVENT, Signal::Interrupt), (CTRL_BREAK_EVENT, Signal::Quit)]
        {
            assert!(receive(event));
            for subscription in [&one, &other] {
                assert_eq!(next(subscription), Arrival::new(signal, None));
            }
        }
    }

    #[test]
    fn what_nobody_receives_is_left_to_other_handlers() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let others = Windows::subscribe(&[Signal::Quit, Signal::User1]).unwrap();
        for event in [CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT, 77] {
            assert!(!receive(event), "{event}");
        }
        drop(others);
        assert!(!receive(CTRL_BREAK_EVENT));
    }

    #[test]
    fn what_is_ignored_does_nothing() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Windows::ignore(Signal::Interrupt).unwrap();
        assert!(Windows::is_ignored(Signal::Interrupt).unwrap());
        assert!(receive(CTRL_C_EVENT));
        assert!(!receive(CTRL_BREAK_EVENT));
        Windows::reset(Signal::Interrupt).unwrap();
        assert!(!receive(CTRL_C_EVENT));
    }

    #[test]
    fn the_end_waits_until_the_subscriptions_are_dropped() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        for (event, signal) in
            [(CTRL_CLOSE_EVENT, Signal::HangUp), (CTRL_SHUTDOWN_EVENT, Signal::Terminate)]
        {
            let all = [(); 2].map(|()| Windows::subscribe(&[signal]).unwrap());
            let system = thread::spawn(move || receive(event));
            for subscription in &all {
                assert_eq!(next(subscription), Arrival::new(signal, None));
                // As `Shutdown` does before anything is cleaned up.
                subscription.close();
                subscription.receive(Deadline::now()).unwrap_err();
            }
            for subscription in all {
                assert!(!system.is_finished());
                drop(subscription);
            }
            assert!(system.join().unwrap());
        }
    }

    #[test]
    fn the_end_waits_until_a_handler_has_returned() {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let handler = Windows::take_over(Signal::HangUp).unwrap();
        let system = thread::spawn(|| receive(CTRL_CLOSE_EVENT));
        assert_eq!(next(&handler), Arrival::new(Signal::HangUp, None));
        assert!(!system.is_finished());
        handler.receive(Deadline::now()).unwrap_err();
        assert!(system.join().unwrap());
    }
}
