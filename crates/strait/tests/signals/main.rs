//! Signals beside other libraries' handlers, in forked children, and where they are blocked.
#![cfg(unix)]
#![allow(unsafe_code, clippy::unwrap_used)]

mod forked;
#[path = "../sys/mod.rs"]
mod sys;

use libc::{c_int, c_void, sigaction, siginfo_t};
use std::{
    mem,
    os::fd::{AsFd, AsRawFd},
    ptr::null_mut,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};
use strait::{ErrorKind, Process, Signal, Signals, signal};

const PATIENCE: Duration = Duration::from_secs(20);

/// Each test decides what the signals of this process do, so there is one at a time.
fn alone(test: impl FnOnce()) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    test();
}

#[test]
fn a_handler_that_was_there_before_is_called_and_restored() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: c_int) {
        CALLS.fetch_add(1, SeqCst);
    }
    alone(|| {
        let before = install(libc::SIGUSR1, count as extern "C" fn(_) as usize, libc::SA_NODEFER);
        for round in 0..3 {
            let first = Signals::subscribe([Signal::User1]).unwrap();
            let second = Signals::subscribe([Signal::User1, Signal::User2]).unwrap();
            raise(libc::SIGUSR1);
            assert_eq!(CALLS.load(SeqCst), 2 * round + 1);
            assert_eq!(first.recv_timeout(PATIENCE).unwrap().signal, Signal::User1);
            assert_eq!(second.recv_timeout(PATIENCE).unwrap().signal, Signal::User1);
            drop(first);
            assert_ne!(current(libc::SIGUSR1).sa_sigaction, count as extern "C" fn(_) as usize);
            drop(second);
            let restored = current(libc::SIGUSR1);
            assert_eq!(restored.sa_sigaction, count as extern "C" fn(_) as usize);
            assert_ne!(restored.sa_flags & libc::SA_NODEFER, 0);
            raise(libc::SIGUSR1);
            assert_eq!(CALLS.load(SeqCst), 2 * round + 2);
        }
        set(libc::SIGUSR1, &before);
    });
}

#[test]
fn a_handler_that_is_to_be_called_once_is() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn raise_again(signal: c_int) {
        assert!(CALLS.fetch_add(1, SeqCst) < 10);
        raise(signal);
    }
    let status = in_child(|| {
        let handler = raise_again as extern "C" fn(_) as usize;
        install(libc::SIGUSR1, handler, libc::SA_RESETHAND);
        let signals = Signals::subscribe([Signal::User1]).unwrap();
        raise(libc::SIGUSR1);
        assert_eq!(CALLS.load(SeqCst), 1);
        assert!(signals.try_recv().is_ok() && signals.try_recv().is_ok());
        drop(signals);
        assert_eq!(current(libc::SIGUSR1).sa_sigaction, libc::SIG_DFL);
    });
    assert_eq!(status, 0, "{status:x}");
}

#[test]
fn what_a_handler_wanted_of_calls_and_stacks_it_still_gets() {
    extern "C" fn nothing(_: c_int) {}
    let flags = libc::SA_RESTART | libc::SA_ONSTACK;
    alone(|| {
        for wanted in [0, libc::SA_RESTART, libc::SA_ONSTACK, flags] {
            let before = install(libc::SIGUSR1, nothing as extern "C" fn(_) as usize, wanted);
            let signals = Signals::subscribe([Signal::User1]).unwrap();
            assert_eq!(current(libc::SIGUSR1).sa_flags & flags, wanted);
            drop(signals);
            set(libc::SIGUSR1, &before);
        }
        let signals = Signals::subscribe([Signal::User1]).unwrap();
        assert_eq!(current(libc::SIGUSR1).sa_flags & flags, flags);
        drop(signals);
    });
}

/// What a library does that calls the handler which it has found.
static FOUND: OnceLock<sigaction> = OnceLock::new();
static OVER: AtomicU32 = AtomicU32::new(0);

