//! What the suite says: a line for each behaviour on each backend,
//! `backend<TAB>module<TAB>behaviour<TAB>outcome<TAB>reason`.

use std::env::consts::OS;

use crate::cmd::Result;

/// What one behaviour came to on one backend.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) backend: String,
    pub(super) module: String,
    /// A sentence, with spaces.
    pub(super) behaviour: String,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Kept,
    /// Refused with the error that says so.
    Unsupported,
    /// Known to go wrong, and why.
    Broken(String),
    /// This machine couldn't tell.
    Unavailable,
}

/// Reads the lines; a run that says nothing is an error.
pub(super) fn parsed(text: &str) -> Result<Vec<Entry>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
    let entries: Vec<Entry> = lines
        .map(|(number, line)| {
            entry(line).map_err(|why| format!("line {number} of the suite's results: {why}"))
        })
        .collect::<Result<_>>()?;
    if entries.is_empty() { Err("the suite has no results".into()) } else { Ok(entries) }
}

fn entry(line: &str) -> Result<Entry> {
    let fields: Vec<&str> = line.splitn(5, '\t').collect();
    let [backend, module, behaviour, outcome, ref reason @ ..] = fields[..] else {
        return Err(format!("{} fields where 4 or 5 belong", fields.len()));
    };
    let reason = reason.first().copied().unwrap_or_default();
    let outcome = match outcome {
        "kept" => Outcome::Kept,
        "unsupported" => Outcome::Unsupported,
        "broken" if reason.is_empty() => return Err("broken without a reason".into()),
        "broken" => Outcome::Broken(reason.into()),
        "unavailable" => Outcome::Unavailable,
        other => return Err(format!("an outcome `{other}`")),
    };
    // The suite may add the system, by the name that Rust has for it; the table has its own.
    let backend = backend.strip_suffix(&format!(" on {OS}")).unwrap_or(backend);
    let behaviour = behaviour.replace('_', " ");
    Ok(Entry { backend: backend.into(), module: module.into(), behaviour, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let entries = parsed("posix\tlock\ta_b\tkept\t\n\nposix\tlock\tc\tbroken\td e\n");
        let entry = |behaviour: &str, outcome| Entry {
            backend: "posix".into(),
            module: "lock".into(),
            behaviour: behaviour.into(),
            outcome,
        };
        let expected = [entry("a b", Outcome::Kept), entry("c", Outcome::Broken("d e".into()))];
        assert_eq!(entries, Ok(expected.into()));
        assert!(parsed("posix\tlock\ta\tunavailable").is_ok());
    }

    #[test]
    fn the_system_is_not_part_of_the_backend() {
        let entries = parsed(&format!("posix on {OS}\tlock\ta\tkept\t")).expect("a line");
        assert_eq!(entries[0].backend, "posix");
    }

    #[test]
    fn a_bad_line_is_named() {
        let message = |text| parsed(text).expect_err(text);
        assert!(message("posix\tlock\ta\tkept\t\nposix\tlock\n").contains("line 2"));
        assert!(message("posix\tlock\ta\tmaybe\t\n").contains("`maybe`"));
        assert!(message("posix\tlock\ta\tbroken\t\n").contains("without a reason"));
        assert!(message("").contains("no results"));
    }
}
