//! The behavioural suite on every backend: one line a backend.

mod dev_shm;

use std::{process::ExitCode, time::Duration};
use strait_conformance::{Native, Suite, act_if_asked, is_wine, run};

fn main() -> ExitCode {
    act_if_asked(&[Suite::actors::<Native>(), dev_shm::actors()].concat());
    let suite = Suite::new::<Native>().and(dev_shm::behaviours::<Native>());
    // A process takes long to start there, and some behaviours start a hundred.
    let slow = Duration::from_secs(900);
    run([if is_wine() { suite.time_limit(slow) } else { suite }])
}