extern "C" fn over(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    OVER.fetch_add(1, SeqCst);
    let found = FOUND.get().map_or(libc::SIG_IGN, |found| found.sa_sigaction);
    assert!(found != libc::SIG_DFL && found != libc::SIG_IGN);
    // SAFETY: it is ours, which has these arguments.
    let found: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = unsafe { mem::transmute(found) };
    found(signal, info, context);
}

fn install_over(signal: c_int) {
    let handler = over as extern "C" fn(_, _, _) as usize;
    FOUND.set(install(signal, handler, libc::SA_SIGINFO)).ok().unwrap();
}

#[test]
fn a_handler_over_ours_stays_and_handles_the_signal() {
    // The default is what is done where nobody handles the signal, and it does.
    let receive_under_another = || {
        signal::reset(Signal::User2).unwrap();
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        install_over(libc::SIGUSR2);
        raise(libc::SIGUSR2);
        assert_eq!(signals.recv_timeout(PATIENCE).unwrap().signal, Signal::User2);
        drop(signals);
    };
    let status = in_child(|| {
        receive_under_another();
        raise(libc::SIGUSR2);
        assert_eq!(OVER.load(SeqCst), 2);
    });
    assert_eq!(status, 0, "{status:x}");
    // Where it goes, nobody does.
    let status = in_child(|| {
        receive_under_another();
        set(libc::SIGUSR2, FOUND.get().unwrap());
        raise(libc::SIGUSR2);
        unreachable!("it ends at the line before");
    });
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGUSR2, "{status:x}");
    // The next subscription is reached once.
    let status = in_child(|| {
        signal::ignore(Signal::User2).unwrap();
        drop({
            let signals = Signals::subscribe([Signal::User2]);
            install_over(libc::SIGUSR2);
            signals
        });
        raise(libc::SIGUSR2);
        assert_eq!(OVER.load(SeqCst), 1);
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        assert_eq!(OVER.load(SeqCst), 2);
        assert_eq!(signals.recv_timeout(PATIENCE).unwrap().signal, Signal::User2);
        assert_eq!(kind(signals.try_recv()), ErrorKind::WouldBlock);
        drop(signals);
        raise(libc::SIGUSR2);
        assert_eq!(OVER.load(SeqCst), 3);
        // What is set anew leaves nobody over it.
        signal::reset(Signal::User2).unwrap();
        assert_eq!(current(libc::SIGUSR2).sa_sigaction, libc::SIG_DFL);
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        assert_eq!(signals.recv_timeout(PATIENCE).unwrap().signal, Signal::User2);
        assert_eq!(OVER.load(SeqCst), 3);
    });
    assert_eq!(status, 0);
}

#[test]
fn what_nobody_has_received_when_the_last_one_goes_does_what_it_did_before() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: c_int) {
        CALLS.fetch_add(1, SeqCst);
    }
    let status = in_child(|| {
        signal::reset(Signal::User2).unwrap();
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        drop(signals);
        unreachable!("it ends at the line before");
    });
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGUSR2, "{status:x}");
    // Whoever receives it or still can is enough; and it isn't done twice.
    let status = in_child(|| {
        signal::reset(Signal::User2).unwrap();
        let first = Signals::subscribe([Signal::User2, Signal::WindowChange]).unwrap();
        let second = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        raise(libc::SIGUSR2);
        raise(libc::SIGWINCH);
        drop(first);
        assert_eq!(second.try_recv().unwrap().signal, Signal::User2);
        drop(second);
        install(libc::SIGUSR2, count as extern "C" fn(_) as usize, 0);
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        drop(signals);
        assert_eq!(CALLS.load(SeqCst), 1);
        signal::ignore(Signal::User2).unwrap();
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        drop(signals);
    });
    assert_eq!(status, 0, "{status:x}");
}

