//! Everything that can be typed after `cargo xtask`.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::legs::Leg;

/// The commands that build and check strait
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check everything that this machine can check, and say what it can't
    TestAll {
        /// Only this leg (may be repeated)
        #[arg(long, value_name = "NAME")]
        leg: Vec<Leg>,
        /// The legs that take very long, too
        #[arg(long)]
        all: bool,
        /// Fail where this leg hasn't run (may be repeated)
        #[arg(long, value_name = "NAME")]
        require: Vec<Leg>,
    },
    /// Install what `test-all` needs and Debian and PyPI have
    Setup {
        /// Only what this leg needs (may be repeated)
        #[arg(long, value_name = "NAME")]
        leg: Vec<Leg>,
        /// What the legs that take very long need, too
        #[arg(long)]
        all: bool,
    },
    /// Run a Windows program under Wine, in the prefix of the leg `windows`
    #[command(hide = true)]
    WineRun {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Check the rules of this repository that no linter knows
    Tidy,
    /// Run the behavioural suite and write its table into PLATFORM.md
    Matrix {
        /// Write nothing; fail where the table is not what the suite says
        #[arg(long)]
        check: bool,
    },
    /// Kill processes in the midst of synchronisation, and see that the others go on
    Torture {
        /// How many to kill
        #[arg(long, default_value_t = 10_000)]
        kills: u64,
        /// The seed of a run that failed
        #[arg(long)]
        seed: Option<u64>,
    },
}
