//! The rule about links in Markdown.

use std::collections::BTreeSet;

use super::source::{Finding, Source};

/// A link to a file that was moved or never written leads nobody anywhere.
pub(super) fn links_lead_somewhere(source: &Source, paths: &BTreeSet<String>) -> Vec<Finding> {
    if !source.is("md") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let dangling = targets(line).filter(|target| !leads_somewhere(source, target, paths));
            findings.extend(dangling.map(|to| Finding::new(number, format!("no file `{to}`"))));
        }
    }
    findings
}

/// What the links of a line lead to: `[text](target)` and `[name]: target`.
fn targets(line: &str) -> impl Iterator<Item = String> {
    // Every other piece between back-ticks is code.
    let prose: String = line.split('`').step_by(2).collect();
    let mut targets: Vec<String> =
        prose.split("](").skip(1).map(|rest| until(rest, ')').to_owned()).collect();
    if prose.starts_with('[') && !prose.starts_with("[^") {
        targets.extend(prose.split_once("]: ").map(|(_name, target)| target.to_owned()));
    }
    targets.into_iter()
}

fn leads_somewhere(source: &Source, target: &str, paths: &BTreeSet<String>) -> bool {
    // A title may follow the target; an anchor is a place inside of it.
    let path = until(until(target.trim(), ' ').trim_matches(['<', '>']), '#');
    let is_elsewhere = path.contains("://") || path.starts_with("mailto:");
    path.is_empty() || is_elsewhere || exists(&resolved(&source.path, path), paths)
}

/// `path` as it is seen from the directory of the file `from`.
fn resolved(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => parts.push(".."),
            ".." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Whether it is a file, or a directory in which a file is.
fn exists(path: &str, paths: &BTreeSet<String>) -> bool {
    let directory = format!("{path}/");
    path.is_empty()
        || paths.contains(path)
        || paths.range(directory.clone()..).next().is_some_and(|next| next.starts_with(&directory))
}

fn until(text: &str, end: char) -> &str {
    text.split(end).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dangling(text: &str) -> Vec<usize> {
        let files =
            ["README.md", "docs/a.md", "docs/decisions/0001.md", "crates/strait/src/lib.rs"];
        let source = Source::new("docs/a.md", text);
        let found = links_lead_somewhere(&source, &files.map(String::from).into());
        found.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_link_to_no_file_is_found() {
        assert_eq!(dangling("see\n[this](b.md) and [that](../README.md)\n"), [2]);
        assert_eq!(dangling("[this](../../README.md)"), [1]);
        assert_eq!(dangling("[this](decisions/0002.md#why \"Why\")"), [1]);
        assert_eq!(dangling("[this]: gone.md"), [1]);
    }

    #[test]
    fn a_link_to_a_file_or_a_directory_is_not() {
        assert_eq!(dangling("[a](decisions/0001.md#why) [b](decisions/) [c](../crates)"), []);
        assert_eq!(dangling("[a](/README.md) [b](#below) [c](../)"), []);
        assert_eq!(dangling("[a]: ../README.md"), []);
    }

    #[test]
    fn what_is_no_link_to_a_file_is_left_alone() {
        assert_eq!(dangling("[a](https://example.org/b.md) <mailto:a@example.org>"), []);
        assert_eq!(dangling("`[a](b.md)`\n```\n[a](b.md)\n```\n"), []);
        assert_eq!(dangling("[^1]: a footnote"), []);
    }
}