#[test]
fn what_comes_while_a_shutdown_is_dropped_is_a_request_or_does_what_it_did_before() {
    for round in 0..100 {
        let status = in_child(|| {
            signal::reset(Signal::User2).unwrap();
            let shutdown = strait::Shutdown::on([Signal::User2]).unwrap();
            let token = shutdown.token().clone();
            raise(libc::SIGUSR2);
            for _ in 0..round {
                thread::yield_now();
            }
            drop(shutdown);
            if !token.is_cancelled() {
                thread::park_timeout(PATIENCE);
                unreachable!("it ends at the line before");
            }
        });
        let killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGUSR2;
        assert!(status == 0 || killed, "{round}: {status:x}");
    }
}

#[test]
fn one_closure_handles_what_comes_while_it_is_replaced() {
    static HANDLED: AtomicU32 = AtomicU32::new(0);
    const SENT: u32 = 2000;
    let status = in_child(|| {
        let sent = AtomicBool::new(false);
        let (sender, ended) = mpsc::channel::<()>();
        let handle = || {
            let ended = sender.clone();
            let handler = move |_| {
                let _ended = &ended;
                HANDLED.fetch_add(1, SeqCst);
            };
            signal::handle(Signal::User2, handler).unwrap();
        };
        handle();
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..SENT {
                    // It has been told of when this returns.
                    raise(libc::SIGUSR2);
                    thread::yield_now();
                }
                sent.store(true, SeqCst);
            });
            while !sent.load(SeqCst) {
                handle();
            }
        });
        signal::ignore(Signal::User2).unwrap();
        // Each has handled all that it should, and is dropped.
        drop(sender);
        assert_eq!(ended.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        assert_eq!(HANDLED.load(SeqCst), SENT);
    });
    assert_eq!(status, 0, "{status:x}");
}

#[test]
fn a_handler_that_found_nothing_of_ours_is_not_taken_for_one_that_calls_it() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn count(_: c_int) {
        CALLS.fetch_add(1, SeqCst);
    }
    let status = in_child(|| {
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        install(libc::SIGUSR2, libc::SIG_IGN, 0);
        drop(signals);
        assert_eq!(current(libc::SIGUSR2).sa_sigaction, libc::SIG_IGN);
        install(libc::SIGUSR2, count as extern "C" fn(_) as usize, 0);
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        assert_eq!(signals.try_recv().unwrap().signal, Signal::User2);
        assert_eq!(CALLS.load(SeqCst), 1);
        // And where that happens while it is received, the next subscription is received, and the first.
        install(libc::SIGUSR2, libc::SIG_DFL, 0);
        let second = Signals::subscribe([Signal::User2]).unwrap();
        raise(libc::SIGUSR2);
        assert_eq!(signals.try_recv().unwrap().signal, Signal::User2);
        assert_eq!(second.try_recv().unwrap().signal, Signal::User2);
        assert_eq!(CALLS.load(SeqCst), 1);
    });
    assert_eq!(status, 0);
}

#[test]
fn a_process_is_stopped_by_what_stopped_it_before() {
    let child = fork(|| {
        // SAFETY: a plain call. In a group of its own it can be stopped wherever this test is run.
        unsafe { libc::setpgid(0, 0) };
        signal::reset(Signal::TerminalStop).unwrap();
        let signals = Signals::subscribe([Signal::TerminalStop]).unwrap();
        let ours = current(libc::SIGTSTP);
        install_over(libc::SIGTSTP);
        drop(signals);
        // The other library has gone, and has left what it found.
        set(libc::SIGTSTP, &ours);
        for _ in 0..2 {
            raise(libc::SIGTSTP);
        }
    });
    for _ in 0..2 {
        let status = wait(child, libc::WUNTRACED);
        assert!(libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == libc::SIGTSTP, "{status:x}");
        signal::send(child as u32, Signal::Continue).unwrap();
    }
    assert_eq!(wait(child, 0), 0);
}

