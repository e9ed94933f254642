//! The legs that run as this machine is, without another target.

use std::env::consts::OS;

use super::{Stop, has_backend};
use crate::cmd::{cargo, git, run, succeeds, target_dir, with_flags};
use crate::{matrix, tidy};

const PACKAGES_WITHOUT_BACKEND: &[&str] =
    &["-p", "strait-core", "-p", "strait-protocol", "-p", "xtask"];
const LIBRARIES_WITHOUT_BACKEND: &[&str] = &["-p", "strait-core", "-p", "strait-protocol"];

/// The whole workspace, with what is optional in it too, but for the backends of other systems, which are empty
/// here.
const EVERYTHING: &[&str] =
    &["--workspace", "--features", "strait/tokio", "--exclude", OTHER_BACKEND];

const OTHER_BACKEND: &str = match OS.as_bytes() {
    b"windows" => "strait-posix",
    _ => "strait-windows",
};

pub(super) fn format() -> Result<(), Stop> {
    needs("fmt", "rustup component add rustfmt")?;
    Ok(run(&mut cargo(["fmt", "--all", "--check"]))?)
}

pub(super) fn clippy() -> Result<(), Stop> {
    needs("clippy", "rustup component add clippy")?;
    let mut command = cargo(["clippy", "--all-targets"]);
    command.args(packages(PACKAGES_WITHOUT_BACKEND)).args(["--", "-D", "warnings"]);
    run(&mut command)?;
    if has_backend(OS) {
        // As most programs have it: without what is optional.
        run(&mut cargo(["clippy", "-p", "strait", "--", "-D", "warnings"]))?;
    }
    Ok(())
}

pub(super) fn tidy() -> Result<(), Stop> {
    if !succeeds(&mut git(["rev-parse", "--git-dir"])) {
        return Err(Stop::Unavailable("no git, or no checkout of it (git clone)".into()));
    }
    Ok(tidy::run()?)
}

pub(super) fn unit() -> Result<(), Stop> {
    test(&["--lib", "--bins"], PACKAGES_WITHOUT_BACKEND)
}

/// The suite leaves its results behind, so that the matrix need not run it once more.
pub(super) fn suite() -> Result<(), Stop> {
    let mut command = cargo(["test", "--no-fail-fast", "--test", "*"]);
    Ok(matrix::recording(command.args(packages(PACKAGES_WITHOUT_BACKEND)))?)
}

pub(super) fn doc_tests() -> Result<(), Stop> {
    test(&["--doc"], LIBRARIES_WITHOUT_BACKEND)
}

/// In release, since loom is slow; in a directory of its own, since its flags rebuild all.
pub(super) fn loom() -> Result<(), Stop> {
    let mut command = cargo(["test", "-p", "strait-protocol", "--release", "--test", "loom*"]);
    command
        .env("RUSTFLAGS", with_flags("RUSTFLAGS", "--cfg loom"))
        .env("CARGO_TARGET_DIR", target_dir().join("loom"))
        .env("LOOM_MAX_PREEMPTIONS", "3");
    Ok(run(&mut command)?)
}

/// Only of libraries: the program `strait` would overwrite the pages of the crate `strait`.
pub(super) fn docs() -> Result<(), Stop> {
    let mut command = cargo(["doc", "--no-deps", "--lib"]);
    command
        .args(packages(LIBRARIES_WITHOUT_BACKEND))
        .env("RUSTDOCFLAGS", with_flags("RUSTDOCFLAGS", "-D warnings"));
    Ok(run(&mut command)?)
}

pub(super) fn matrix(suite_has_run: bool) -> Result<(), Stop> {
    if !has_backend(OS) {
        return Err(Stop::Unavailable(format!("no backend for {OS} yet")));
    }
    Ok(if suite_has_run { matrix::check_recorded() } else { matrix::run(true) }?)
}

pub(super) fn deny() -> Result<(), Stop> {
    needs("deny", "cargo install cargo-deny --locked")?;
    Ok(run(&mut cargo(["deny", "check"]))?)
}

fn test(targets: &[&str], without_backend: &'static [&str]) -> Result<(), Stop> {
    let mut command = cargo(["test", "--no-fail-fast"]);
    Ok(run(command.args(targets).args(packages(without_backend)))?)
}

/// What to tell cargo, so that it takes all packages that can be built on this system.
fn packages(without_backend: &'static [&'static str]) -> &'static [&'static str] {
    if has_backend(OS) { EVERYTHING } else { without_backend }
}

fn needs(subcommand: &str, how_to_get_it: &str) -> Result<(), Stop> {
    if succeeds(&mut cargo([subcommand, "--version"])) {
        return Ok(());
    }
    Err(Stop::Unavailable(format!("cargo {subcommand} is not installed ({how_to_get_it})")))
}
