//! Being told to end: Ctrl-C and its kin set a flag, so that what is held is dropped first.

use crate::failure::{Failure, Result, stopped_by};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long a wait lasts before the flag is looked at again.
///
/// A call that waits for a peer can't be cancelled yet, and a signal doesn't end it either. A
/// cancellation token will replace this, and then an idle receiver sleeps for good.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// Whether a signal has asked this process to end.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Listens to the signals from now on. A second one ends the process at once: the first may
    /// have come while it was stuck, writing to somebody who doesn't read.
    pub(crate) fn on_signals() -> Result<Self> {
        let stop = Self(Arc::default());
        let asked = Arc::new(AtomicBool::new(false));
        let listen = |signal: i32| -> io::Result<()> {
            // In this order, so that the first signal doesn't see its own mark.
            flag::register_conditional_shutdown(
                signal,
                stopped_by(signal).into(),
                Arc::clone(&asked),
            )?;
            flag::register(signal, Arc::clone(&asked))?;
            flag::register_usize(signal, Arc::clone(&stop.0), signal as usize)?;
            Ok(())
        };
        for signal in [SIGINT, SIGTERM] {
            let failed = |source| Failure::System { what: "listen to signals", source };
            listen(signal).map_err(failed)?;
        }
        if !is_ignored(HANG_UP) {
            // A system that doesn't have it says so, and that is fine.
            let _ = listen(HANG_UP);
        }
        Ok(stop)
    }

    /// An error once a signal has come.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Failure::Stopped(signal as i32)),
        }
    }
}

/// The end of the terminal. Its number is the same wherever it exists.
const HANG_UP: i32 = 1;

/// Whether the process was started with the signal ignored, as `nohup` does: it stays so, where the
/// system tells.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