#[test]
fn a_signal_that_is_blocked_waits_until_it_is_not() {
    let status = in_child(|| {
        let change = |how| {
            // SAFETY: the set is valid, and so are the signals.
            unsafe {
                let mut set = mem::zeroed();
                libc::sigaddset(&raw mut set, libc::SIGUSR1);
                libc::pthread_sigmask(how, &raw const set, null_mut());
            }
        };
        change(libc::SIG_BLOCK);
        let signals = Signals::subscribe([Signal::User1]).unwrap();
        raise(libc::SIGUSR1);
        assert_eq!(kind(signals.try_recv()), ErrorKind::WouldBlock);
        change(libc::SIG_UNBLOCK);
        assert_eq!(signals.try_recv().unwrap().signal, Signal::User1);
    });
    assert_eq!(status, 0);
}

#[test]
fn a_subscription_is_readable_when_something_has_come() {
    alone(|| {
        let signals = Signals::subscribe([Signal::WindowChange]).unwrap();
        let readable = || {
            let fd = signals.as_fd().as_raw_fd();
            let mut fds = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            // SAFETY: the place is valid.
            unsafe { libc::poll(&raw mut fds, 1, 0) == 1 }
        };
        assert!(!readable());
        raise(libc::SIGWINCH);
        assert!(readable());
        assert_eq!(signals.try_recv().unwrap().signal, Signal::WindowChange);
        assert!(!readable());
    });
}

#[test]
fn the_last_error_stays_as_it_was() {
    alone(|| {
        let _signals = Signals::subscribe([Signal::WindowChange]).unwrap();
        // Until long after its pipe is full.
        for round in 0..10_000 {
            // SAFETY: the place is this thread's own.
            let kept = unsafe {
                *sys::errno_place() = 1000 + round;
                libc::raise(libc::SIGWINCH);
                *sys::errno_place()
            };
            assert_eq!(kept, 1000 + round);
        }
    });
}

fn kind<T>(result: strait::Result<T>) -> ErrorKind {
    result.err().unwrap().kind()
}

fn raise(signal: c_int) {
    // SAFETY: a plain call.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn current(signal: c_int) -> sigaction {
    // SAFETY: zeros are valid, and the call fills them in.
    unsafe {
        let mut current = mem::zeroed();
        assert_eq!(libc::sigaction(signal, null_mut(), &raw mut current), 0);
        current
    }
}

/// Installs a handler as another library would; returns what was there before.
fn install(signal: c_int, handler: usize, flags: c_int) -> sigaction {
    // SAFETY: zeros are valid.
    let mut action: sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    let before = current(signal);
    set(signal, &action);
    before
}

fn set(signal: c_int, action: &sigaction) {
    // SAFETY: the handlers here only count.
    assert_eq!(unsafe { libc::sigaction(signal, action, null_mut()) }, 0);
}

/// Runs that in a forked child, in turn with other tests; how it ended.
fn in_child(run: impl FnOnce()) -> c_int {
    let mut status = 0;
    alone(|| status = in_forked_child(run));
    status
}

fn in_forked_child(run: impl FnOnce()) -> c_int {
    wait(fork(run), 0)
}

/// A forked child that runs that and exits: with 0, unless it panics.
fn fork(run: impl FnOnce()) -> c_int {
    // SAFETY: the child uses the allocator, which the C library makes ready for it, and what is tested
    // here; and exits without running anything else of this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let run = std::panic::AssertUnwindSafe(run);
        let code = c_int::from(std::panic::catch_unwind(run).is_err());
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) };
    }
    assert!(child > 0);
    child
}

/// Waits for a child, not for ever.
fn wait(child: c_int, how: c_int) -> c_int {
    if how == 0 {
        let ended = Process::with_id(child as u32).unwrap().wait_exit_timeout(PATIENCE);
        if let Err(error) = ended {
            // SAFETY: the child is this process' own.
            unsafe { libc::kill(child, libc::SIGKILL) };
            drop(error);
        }
    }
    let mut status = -1;
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, how) }, child);
    status
}
