//! `cargo xtask tidy`: the rules of this repository that no linter knows.
//!
//! A rule is a function from a file to what it finds there. Rules about Rust look at code
//! only, so that comments and literals may speak of what code may not do.

mod allow;
mod code;
mod links;
mod manifest;
mod source;
mod words;

use std::collections::BTreeSet;
use std::fs;

use crate::cmd::{Result, git, root};
use source::{Finding, Source};

const RULES: &[fn(&Source) -> Vec<Finding>] = &[
    code::system_cfg_has_its_places,
    code::unsafe_has_its_places,
    code::nothing_sleeps,
    code::nothing_is_ignored,
    code::nothing_is_unfinished,
    source::file_is_one_idea,
    source::lines_end_clean,
    source::file_ends_in_a_newline,
    manifest::versions_are_stated_once,
    manifest::lints_are_inherited,
    words::no_machine_paths,
];

/// Prints every finding; fails where there is one.
pub(crate) fn run() -> Result {
    let paths = listed_by_git()?;
    let sources: Vec<Source> = paths.iter().filter_map(|path| read(path)).collect();
    let mut found = 0;
    for source in &sources {
        for finding in findings(source, &paths) {
            println!("{}:{}: {}", source.path, finding.line, finding.message);
            found += 1;
        }
    }
    if found > 0 {
        return Err(format!("findings of tidy: {found}"));
    }
    println!("{} files are tidy", sources.len());
    Ok(())
}

fn findings(source: &Source, paths: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(source)).collect();
    findings.extend(links::links_lead_somewhere(source, paths));
    findings.sort();
    findings.dedup();
    findings
}

/// Every file that is, or is about to be, part of the repository.
fn listed_by_git() -> Result<BTreeSet<String>> {
    let output = git(["ls-files", "-co", "--exclude-standard", "-z"])
        .output()
        .map_err(|error| format!("can't start git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let paths = String::from_utf8_lossy(&output.stdout);
    Ok(paths.split_terminator('\0').filter(|path| is_file(path)).map(str::to_owned).collect())
}

/// Git still lists what was deleted a moment ago.
fn is_file(path: &str) -> bool {
    fs::symlink_metadata(root().join(path)).is_ok_and(|metadata| metadata.is_file())
}

/// The file, where it is text.
fn read(path: &str) -> Option<Source> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(Source::new(path, &text))
}
