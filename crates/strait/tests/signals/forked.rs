//! Signals in children that go on without `exec`.

use super::*;

#[test]
fn a_forked_child_receives_nothing_of_its_parents() {
    alone(|| {
        // The tests may have been started with it ignored.
        signal::reset(Signal::HangUp).unwrap();
        let signals = Signals::subscribe([Signal::HangUp]).unwrap();
        let shutdown = strait::Shutdown::on([Signal::HangUp]).unwrap();
        let status = in_forked_child(|| {
            assert_eq!(kind(signals.try_recv()), ErrorKind::Disconnected);
            raise(libc::SIGHUP);
            unreachable!("it ends at the line before");
        });
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGHUP, "{status:x}");
        // What it gives back is what its parent found.
        let status = in_forked_child(|| {
            drop(Signals::subscribe([Signal::WindowChange]).unwrap());
            assert_eq!(current(libc::SIGHUP).sa_sigaction, libc::SIG_DFL);
        });
        assert_eq!(status, 0);
        // It may drop what it has, and subscribe itself.
        let mut parts = Some((signals, shutdown));
        let status = in_forked_child(|| {
            drop(parts.take());
            assert_eq!(current(libc::SIGHUP).sa_sigaction, libc::SIG_DFL);
            let own = Signals::subscribe([Signal::HangUp]).unwrap();
            raise(libc::SIGHUP);
            let arrival = own.recv_timeout(PATIENCE).unwrap();
            assert_eq!(arrival.sender.map(|sender| sender.pid), Some(std::process::id()));
            assert_eq!(kind(own.try_recv()), ErrorKind::WouldBlock);
        });
        assert_eq!(status, 0);
        let (signals, shutdown) = parts.unwrap();
        assert_eq!(kind(signals.try_recv()), ErrorKind::WouldBlock);
        assert!(!shutdown.is_requested());
        raise(libc::SIGHUP);
        assert_eq!(signals.recv_timeout(PATIENCE).unwrap().signal, Signal::HangUp);
        shutdown.wait_timeout(PATIENCE).unwrap();
    });
}

/// One that was made without the C library's knowledge.
#[test]
fn a_cloned_child_receives_nothing_of_its_parents() {
    alone(|| {
        signal::reset(Signal::HangUp).unwrap();
        let signals = Signals::subscribe([Signal::HangUp]).unwrap();
        // SAFETY: the child uses nothing of this process.
        let Some(child) = (unsafe { crate::sys::cloned_child(libc::SIGHUP) }) else {
            eprintln!("needs a system whose kernel forks by itself");
            return;
        };
        let status = wait(child, 0);
        assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGHUP, "{status:x}");
        assert_eq!(kind(signals.try_recv()), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_child_that_is_forked_while_others_subscribe_can_subscribe_too() {
    alone(|| {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        drop(Signals::subscribe([Signal::User1, Signal::WindowChange]).unwrap());
                        raise(libc::SIGWINCH);
                    }
                });
            }
            for _ in 0..200 {
                let status = in_forked_child(|| {
                    let own = Signals::subscribe([Signal::WindowChange]).unwrap();
                    raise(libc::SIGWINCH);
                    assert_eq!(own.recv_timeout(PATIENCE).unwrap().signal, Signal::WindowChange);
                });
                assert_eq!(status, 0);
            }
            done.store(true, SeqCst);
        });
    });
}
