//! Cargo for another target than this machine's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use super::Stop;
use super::toolchain::Toolchain;
use crate::cmd::{cargo, root, target_dir};

/// What is built for other targets: all but what runs only where it was built, as macros do, and what
/// measures.
pub(super) const PACKAGES: &[&str] = &[
    "--workspace",
    "--features=strait/tokio",
    "--exclude=xtask",
    "--exclude=strait-windows",
    "--exclude=strait-macros",
    "--exclude=strait-bench",
];

/// The tests in sources, and those with a file of their own. Examples in the documentation say the same
/// on every processor.
pub(super) const TESTS: &[&str] = &["--lib", "--bins", "--tests"];

/// A target, and the toolchain that builds for it.
pub(super) struct Foreign {
    triple: &'static str,
    toolchain: Toolchain,
    environment: Vec<(String, OsString)>,
    /// As a setting of cargo's. In the environment it would be split at blanks.
    runner: Option<String>,
}

impl Foreign {
    /// Unavailable where nothing can compile for it.
    pub(super) fn new(triple: &'static str) -> Result<Self, Stop> {
        let toolchain = Toolchain::of(triple)?;
        let target = Self { triple, toolchain, environment: Vec::new(), runner: None };
        // Nobody debugs these, or changes and builds them again and again: so they are built in half of the time.
        Ok(target.with("CARGO_PROFILE_DEV_DEBUG", "0").with("CARGO_INCREMENTAL", "0"))
    }

    /// Links with that program.
    pub(super) fn linked_by(self, linker: &str) -> Self {
        let variable = self.variable("LINKER");
        self.with(variable, linker)
    }

    /// Starts what was built with that command.
    pub(super) fn run_by(mut self, runner: &[&str]) -> Self {
        self.runner = Some(format!("target.{}.runner={runner:?}", self.triple));
        self
    }

    /// Optimises a little: whatever emulates a processor is slow enough.
    pub(super) fn optimised(self) -> Self {
        self.with("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
    }

    /// With a variable in the environment.
    pub(super) fn with(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// A command of cargo's for this target. All targets share a directory for what they build, which
    /// isn't this machine's own, as the compiler may be another.
    pub(super) fn cargo<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = cargo(args);
        self.toolchain.apply(&mut command);
        command.args(["--target", self.triple]).env("CARGO_TARGET_DIR", directory());
        command.args(self.runner.iter().flat_map(|runner| ["--config", runner]));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn variable(&self, what: &str) -> String {
        let triple = self.triple.to_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{triple}_{what}")
    }
}

/// Where the things for other targets are built.
pub(super) fn directory() -> PathBuf {
    target_dir().join("foreign")
}

/// The same command under another one, which starts what follows its own words.
pub(super) fn under(wrapper: &[OsString], command: &Command) -> Command {
    let mut words = wrapper.iter().map(OsString::as_os_str);
    let Some(first) = words.next() else { return Command::new(command.get_program()) };
    let mut wrapped = Command::new(first);
    wrapped.args(words).arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.current_dir(command.get_current_dir().unwrap_or(root()));
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_knows_a_targets_variables() {
        let toolchain = Toolchain::of("x86_64-unknown-linux-gnu");
        let Ok(toolchain) = toolchain else { return };
        let triple = "aarch64-unknown-linux-gnu";
        let foreign = Foreign { triple, toolchain, environment: Vec::new(), runner: None };
        assert_eq!(foreign.variable("LINKER"), "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER");
    }

    #[test]
    fn a_wrapped_command_keeps_all_it_was_told() {
        let mut command = Command::new("cargo");
        command.args(["test", "-p", "x"]).env("A", "b").current_dir("/");
        let wrapped = under(&["unshare".into(), "--user".into()], &command);
        assert_eq!(wrapped.get_program(), "unshare");
        assert!(wrapped.get_args().eq(["--user", "cargo", "test", "-p", "x"]));
        assert_eq!(wrapped.get_envs().count(), 1);
        assert_eq!(wrapped.get_current_dir(), command.get_current_dir());
    }
}
