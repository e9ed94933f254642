//! The rule about words that must not be in any file.

use super::allow::{self, allows};
use super::source::{Finding, Source};

/// Where the files of a person or of a build lie. They mean nothing on another machine.
const MACHINE_PATHS: &[&str] =
    &["/root/", "/home/", "/Users/", "/work/", "/workspace/", "/builds/", "C:\\Users\\"];

/// What works on one machine only works by accident.
pub(super) fn no_machine_paths(source: &Source) -> Vec<Finding> {
    if allows(allow::MACHINE_PATHS, &source.path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        for word in MACHINE_PATHS {
            if starts_in(line, word) {
                findings.push(Finding::new(number, format!("`{word}` is on one machine only")));
            }
        }
    }
    findings
}

/// Whether `path` is in the line, and not as the tail of a longer path.
fn starts_in(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-/}~*$".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        for line in ["cd /root/strait", "see `/home/me/x`", "dir=C:\\Users\\me"] {
            assert_eq!(no_machine_paths(&Source::new("a.md", line)).len(), 1, "{line}");
        }
    }

    #[test]
    fn a_path_of_the_repository_is_not() {
        for line in ["src/root/mod.rs", "https://example.org/home/x", "$XDG/work/a", "/tmp/a"] {
            assert_eq!(no_machine_paths(&Source::new("a.md", line)), [], "{line}");
        }
    }
}
