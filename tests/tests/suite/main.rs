//! The behavioural suite on every backend: one line a backend.

mod dev_shm;

use std::process::ExitCode;
use strait_conformance::{Native, Suite, act_if_asked, run};

fn main() -> ExitCode {
    act_if_asked(&[Suite::actors::<Native>(), dev_shm::actors()].concat());
    run([Suite::new::<Native>().and(dev_shm::behaviours::<Native>())])
}
