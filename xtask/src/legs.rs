//! The legs of `test-all`: what there is, and where each one is.

mod binfmt;
mod foreign;
pub(crate) mod linked;
mod linux;
mod mixed;
mod native;
pub(crate) mod toolchain;
mod windows;

use clap::ValueEnum;

/// Systems with a backend. Of any other only the packages that need none are checked.
const SYSTEMS_WITH_BACKEND: &[&str] = &["linux", "macos", "freebsd", "windows"];

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
    /// the tests as a process of 32 bits
    I686,
    /// the suite where one process has 32 bits and the other 64
    Mixed,
    /// the tests as a Windows program, under Wine
    Windows,
    /// the tests on an emulated 64-bit ARM processor
    Aarch64,
    /// programs and tests for macOS can be linked, for both processors
    Macos,
    /// programs and tests for FreeBSD can be linked
    Freebsd,
    /// all type-checks for Windows as Microsoft's compiler has it
    Msvc,
    /// the tests on an emulated 64-bit RISC-V processor (long)
    Riscv64,
    /// the tests on an emulated processor that is big-endian (long)
    S390x,
}

/// Why a leg stopped before its end.
#[derive(Debug)]
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

    /// Whether it runs only where it is asked for, as it takes very long.
    pub(crate) fn is_long(self) -> bool {
        matches!(self, Leg::Riscv64 | Leg::S390x)
    }

    /// Runs the leg, as one of `chosen`.
    pub(crate) fn run(self, chosen: &[Leg]) -> Result<(), Stop> {
        match self {
            Leg::Format => native::format(),
            Leg::Clippy => native::clippy(),
            Leg::Tidy => native::tidy(),
            Leg::Unit => native::unit(),
            Leg::Suite => native::suite(),
            Leg::DocTests => native::doc_tests(),
            Leg::Loom => native::loom(),
            Leg::Docs => native::docs(),
            Leg::Matrix => native::matrix(chosen.contains(&Leg::Suite)),
            Leg::Deny => native::deny(),
            Leg::I686 => linux::i686(),
            Leg::Mixed => mixed::run_all(),
            Leg::Windows => windows::tests(),
            Leg::Aarch64 => linux::emulated(&linux::AARCH64),
            Leg::Macos => linked::macos(),
            Leg::Freebsd => linked::freebsd(),
            Leg::Msvc => linked::msvc(),
            Leg::Riscv64 => linux::emulated(&linux::RISCV64),
            Leg::S390x => linux::emulated(&linux::S390X),
        }
    }
}

fn has_backend(system: &str) -> bool {
    SYSTEMS_WITH_BACKEND.contains(&system)
}

/// Stops a leg that is about a system for which nothing is there to be tested.
fn needs_backend(system: &str) -> Result<(), Stop> {
    if has_backend(system) {
        return Ok(());
    }
    Err(Stop::Unavailable(format!("no backend for {system} yet")))
}

/// That something is missing which `cargo xtask setup` installs.
fn not_set_up(what: &str) -> Stop {
    Stop::Unavailable(format!("{what} (cargo xtask setup)"))
}
