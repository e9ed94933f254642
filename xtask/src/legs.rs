//! The legs of `test-all`: what each one runs, and when it can't.

use std::env::consts::OS;

use clap::ValueEnum;

use crate::cmd::{cargo, git, run, succeeds, target_dir, with_flags};
use crate::{matrix, tidy};

/// Systems with a backend. On any other only the packages that need none are checked.
const SYSTEMS_WITH_BACKEND: &[&str] = &["linux"];
const PACKAGES_WITHOUT_BACKEND: &[&str] =
    &["-p", "strait-core", "-p", "strait-protocol", "-p", "xtask"];
const LIBRARIES_WITHOUT_BACKEND: &[&str] = &["-p", "strait-core", "-p", "strait-protocol"];

/// The whole workspace, with what is optional in it too, but for the backends of other systems, which are empty
/// here.
const EVERYTHING: &[&str] =
    &["--workspace", "--features", "strait/tokio", "--exclude", "strait-windows"];

/// One leg of `test-all`, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Leg {
    /// rustfmt would change nothing
    Format,
    /// clippy and the compiler have no warning
    Clippy,
    /// the rules of this repository that no linter knows
    Tidy,
    /// the tests inside of the sources
    Unit,
    /// the behavioural suite, and every other test in a file of its own
    Suite,
    /// the examples in the documentation
    DocTests,
    /// the lock-free protocols under every interleaving
    Loom,
    /// the documentation builds without a warning
    Docs,
    /// the table in PLATFORM.md is what the suite says
    Matrix,
    /// licences, advisories and sources of the dependencies
    Deny,
}

/// Why a leg stopped before its end.
pub(crate) enum Stop {
    Failed(String),
    /// It can't run here: why, and how to make it.
    Unavailable(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Stop::Failed(message)
    }
}

impl Leg {
    /// The name that `--leg` takes.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Runs the leg, as one of `chosen`.
    pub(crate) fn run(self, chosen: &[Leg]) -> Result<(), Stop> {
        match self {
            Leg::Format => format(),
            Leg::Clippy => clippy(),
            Leg::Tidy => tidy(),
            Leg::Unit => test(&["--lib", "--bins"], PACKAGES_WITHOUT_BACKEND),
            Leg::Suite => suite(),
            Leg::DocTests => test(&["--doc"], LIBRARIES_WITHOUT_BACKEND),
            Leg::Loom => loom(),
            Leg::Docs => docs(),
            Leg::Matrix => matrix(chosen.contains(&Leg::Suite)),
            Leg::Deny => deny(),
        }
    }
}

fn format() -> Result<(), Stop> {
    needs("fmt", "rustup component add rustfmt")?;
    Ok(run(&mut cargo(["fmt", "--all", "--check"]))?)
}

fn clippy() -> Result<(), Stop> {
    needs("clippy", "rustup component add clippy")?;
    let mut command = cargo(["clippy", "--all-targets"]);
    command.args(packages(PACKAGES_WITHOUT_BACKEND)).args(["--", "-D", "warnings"]);
    run(&mut command)?;
    if has_backend() {
        // As most programs have it: without what is optional.
        run(&mut cargo(["clippy", "-p", "strait", "--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn tidy() -> Result<(), Stop> {
    if !succeeds(&mut git(["rev-parse", "--git-dir"])) {
        return Err(Stop::Unavailable("no git, or no checkout of it (git clone)".into()));
    }
    Ok(tidy::run()?)
}

/// The suite leaves its results behind, so that the matrix need not run it once more.
fn suite() -> Result<(), Stop> {
    let mut command = cargo(["test", "--no-fail-fast", "--test", "*"]);
    Ok(matrix::recording(command.args(packages(PACKAGES_WITHOUT_BACKEND)))?)
}

/// In release, since loom is slow; in a directory of its own, since its flags rebuild all.
fn loom() -> Result<(), Stop> {
    let mut command = cargo(["test", "-p", "strait-protocol", "--release", "--test", "loom*"]);
    command
        .env("RUSTFLAGS", with_flags("RUSTFLAGS", "--cfg loom"))
        .env("CARGO_TARGET_DIR", target_dir().join("loom"))
        .env("LOOM_MAX_PREEMPTIONS", "3");
    Ok(run(&mut command)?)
}

/// Only of libraries: the program `strait` would overwrite the pages of the crate `strait`.
fn docs() -> Result<(), Stop> {
    let mut command = cargo(["doc", "--no-deps", "--lib"]);
    command
        .args(packages(LIBRARIES_WITHOUT_BACKEND))
        .env("RUSTDOCFLAGS", with_flags("RUSTDOCFLAGS", "-D warnings"));
    Ok(run(&mut command)?)
}

fn matrix(suite_has_run: bool) -> Result<(), Stop> {
    if !has_backend() {
        return Err(Stop::Unavailable(format!("no backend for {OS} yet")));
    }
    Ok(if suite_has_run { matrix::check_recorded() } else { matrix::run(true) }?)
}

fn deny() -> Result<(), Stop> {
    needs("deny", "cargo install cargo-deny --locked")?;
    Ok(run(&mut cargo(["deny", "check"]))?)
}

fn test(targets: &[&str], without_backend: &'static [&str]) -> Result<(), Stop> {
    let mut command = cargo(["test", "--no-fail-fast"]);
    Ok(run(command.args(targets).args(packages(without_backend)))?)
}

/// What to tell cargo, so that it takes all packages that can be built on this system.
fn packages(without_backend: &'static [&'static str]) -> &'static [&'static str] {
    if has_backend() { EVERYTHING } else { without_backend }
}

fn has_backend() -> bool {
    SYSTEMS_WITH_BACKEND.contains(&OS)
}

fn needs(subcommand: &str, how_to_get_it: &str) -> Result<(), Stop> {
    if succeeds(&mut cargo([subcommand, "--version"])) {
        return Ok(());
    }
    Err(Stop::Unavailable(format!("cargo {subcommand} is not installed ({how_to_get_it})")))
}
