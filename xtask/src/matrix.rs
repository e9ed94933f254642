//! `cargo xtask matrix`: the table behaviour × backend in PLATFORM.md, out of a run of the
//! behavioural suite.
//!
//! A run speaks only for the system that it ran on, which may be another one than that of this
//! program: the columns of other systems stay as they are. Each has a record of its own below the
//! target directory. `results` is what the suite says, `table` is what the page says.

mod results;
mod table;

use std::env::consts::OS;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cmd::{self, Result, cargo, root, target_dir};
use table::Table;

/// The variable which tells the suite where to write its results.
const VARIABLE: &str = "STRAIT_MATRIX";
const PAGE: &str = "PLATFORM.md";
const BEGIN: &str = "<!-- matrix:begin -->";
const END: &str = "<!-- matrix:end -->";

/// Systems whose runs are recorded here, this one aside.
const OTHER_SYSTEMS: &[&str] = &["wine"];

/// Runs the suite; then writes its table, with what runs on other systems have recorded, or only checks that its
/// own part is written.
pub(crate) fn run(check: bool) -> Result {
    recording(&mut cargo(["test", "-p", "strait-tests", "--test", "suite"]))?;
    if check { check_recorded() } else { write_recorded() }
}

/// Runs a command which runs the suite on this system, and has the suite record its results.
pub(crate) fn recording(suite: &mut Command) -> Result {
    recording_on(OS, suite)
}

/// Runs a command which runs the suite on `system`, by the name that it has in the results: `wine`.
pub(crate) fn recording_on(system: &str, suite: &mut Command) -> Result {
    let path = record(system);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| about(directory, &error))?;
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(about(&path, &error)),
        _ => {}
    }
    cmd::run(suite.env(VARIABLE, path))
}

/// Fails where the page is not what the last recorded run on this system says, with the lines that differ.
pub(crate) fn check_recorded() -> Result {
    check_recorded_on(OS)
}

/// As [`check_recorded`], of the last recorded run on `system`.
pub(crate) fn check_recorded_on(system: &str) -> Result {
    let old = read(&page())?;
    let new = updated(&old, &[system])?;
    if old.lines().eq(new.lines()) {
        println!("the table in {PAGE} is what the suite says");
        return Ok(());
    }
    println!("{}", differences(&old, &new).join("\n"));
    Err(format!("the table in {PAGE} is stale (cargo xtask matrix writes it)"))
}

fn write_recorded() -> Result {
    let old = read(&page())?;
    let others = OTHER_SYSTEMS.iter().copied().filter(|system| record(system).exists());
    let systems: Vec<&str> = [OS].into_iter().chain(others).collect();
    println!("writing what was recorded on {}", systems.join(" and "));
    let new = updated(&old, &systems)?;
    fs::write(page(), new).map_err(|error| about(&page(), &error))
}

/// The page with the results in its table that were recorded on these systems.
fn updated(page: &str, systems: &[&str]) -> Result<String> {
    let (before, table, after) = split(page)?;
    let mut table = Table::parsed(table)?;
    for system in systems {
        let results = results::parsed(&read(&record(system))?, system)?;
        table.update(&results, known_as(system));
    }
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// The page before, between and after the markers.
fn split(page: &str) -> Result<(&str, &str, &str)> {
    let missing = |marker| format!("{PAGE} has no `{marker}`");
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (table, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok((before, table, after))
}

/// `-` and a line for what is only in `old`, `+` and a line for what is only in `new`.
fn differences(old: &str, new: &str) -> Vec<String> {
    let only_in = |these: &str, those: &str, sign: char| -> Vec<String> {
        let those: Vec<&str> = those.lines().collect();
        let lines = these.lines().filter(|line| !those.contains(line));
        lines.map(|line| format!("{sign}{line}")).collect()
    };
    [only_in(old, new, '-'), only_in(new, old, '+')].concat()
}

/// The name by which people know the system.
fn known_as(system: &str) -> &str {
    match system {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "wine" => "Wine",
        other => other,
    }
}

fn page() -> PathBuf {
    root().join(PAGE)
}

fn record(system: &str) -> PathBuf {
    target_dir().join("matrix").join(format!("{system}.tsv"))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| about(path, &error))
}

fn about(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_split_at_its_markers() {
        let page = format!("a\n{BEGIN}\nb\n{END}\nc\n");
        assert_eq!(split(&page), Ok(("a\n", "\nb\n", "\nc\n")));
        assert!(split("a\n").is_err_and(|message| message.contains(BEGIN)));
        assert!(split(BEGIN).is_err_and(|message| message.contains(END)));
    }

    #[test]
    fn differing_lines_are_named() {
        assert_eq!(differences("a\nb\nc\n", "a\nd\nc\n"), ["-b", "+d"]);
        assert!(differences("a\nb\n", "a\nb\n").is_empty());
    }
}
