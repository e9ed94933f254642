//! Which compiler builds for another target: one that has its standard library, or else one that has
//! the sources of it, from which cargo builds it first.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Stop, not_set_up};
use crate::cmd::output;

/// The compiler of Debian's package rustc-web, which has the sources in rust-web-src.
const OF_DEBIAN: &str = "/usr/bin/rustc";

/// A compiler, and whether it has to build the standard library.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Toolchain {
    rustc: OsString,
    builds_std: bool,
}

impl Toolchain {
    /// The first that can build for the target: the one that builds strait here, or Debian's.
    pub(super) fn of(triple: &str) -> Result<Self, Stop> {
        let installed = compilers().find(|rustc| has_target(rustc, triple));
        if let Some(rustc) = installed {
            return Ok(Self { rustc, builds_std: false });
        }
        match compilers().find(has_sources) {
            Some(rustc) => Ok(Self { rustc, builds_std: true }),
            None => Err(not_set_up(&format!("no Rust for {triple}, nor its sources"))),
        }
    }

    /// Has a command of cargo's use it. `-Zbuild-std` is an option of cargo's that isn't stable, which
    /// every compiler lets those use who say so.
    pub(super) fn apply(&self, command: &mut Command) {
        command.env("RUSTC", &self.rustc);
        if self.builds_std {
            command.arg("-Zbuild-std").env("RUSTC_BOOTSTRAP", "1");
        }
    }
}

/// Whether there is a compiler that can build for every target.
pub(crate) fn any_has_sources() -> bool {
    compilers().any(|rustc| has_sources(&rustc))
}

fn compilers() -> impl Iterator<Item = OsString> {
    let own = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    [own, OF_DEBIAN.into()].into_iter()
}

fn has_target(rustc: &OsString, triple: &str) -> bool {
    let asked = ["--print", "target-libdir", "--target", triple];
    let Some(directory) = answer(rustc, &asked) else { return false };
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| is_std(&entry.file_name().to_string_lossy()))
}

fn is_std(file: &str) -> bool {
    file.starts_with("libstd-") && file.ends_with(".rlib")
}

fn has_sources(rustc: &OsString) -> bool {
    answer(rustc, &["--print", "sysroot"]).is_some_and(|root| sources(Path::new(&root)).is_file())
}

fn sources(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml")
}

/// What the compiler says, in one line; none where there is no such compiler, or target.
fn answer(rustc: &OsString, args: &[&str]) -> Option<String> {
    output(Command::new(rustc).args(args)).ok().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_library_is_known_by_its_name() {
        assert!(is_std("libstd-0123456789abcdef.rlib"));
        assert!(!is_std("libstd-0123456789abcdef.so"));
        assert!(!is_std("libstd_detect-0123.rlib"));
    }

    #[test]
    fn a_target_that_nobody_has_is_not_found() {
        let own = OsString::from("rustc");
        assert!(!has_target(&own, "no-such-target"));
        assert!(!has_target(&"no-such-compiler".into(), "x86_64-unknown-linux-gnu"));
    }

    #[test]
    fn a_command_is_told_all_that_it_needs() {
        let mut command = Command::new("cargo");
        Toolchain { rustc: "rustc".into(), builds_std: true }.apply(&mut command);
        assert!(command.get_args().eq(["-Zbuild-std"]));
        assert_eq!(command.get_envs().count(), 2);
    }
}
