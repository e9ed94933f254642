//! The rules about the `Cargo.toml` of a member.
//!
//! They read lines, not TOML: enough for manifests written the usual way, and every finding
//! has a line.

use super::source::{Finding, Source};

/// A version that is stated twice will one day be two versions.
pub(super) fn versions_are_stated_once(source: &Source) -> Vec<Finding> {
    if !is_member(source) {
        return Vec::new();
    }
    entries(source)
        .filter(|entry| is_dependency_of_its_own(entry) || is_in_list_of_dependencies(entry))
        .map(|entry| Finding::new(entry.line, "say `workspace = true`; the root has the version"))
        .collect()
}

/// A lint that one crate lacks is a rule with a hole.
pub(super) fn lints_are_inherited(source: &Source) -> Vec<Finding> {
    let inherits = |entry: Entry| entry.table == "lints" && entry.is("workspace", "true");
    if !is_member(source) || entries(source).any(inherits) {
        return Vec::new();
    }
    vec![Finding::new(1, "`[lints]` with `workspace = true` is missing")]
}

fn is_member(source: &Source) -> bool {
    source.path.ends_with("/Cargo.toml")
}

/// `key = value` under `[table]`.
struct Entry<'a> {
    line: usize,
    table: &'a str,
    key: &'a str,
    value: &'a str,
}

impl Entry<'_> {
    fn is(&self, key: &str, value: &str) -> bool {
        self.key == key && self.value == value
    }
}

fn entries(source: &Source) -> impl Iterator<Item = Entry<'_>> {
    let mut table = "";
    source.lines().filter_map(move |(line, text)| {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            table = header.split(']').next().unwrap_or_default();
        }
        // A line that doesn't start with a key goes on with the value above it.
        let (key, value) = text.split_once('=')?;
        let is_key = key.starts_with(|c: char| c.is_alphanumeric() || c == '"');
        is_key.then_some(Entry { line, table, key: key.trim(), value: value.trim() })
    })
}

/// `name = …` in a list of dependencies, and not from the workspace.
fn is_in_list_of_dependencies(entry: &Entry) -> bool {
    let from_workspace = entry.key.ends_with(".workspace")
        || entry.value.replace(' ', "").contains("workspace=true")
        || entry.key.ends_with(".features")
        || entry.key.ends_with(".optional");
    entry.table.ends_with("dependencies") && !from_workspace
}

/// `version = …` in a table which is one dependency, `[dependencies.name]`.
fn is_dependency_of_its_own(entry: &Entry) -> bool {
    let parent = entry.table.rsplit_once('.').map_or("", |(parent, _name)| parent);
    parent.ends_with("dependencies") && ["version", "path", "git"].contains(&entry.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let source = Source::new("crates/a/Cargo.toml", text);
        versions_are_stated_once(&source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_version_in_a_member_is_found() {
        assert_eq!(lines("[dependencies]\nlibc = \"0.2\"\n"), [2]);
        assert_eq!(lines("[dev-dependencies]\nlibc = { version = \"0.2\" }\n"), [2]);
        assert_eq!(lines("[build-dependencies.libc]\nversion = \"0.2\"\n"), [2]);
        assert_eq!(lines("[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n"), [2]);
        assert_eq!(lines("[dependencies]\nstrait = { path = \"../strait\" }\n"), [2]);
        assert_eq!(lines("[dependencies]\nlibc.version = \"0.2\"\n"), [2]);
    }

    #[test]
    fn a_version_from_the_workspace_is_not() {
        assert_eq!(lines("[dependencies]\nlibc.workspace = true\n"), []);
        assert_eq!(
            lines("[dependencies]\nlibc = { workspace = true, features = [\n  \"std\",\n] }\n"),
            []
        );
        assert_eq!(lines("[dependencies.libc]\nworkspace = true\n"), []);
        assert_eq!(lines("[package]\nversion = \"1.0.0\"\n[[bin]]\npath = \"src/a.rs\"\n"), []);
    }

    #[test]
    fn the_root_states_versions() {
        let root = Source::new("Cargo.toml", "[workspace.dependencies]\nlibc = \"0.2\"\n");
        assert_eq!(versions_are_stated_once(&root), []);
        assert_eq!(lints_are_inherited(&root), []);
    }

    #[test]
    fn a_member_without_lints_is_found() {
        let lints = |text| lints_are_inherited(&Source::new("xtask/Cargo.toml", text)).len();
        assert_eq!(lints("[package]\nname = \"a\"\n"), 1);
        assert_eq!(lints("[lints]\nrust.missing_docs = \"allow\"\n"), 1);
        assert_eq!(lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"), 0);
    }
}
