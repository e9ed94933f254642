//! The command `strait`: send, receive, pipe, listen, connect, signal, demonstrate, examine.
//!
//! Each subcommand is a file with its arguments and a function `run`. What fails is a [`Failure`],
//! which this file prints as one line and turns into the exit code.

mod demo;
mod doctor;
mod failure;
mod input;
mod meter;
mod output;
mod pipe;
mod recv;
mod send;
mod signal;
mod socket;
mod stop;
mod table;
mod trap;

use clap::{Parser, Subcommand};
use failure::{Code, Failure};
use std::process::ExitCode;

/// Inter-process communication that survives the death of any peer.
#[derive(Parser)]
#[command(name = "strait", version, after_help = Code::help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Recv(recv::Args),
    Send(send::Args),
    Pipe(pipe::Args),
    Signal(signal::Args),
    Trap(trap::Args),
    Listen(socket::ListenArgs),
    Connect(socket::ConnectArgs),
    Demo(demo::Args),
    Doctor(doctor::Args),
    #[command(hide = true)]
    DemoPeer(demo::PeerArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Recv(args) => recv::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Pipe(args) => pipe::run(&args),
        Command::Signal(args) => signal::run(&args),
        Command::Trap(args) => trap::run(&args),
        Command::Listen(args) => socket::listen(&args),
        Command::Connect(args) => socket::connect(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::DemoPeer(args) => demo::run_peer(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            failure.exit_code()
        }
    }
}

/// Says in one line what failed and why; nothing to those who know it, as they wanted it so.
fn report(failure: &Failure) {
    use std::{error::Error, io::Write};
    if matches!(failure, Failure::Stopped(_) | Failure::OutputClosed) {
        return;
    }
    let mut line = format!("strait: {failure}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    // Where nobody reads it there is nobody else to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
