//! The leg for Windows on a machine that has it not: its programs run under Wine.

use std::env::{self, consts::OS};

use super::foreign::{Foreign, TESTS};
use super::{Stop, needs_backend, not_set_up};
use crate::cmd::{found, run};
use crate::matrix;
use crate::wine::{COMPILER, PREFIX, Wine};

/// All but the backend of other systems, and what runs only where it was built.
pub(super) const PACKAGES: &[&str] = &[
    "--workspace",
    "--features=strait/tokio",
    "--exclude=strait-posix",
    "--exclude=strait-macros",
    "--exclude=strait-bench",
    "--exclude=xtask",
];

/// What the suite calls it.
const SYSTEM: &str = "wine";

pub(super) fn tests() -> Result<(), Stop> {
    if OS == "windows" {
        return Err(Stop::Unavailable("this is Windows: the other legs have run here".into()));
    }
    needs_backend("windows")?;
    let wine = Wine::installed().ok_or_else(|| not_set_up("no Wine"))?;
    if found(COMPILER).is_none() {
        return Err(not_set_up(&format!("no {COMPILER}")));
    }
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let target = Foreign::new("x86_64-pc-windows-gnu")?
        .linked_by(COMPILER)
        .run_by(&[&this.to_string_lossy(), "wine-run"])
        .with(PREFIX, wine.prefix())
        // Each call goes through another process there.
        .with("STRAIT_PATIENCE", "4");
    wine.start()?;
    let result = all(&target);
    wine.stop();
    Ok(result?)
}

fn all(target: &Foreign) -> Result<(), String> {
    let mut tests = target.cargo(["test", "--no-fail-fast"]);
    matrix::recording_on(SYSTEM, tests.args(PACKAGES).args(TESTS))?;
    run(target.cargo(["run", "-p", "strait-cli"]).args(["--", "demo"]))?;
    matrix::check_recorded_on(SYSTEM)
}
