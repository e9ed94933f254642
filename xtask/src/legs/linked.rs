//! The legs for systems whose programs can't run here: everything is built for them, tests included, and
//! linked, where a linker and the system's libraries are to be had; so at least every symbol is there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, env::consts::OS};

use super::foreign::{Foreign, PACKAGES, TESTS};
use super::{Stop, needs_backend, not_set_up, windows};
use crate::cmd::{Result, found, run, target_dir};

/// Where `cargo xtask setup` installs zig, which has the libraries of all these systems.
pub(crate) fn zig_directory() -> PathBuf {
    target_dir().join("zig")
}

pub(super) fn macos() -> std::result::Result<(), Stop> {
    linked("macos", &["aarch64-apple-darwin", "x86_64-apple-darwin"])
}

pub(super) fn freebsd() -> std::result::Result<(), Stop> {
    linked("freebsd", &["x86_64-unknown-freebsd"])
}

/// What Microsoft's linker and libraries would be needed for stays undone.
pub(super) fn msvc() -> std::result::Result<(), Stop> {
    needs_other("windows")?;
    needs_backend("windows")?;
    let target = Foreign::new("x86_64-pc-windows-msvc")?;
    Ok(run(target.cargo(["check"]).args(windows::PACKAGES).args(TESTS))?)
}

fn linked(system: &str, triples: &[&'static str]) -> std::result::Result<(), Stop> {
    needs_other(system)?;
    needs_backend(system)?;
    let path = path_with(&zig_directory().join("bin"))?;
    if found("cargo-zigbuild").is_none() && !zig_directory().join("bin/cargo-zigbuild").is_file() {
        return Err(not_set_up("no cargo-zigbuild"));
    }
    for triple in triples {
        // The compiler would strip them with a tool that Debian's doesn't come with.
        let target =
            Foreign::new(triple)?.with("PATH", &path).with("CARGO_PROFILE_DEV_STRIP", "none");
        run(target.cargo(["zigbuild"]).args(PACKAGES).args(TESTS))?;
    }
    Ok(())
}

/// On the system itself the tests are run, which says more.
fn needs_other(system: &str) -> std::result::Result<(), Stop> {
    if OS == system {
        return Err(Stop::Unavailable(format!("this is {system}: the other legs have run here")));
    }
    Ok(())
}

/// `PATH`, with one directory before all others.
fn path_with(directory: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = [directory.to_owned()].into_iter().chain(env::split_paths(&path));
    env::join_paths(all).map_err(|error| error.to_string())
}
