//! When the owner of a lock is gone that was forked, or has forked.

use crate::{
    NOTICED, SEVERAL_LOOKS,
    forked::{Line, Side, act, fork},
    kind, unique,
};
use std::{
    os::unix::process::CommandExt,
    process::Command,
    thread,
    time::{Duration, Instant},
};
use strait::{
    ErrorKind, Shared,
    sync::{Barrier, Mutex},
};

#[test]
fn a_lock_is_recovered_although_a_child_of_its_dead_owner_lives() {
    for asks in [false, true] {
        let mutex = Shared::<Mutex<u32>>::create(unique("orphan"), Mutex::new(1)).unwrap();
        let mut owner = match fork() {
            Side::Child(line) => act(line, |line| {
                let _guard = mutex.lock().unwrap();
                match fork() {
                    // It talks over the line of its parent.
                    Side::Child(own) => act(own, |_| {
                        if asks {
                            assert_eq!(kind(mutex.try_lock()), ErrorKind::WouldBlock);
                        }
                        line.say("forked");
                        line.expect("end");
                        line.say("ends");
                    }),
                    Side::Parent(orphan) => orphan.finish(),
                }
            }),
            Side::Parent(child) => child,
        };
        owner.line.expect("forked");
        assert_eq!(kind(mutex.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
        owner.kill();
        assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
        // The child has lived all the time.
        owner.line.say("end");
        owner.line.expect("ends");
    }
}

#[test]
fn who_closes_the_memory_owns_nothing_in_it_although_a_child_lives() {
    let name = unique("closes");
    let mutex = Shared::<Mutex<u32>>::create(&name, Mutex::new(1)).unwrap();
    let again = Shared::<Mutex<u32>>::open(&name).unwrap();
    std::mem::forget(again.lock().unwrap());
    let mut child = match fork() {
        Side::Child(line) => act(line, |line| {
            line.say("lives");
            line.expect("end");
        }),
        Side::Parent(child) => child,
    };
    child.line.expect("lives");
    drop(again);
    assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
    child.line.say("end");
    child.finish();
}

#[test]
fn a_party_that_dies_breaks_the_barrier_although_its_child_has_left() {
    let barrier = Shared::<Barrier>::create(unique("left"), Barrier::new(2)).unwrap();
    let mut owner = match fork() {
        Side::Child(line) => act(line, |line| {
            let party = barrier.join().unwrap();
            match fork() {
                Side::Child(line) => act(line, |_| drop(party)),
                Side::Parent(child) => child.finish(),
            }
            line.say("left");
            line.hear();
        }),
        Side::Parent(child) => child,
    };
    owner.line.expect("left");
    owner.kill();
    let error = barrier.wait_timeout(NOTICED).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
}

#[test]
fn an_owner_that_runs_another_program_is_gone() {
    let mutex = Shared::<Mutex<u32>>::create(unique("exec"), Mutex::new(1)).unwrap();
    let mut owner = match fork() {
        Side::Child(line) => act(line, |line| {
            std::mem::forget(mutex.lock().unwrap());
            line.say("locked");
            line.expect("run");
            let error = Command::new("sleep").arg("30").exec();
            line.say(&format!("{error}"));
        }),
        Side::Parent(child) => child,
    };
    owner.line.expect("locked");
    assert_eq!(kind(mutex.lock_timeout(SEVERAL_LOOKS)), ErrorKind::TimedOut);
    owner.line.say("run");
    assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
    assert_eq!(owner.status(), None, "the program has ended");
    owner.kill();
}

#[test]
fn an_owner_is_gone_although_a_program_that_it_started_lives() {
    let mutex = Shared::<Mutex<u32>>::create(unique("spawn"), Mutex::new(1)).unwrap();
    let mut owner = match fork() {
        Side::Child(line) => act(line, |line| {
            let _guard = mutex.lock().unwrap();
            let mut program = Command::new("sleep").arg("30").spawn().unwrap();
            line.say(&program.id().to_string());
            program.wait().unwrap();
        }),
        Side::Parent(child) => child,
    };
    let program: libc::pid_t = owner.line.hear().parse().unwrap();
    owner.kill();
    assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
    // SAFETY: no memory is involved. It ends the program, which has lived until now.
    assert_eq!(unsafe { libc::kill(program, libc::SIGKILL) }, 0);
}

#[test]
fn a_process_with_the_number_of_a_dead_owner_is_not_it_although_a_child_of_that_lives() {
    let mutex = Shared::<Mutex<u32>>::create(unique("number"), Mutex::new(1)).unwrap();
    in_namespace(|| {
        let mut owner = match fork() {
            Side::Child(line) => act(line, |line| {
                let _guard = mutex.lock().unwrap();
                match fork() {
                    // It lives until the namespace ends.
                    Side::Child(own) => act(own, |_| {
                        line.say("forked");
                        line.hear();
                    }),
                    Side::Parent(orphan) => orphan.finish(),
                }
            }),
            Side::Parent(child) => child,
        };
        owner.line.expect("forked");
        owner.kill();
        // Starts are counted in ticks of the system's clock: let some pass.
        let killed = Instant::now();
        while killed.elapsed() < Duration::from_millis(30) {
            thread::yield_now();
        }
        std::fs::write("/proc/sys/kernel/ns_last_pid", (owner.pid - 1).to_string()).unwrap();
        let mut other = match fork() {
            Side::Child(line) => act(line, |line| drop(line.hear())),
            Side::Parent(child) => child,
        };
        assert_eq!(other.pid, owner.pid, "the number was not reused");
        assert_eq!(kind(mutex.lock_timeout(NOTICED)), ErrorKind::OwnerDied);
        other.kill();
    });
}

#[test]
fn a_lock_is_recovered_from_a_namespace_although_a_child_of_its_dead_owner_lives() {
    let mutex = Shared::<Mutex<u32>>::create(unique("elsewhere"), Mutex::new(1)).unwrap();
    let (mut ours, mut theirs) = Line::pair();
    thread::scope(|scope| {
        let namespace = scope.spawn(|| {
            in_namespace(|| {
                let mut owner = match fork() {
                    Side::Child(line) => act(line, |line| {
                        let _guard = mutex.lock().unwrap();
                        match fork() {
                            // It lives until the namespace ends.
                            Side::Child(own) => act(own, |_| {
                                line.say("forked");
                                line.hear();
                            }),
                            Side::Parent(orphan) => orphan.finish(),
                        }
                    }),
                    Side::Parent(child) => child,
                };
                owner.line.expect("forked");
                owner.kill();
                theirs.say("dead");
                theirs.expect("end");
            });
            // Where there is no namespace, nobody has died.
            theirs.say("none");
        });
        let said = ours.hear();
        let recovered = mutex.lock_timeout(NOTICED).map(drop).map_err(|error| error.kind());
        ours.say("end");
        namespace.join().unwrap();
        if said == "dead" {
            assert_eq!(recovered, Err(ErrorKind::OwnerDied));
        }
    });
}

#[test]
fn a_child_with_the_number_of_its_parent_takes_no_seat_from_it() {
    let mutex = Shared::<Mutex<u32>>::create(unique("same"), Mutex::new(1)).unwrap();
    in_namespace(|| {
        let number = std::process::id();
        std::mem::forget(mutex.lock().unwrap());
        // The first process of another one has the number 1, too.
        in_namespace(|| {
            assert_eq!(std::process::id(), number);
            // SAFETY: the value is this process' own copy, which isn't used or dropped any more.
            drop(unsafe { std::ptr::read(&raw const mutex) });
        });
        let judge = thread::scope(|scope| {
            scope.spawn(|| kind(mutex.lock_timeout(SEVERAL_LOOKS))).join().unwrap()
        });
        assert_eq!(judge, ErrorKind::TimedOut);
    });
}

/// Has a child of this process `play` that is the first one of a PID namespace, and all others in there
/// end with it. Does nothing where that isn't permitted.
fn in_namespace(play: impl FnOnce()) {
    // SAFETY: no memory is involved.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("needs root, to make a PID namespace");
        return;
    }
    match fork() {
        Side::Child(line) => act(line, |_| {
            // SAFETY: no memory is involved, and this is the only thread of the process.
            if !unsafe { crate::sys::leave_pid_namespace() } {
                eprintln!("needs a system with PID namespaces");
                return;
            }
            match fork() {
                Side::Child(line) => act(line, |_| play()),
                Side::Parent(child) => child.finish(),
            }
        }),
        Side::Parent(child) => child.finish(),
    }
}
