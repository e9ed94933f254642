//! Stopping an actor between two steps of an operation, so that its parent can kill it right there.

use std::{
    io, process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Has this process stop when it next reaches the place called `point`, which `strait-protocol` marks with
/// `kill_point!`. It says `at POINT` then, and goes on when its parent tells it anything.
///
/// Another thread of it may go on meanwhile. A name that is nowhere marked is never reached, so that the
/// parent waits in vain for the line, until the peer's deadline.
pub(crate) fn arm(point: &str) {
    *armed() = Some(point.to_owned());
    strait_protocol::kill_point::on_reach(reach);
}

/// Has this process say [`ABOUT_TO_SLEEP`] when it next is, and go on.
pub(crate) fn announce_sleep() {
    ANNOUNCES.store(true, Ordering::SeqCst);
    strait_protocol::kill_point::on_reach(reach);
}

/// What a process says that was to announce it.
pub(crate) const ABOUT_TO_SLEEP: &str = "about to sleep";

static ANNOUNCES: AtomicBool = AtomicBool::new(false);

static ARMED: Mutex<Option<String>> = Mutex::new(None);

fn armed() -> std::sync::MutexGuard<'static, Option<String>> {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reach(point: &'static str) {
    if point.ends_with(ABOUT_TO_SLEEP) && ANNOUNCES.swap(false, Ordering::SeqCst) {
        println!("{ABOUT_TO_SLEEP}");
    }
    if armed().take_if(|armed| armed == point).is_none() {
        return;
    }
    println!("at {point}");
    match io::stdin().read_line(&mut String::new()) {
        Ok(1..) => {}
        // The parent is gone.
        Ok(0) | Err(_) => process::exit(1),
    }
}
