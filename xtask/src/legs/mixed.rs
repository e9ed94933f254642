//! The leg in which processes of 32 and of 64 bits share everything: the suite of either width, with peers
//! of the other one, and the torture among workers of both.

use std::env::{self, consts::OS};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Stop;
use super::foreign::Foreign;
use super::linux::narrow;
use crate::cmd::{Result, cargo, output, run};

/// The variable by which tests are told what to start their peers with, in turn.
const PEERS: &str = "STRAIT_PEERS";

pub(super) fn run_all() -> std::result::Result<(), Stop> {
    if usize::BITS != 64 || OS != "linux" {
        return Err(Stop::Unavailable("only Linux of 64 bits runs programs of both widths".into()));
    }
    let narrow = narrow()?;
    let [wide_suite, narrow_suite] = both(&narrow, "suite")?;
    let [wide_torture, narrow_torture] = both(&narrow, "torture")?;
    let in_turn = env::join_paths([&wide_torture, &narrow_torture]);
    let in_turn = in_turn.map_err(|error| error.to_string())?;
    // Each is run, whatever became of the one before.
    let results = [
        run(Command::new(&wide_suite).env(PEERS, &narrow_suite)),
        run(Command::new(&narrow_suite).env(PEERS, &wide_suite)),
        run(Command::new(&wide_torture).env(PEERS, in_turn)),
    ];
    Ok(results.into_iter().collect::<Result>()?)
}

/// A test of this machine's width, and the same of 32 bits.
fn both(narrow: &Foreign, test: &str) -> Result<[PathBuf; 2]> {
    let build = ["test", "--no-run", "-p", "strait-tests", "--test", test];
    Ok([executable(&mut cargo(build))?, executable(&mut narrow.cargo(build))?])
}

/// Has cargo build a test, and returns where that is.
fn executable(build: &mut Command) -> Result<PathBuf> {
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let messages = output(build)?;
    messages.lines().find_map(named_in).ok_or_else(|| "cargo has built no program".into())
}

/// The program that a message of cargo's says was built, if it says so.
fn named_in(message: &str) -> Option<PathBuf> {
    let (_, rest) = message.split_once(r#""executable":""#)?;
    let (path, _) = rest.split_once('"')?;
    Some(path.replace(r"\\", r"\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_program_is_found() {
        let message = r#"{"reason":"compiler-artifact","executable":"/t/suite-01","fresh":true}"#;
        assert_eq!(named_in(message), Some("/t/suite-01".into()));
        let message = r#"{"executable":"C:\\t\\suite.exe"}"#;
        assert_eq!(named_in(message), Some(r"C:\t\suite.exe".into()));
        assert_eq!(named_in(r#"{"reason":"compiler-artifact","executable":null}"#), None);
        assert_eq!(named_in(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
