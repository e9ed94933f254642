//! Everything that can be typed after `cargo xtask`.

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
