//! `cargo xtask …`: the commands that build and check strait.
//!
//! One file a command; `flags.rs` holds everything that can be typed. A command fails with
//! one line which says what is wrong.

mod cmd;
mod flags;
mod legs;
mod matrix;
mod setup;
mod test_all;
mod tidy;
mod torture;
mod wine;

use std::process::ExitCode;

use clap::Parser as _;

use flags::{Command, Flags};

fn main() -> ExitCode {
    let result = match Flags::parse().command {
        Command::TestAll { leg, all, require } => return test_all::run(&leg, all, &require),
        Command::Setup { leg, all } => setup::run(&leg, all),
        Command::WineRun { words } => return wine::run(&words),
        Command::Tidy => tidy::run(),
        Command::Matrix { check } => matrix::run(check),
        Command::Torture { kills, seed } => torture::run(kills, seed),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
