//! What peers are started with.

use std::{
    env, io,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Names the executables to start peers with, as `PATH` names directories. They are taken in turn.
const PEERS: &str = "STRAIT_PEERS";

/// This executable, unless others are named: the same tests, built for a processor of another width say.
pub(crate) fn executable() -> io::Result<PathBuf> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let Some(named) = env::var_os(PEERS) else { return env::current_exe() };
    let all: Vec<PathBuf> = env::split_paths(&named).collect();
    let turn = STARTED.fetch_add(1, Ordering::Relaxed).checked_rem(all.len());
    match turn.and_then(|turn| all.into_iter().nth(turn)) {
        Some(executable) => Ok(executable),
        None => env::current_exe(),
    }
}
