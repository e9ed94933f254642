//! The rules about Rust code.

mod lexer;

use super::allow::{self, allows};
use super::source::{Finding, Source};
use lexer::{Word, code_only, in_parentheses, words};

/// What tells operating systems apart inside a `cfg`.
const SYSTEMS: &[&str] = &["unix", "windows", "target_os", "target_family", "target_vendor"];

/// Elsewhere it would grow into a thicket: four places only, as in the design.
pub(super) fn system_cfg_has_its_places(source: &Source) -> Vec<Finding> {
    if allows(allow::SYSTEM_CFG, &source.path) {
        return Vec::new();
    }
    let first_is_free = allows(allow::SYSTEM_CFG_FIRST, &source.path);
    let mut findings = find(source, |word| {
        let is_cfg = matches!(word.text, "cfg" | "cfg_attr");
        let predicate = in_parentheses(word.after.trim_start_matches('!'))?;
        let tells_apart = words(predicate).any(|word| SYSTEMS.contains(&word.text));
        (is_cfg && tells_apart).then(|| "a `cfg` on the operating system has no place here".into())
    });
    findings.retain(|finding| !(first_is_free && finding.line == first_line(source)));
    findings
}

/// Where the code starts. What says what the file is comes before: after a `cfg` that isn't so the compiler
/// doesn't see it, and misses it.
fn first_line(source: &Source) -> usize {
    1 + source.text.lines().take_while(|line| line.starts_with("//!")).count()
}

/// Every block of it has to be found, and read, again and again.
pub(super) fn unsafe_has_its_places(source: &Source) -> Vec<Finding> {
    if allows(allow::UNSAFE, &source.path) {
        return Vec::new();
    }
    find(source, |word| {
        (word.text == "unsafe").then(|| "`unsafe` has no place here (see xtask's allow.rs)".into())
    })
}

/// A sleep is too short on some machine and too long on all others.
pub(super) fn nothing_sleeps(source: &Source) -> Vec<Finding> {
    if allows(allow::SLEEP, &source.path) {
        return Vec::new();
    }
    find(source, |word| {
        let sleeps = word.text == "sleep" && word.before.ends_with("thread::");
        sleeps.then(|| "wait for what is to happen; don't sleep".into())
    })
}

/// A test that doesn't run says nothing, and looks as if it did.
pub(super) fn nothing_is_ignored(source: &Source) -> Vec<Finding> {
    find(source, |word| {
        let ignores = word.text == "ignore" && word.before.trim_end().ends_with("#[");
        ignores.then(|| "a test is run or removed, never ignored".into())
    })
}

/// A promise to finish something later is a panic now.
pub(super) fn nothing_is_unfinished(source: &Source) -> Vec<Finding> {
    find(source, |word| {
        let is_unfinished = matches!(word.text, "todo" | "unimplemented" | "dbg");
        let is_macro = word.after.starts_with('!') && !word.after.starts_with("!=");
        (is_unfinished && is_macro).then(|| format!("`{}!` is left behind", word.text))
    })
}

/// What `complaint` says of each word of the code.
fn find(source: &Source, complaint: impl Fn(&Word) -> Option<String>) -> Vec<Finding> {
    if !source.is("rs") {
        return Vec::new();
    }
    let code = code_only(&source.text);
    words(&code).filter_map(|word| Some(Finding::new(word.line(), complaint(&word)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&Source) -> Vec<Finding>;

    fn lines(rule: Rule, path: &str, text: &str) -> Vec<usize> {
        rule(&Source::new(path, text)).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_cfg_on_the_system_is_found() {
        let lines = |text| lines(system_cfg_has_its_places, "crates/strait/src/lib.rs", text);
        assert_eq!(lines("#[cfg(unix)]\nmod a;\n"), [1]);
        assert_eq!(lines("\n#![cfg(windows)]\n"), [2]);
        assert_eq!(lines("#[cfg_attr(not(target_os = \"linux\"), path = \"a.rs\")]"), [1]);
        assert_eq!(lines("if cfg!(any(test, target_family = \"wasm\")) {}"), [1]);
        assert_eq!(lines("cfg_if! {\n if #[cfg(\n all(unix, test))] {} }"), [2]);
        assert_eq!(lines("#[cfg(test)]\n#[cfg(loom)]\nuse windows::cfg;\n"), []);
        assert_eq!(lines("//! a backend starts with #![cfg(unix)]\n"), []);
    }

    #[test]
    fn a_cfg_on_the_system_has_places() {
        let lines = |path, text| lines(system_cfg_has_its_places, path, text);
        assert_eq!(lines("crates/strait/src/platform.rs", "\n#[cfg(unix)]\n"), []);
        assert_eq!(lines("crates/strait-posix/src/sys/mod.rs", "\n#[cfg(unix)]\n"), []);
        assert_eq!(lines("crates/strait-posix/src/sys/linux.rs", "\n#[cfg(unix)]\n"), [2]);
        assert_eq!(lines("crates/strait-posix/src/lib.rs", "#![cfg(unix)]\n#[cfg(unix)]\n"), [2]);
        assert_eq!(lines("crates/strait-posix/src/lib.rs", "//! A.\n//! B.\n#![cfg(unix)]\n"), []);
    }

    #[test]
    fn unsafe_outside_of_its_places_is_found() {
        let lines = |path, text| lines(unsafe_has_its_places, path, text);
        assert_eq!(lines("crates/strait-core/src/lib.rs", "fn a() {\n unsafe { b() }\n}"), [2]);
        assert_eq!(lines("crates/strait-core/src/lib.rs", "#[unsafe(no_mangle)]"), [1]);
        assert_eq!(lines("crates/strait-core/src/lib.rs", "#![deny(unsafe_code)] // unsafe"), []);
        assert_eq!(lines("crates/strait-protocol/src/ring/producer.rs", "unsafe { b() }"), []);
    }

    #[test]
    fn a_sleep_is_found() {
        let lines = |text| lines(nothing_sleeps, "tests/src/lib.rs", text);
        assert_eq!(lines("std::thread::sleep(SECOND);"), [1]);
        assert_eq!(lines("thread::park(); futex.sleep(); // not thread::sleep"), []);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let lines = |text| lines(nothing_is_ignored, "tests/src/lib.rs", text);
        assert_eq!(lines("#[test]\n#[ignore]\nfn a() {}"), [2]);
        assert_eq!(lines("#[ignore = \"slow\"]"), [1]);
        assert_eq!(lines("#[test]\nfn signals_that_nobody_takes_ignore() { ignore(); }"), []);
    }

    #[test]
    fn what_is_unfinished_is_found() {
        let lines = |text| lines(nothing_is_unfinished, "tests/src/lib.rs", text);
        assert_eq!(lines("todo!()\nunimplemented!(\"a\")\ndbg!(a)"), [1, 2, 3]);
        assert_eq!(lines("if todo != done {} // todo!()"), []);
    }
}
