//! zig, a compiler that has the libraries of other systems, and what makes it cargo's linker: from PyPI, in
//! a directory of its own below cargo's.

use std::process::Command;

use crate::cmd::{Result, found, run};
use crate::legs::linked::zig_directory;

const PACKAGES: &[&str] = &["ziglang", "cargo-zigbuild"];

/// Installs both, where they aren't there yet.
pub(super) fn install() -> Result<String> {
    let directory = zig_directory();
    if found("cargo-zigbuild").is_some() || directory.join("bin/cargo-zigbuild").is_file() {
        return Ok(format!("there: {}", PACKAGES.join(" ")));
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    let mut pip = Command::new(directory.join("bin/pip"));
    run(pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES))?;
    Ok(format!("installed: {} in {}", PACKAGES.join(" "), directory.display()))
}
