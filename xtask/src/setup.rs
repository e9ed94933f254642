//! `cargo xtask setup`: installs what the legs of `test-all` need and Debian and PyPI have. Asks nothing, and
//! does nothing for what is there already.

mod apt;
mod zig;

use std::process::Command;

use crate::cmd::{Result, found, output};
use crate::legs::{Leg, toolchain};
use crate::test_all::in_order;
use What::Packages;
use apt::Apt;

/// What some legs need.
struct Need {
    what: What,
    /// None of them: every leg.
    legs: &'static [Leg],
}

enum What {
    /// Debian's packages.
    Packages(&'static [&'static str]),
    /// The sources of Rust's standard library, of this toolchain or of Debian's.
    Sources,
    /// A C compiler for this processor that also links programs of 32 bits.
    Multilib,
    Zig,
}

const NEEDS: &[Need] = &[
    Need { what: Packages(&["gcc", "libc6-dev", "util-linux", "mount", "git"]), legs: &[] },
    Need { what: What::Sources, legs: FOREIGN },
    Need { what: Packages(&["wine64", "gcc-mingw-w64-x86-64"]), legs: &[Leg::Windows] },
    Need { what: Packages(&["qemu-user-static"]), legs: EMULATED },
    Need {
        what: Packages(&["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]),
        legs: &[Leg::Aarch64],
    },
    Need {
        what: Packages(&["gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross"]),
        legs: &[Leg::Riscv64],
    },
    Need { what: Packages(&["gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"]), legs: &[Leg::S390x] },
    // After the compilers for other processors, for which apt removes gcc-multilib.
    Need { what: What::Multilib, legs: &[Leg::I686, Leg::Mixed] },
    Need { what: Packages(&["python3", "python3-venv"]), legs: LINKED },
    Need { what: What::Zig, legs: LINKED },
];

const EMULATED: &[Leg] = &[Leg::Aarch64, Leg::Riscv64, Leg::S390x];
const LINKED: &[Leg] = &[Leg::Macos, Leg::Freebsd];
const FOREIGN: &[Leg] = &[
    Leg::I686,
    Leg::Mixed,
    Leg::Windows,
    Leg::Aarch64,
    Leg::Macos,
    Leg::Freebsd,
    Leg::Msvc,
    Leg::Riscv64,
    Leg::S390x,
];

/// Installs what is missing for these legs, and says of each thing what became of it. Fails at the end where
/// something couldn't be installed: the legs that need it will say so too.
pub(crate) fn run(chosen: &[Leg], with_long: bool) -> Result {
    if found("apt-get").is_none() {
        return Err("only Debian's packages are known, and apt-get is not here".into());
    }
    let legs = in_order(chosen, with_long);
    let mut apt = Apt::default();
    let mut failures = 0;
    for need in NEEDS.iter().filter(|need| need.is_of(&legs)) {
        let done = need.what.install(&mut apt);
        failures += usize::from(done.is_err());
        println!("{}", done.unwrap_or_else(|why| format!("failed: {why}")));
    }
    if failures == 0 { Ok(()) } else { Err(format!("things that can't be installed: {failures}")) }
}

impl Need {
    fn is_of(&self, legs: &[Leg]) -> bool {
        self.legs.is_empty() || self.legs.iter().any(|leg| legs.contains(leg))
    }
}

impl What {
    /// Installs what of it isn't there, and says what it did.
    fn install(&self, apt: &mut Apt) -> Result<String> {
        match self {
            Packages(packages) => apt.install(packages),
            What::Sources if toolchain::any_has_sources() => Ok("there: the sources of std".into()),
            What::Sources => apt.install(&["rustc-web", "rust-web-src"]),
            What::Multilib => apt.install(&[&multilib()?]),
            What::Zig => zig::install(),
        }
    }
}

/// The package with which the C compiler that is there links programs of 32 bits. It goes together with
/// those for other processors, which gcc-multilib does not.
fn multilib() -> Result<String> {
    let version = output(Command::new("gcc").arg("-dumpversion"))?;
    Ok(multilib_of(&version))
}

fn multilib_of(version: &str) -> String {
    let major = version.split('.').next().unwrap_or_default();
    format!("gcc-{}-multilib", major.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compilers_version_names_its_package() {
        assert_eq!(multilib_of("12\n"), "gcc-12-multilib");
        assert_eq!(multilib_of("9.4.0"), "gcc-9-multilib");
    }

    #[test]
    fn a_leg_gets_what_it_needs_and_no_more() {
        let of = |leg| NEEDS.iter().filter(|need| need.is_of(&[leg])).count();
        assert_eq!(of(Leg::Tidy), 1);
        assert_eq!(of(Leg::Msvc), 2);
        assert_eq!(of(Leg::S390x), 4);
        assert_eq!(
            NEEDS.iter().filter(|need| need.is_of(&in_order(&[], true))).count(),
            NEEDS.len()
        );
    }
}
