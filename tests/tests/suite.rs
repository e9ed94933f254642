//! The behavioural suite on every backend: one line a backend.

use std::process::ExitCode;
use strait_conformance::{Native, Suite, act_if_asked, run};

fn main() -> ExitCode {
    act_if_asked(&Suite::actors::<Native>());
    run([Suite::new::<Native>()])
}
