//! `cargo xtask setup`: installs what the legs of `test-all` need and Debian and PyPI have. Asks nothing, and
//! does nothing for what is there already.

mod apt;
mod zig;

use crate::cmd::{self, Result, found};
use apt::Apt;

/// What some legs need, by the names of Debian's packages.
struct Need {
    what_for: &'static str,
    packages: &'static [&'static str],
    /// Whether only legs that take very long need it.
    is_long: bool,
}

const NEEDS: &[Need] = &[
    Need {
        what_for: "the legs of this machine",
        packages: &["gcc", "libc6-dev", "util-linux", "mount", "git"],
        is_long: false,
    },
    Need {
        what_for: "std for other targets",
        packages: &["rustc-web", "rust-web-src"],
        is_long: false,
    },
    Need { what_for: "windows", packages: &["wine64", "gcc-mingw-w64-x86-64"], is_long: false },
    Need {
        what_for: "aarch64",
        packages: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user-static"],
        is_long: false,
    },
    Need { what_for: "macos and freebsd", packages: &["python3", "python3-venv"], is_long: false },
    Need {
        what_for: "riscv64",
        packages: &["gcc-riscv64-linux-gnu", "libc6-dev-riscv64-cross", "qemu-user-static"],
        is_long: true,
    },
    Need {
        what_for: "s390x",
        packages: &["gcc-s390x-linux-gnu", "libc6-dev-s390x-cross", "qemu-user-static"],
        is_long: true,
    },
];

/// Installs what is missing, and says of each what became of it. Fails at the end where something couldn't
/// be installed: the legs that need it will say so too.
pub(crate) fn run(with_long: bool) -> Result {
    if found("apt-get").is_none() {
        return Err("only Debian's packages are known, and apt-get is not here".into());
    }
    let mut apt = Apt::default();
    let mut failures = 0;
    let mut tell = |what_for: &str, done: Result<String>| {
        failures += usize::from(done.is_err());
        let done = done.unwrap_or_else(|why| format!("failed: {why}"));
        println!("{what_for}: {done}");
    };
    for need in NEEDS.iter().filter(|need| with_long || !need.is_long) {
        tell(need.what_for, apt.install(need.packages));
    }
    // After the other compilers, which the package gcc-multilib makes way for: what it brought is needed.
    tell("i686", multilib().and_then(|package| apt.install(&[&package])));
    tell("zig", zig::install());
    if failures == 0 { Ok(()) } else { Err(format!("things that can't be installed: {failures}")) }
}

/// The package with which the C compiler that is there links programs of 32 bits. It goes together with
/// those for other processors, which gcc-multilib does not.
fn multilib() -> Result<String> {
    let version = cmd::output(std::process::Command::new("gcc").arg("-dumpversion"))?;
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
    fn gcc_multilib_is_not_asked_for() {
        let packages = || NEEDS.iter().flat_map(|need| need.packages);
        assert!(packages().all(|&package| package != "gcc-multilib"));
    }
}
