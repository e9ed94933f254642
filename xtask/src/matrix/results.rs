//! What the suite says: a line for each behaviour on each backend,
//! `backend<TAB>module<TAB>behaviour<TAB>outcome<TAB>reason`.

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
    /// Refused with the error that says so, and what the backend lacks.
    Unsupported(String),
    /// Known to go wrong, and why.
    Broken(String),
    /// This machine couldn't tell, and why.
    Unavailable(String),
}

/// Reads the lines of a run on `system`; one that says nothing is an error.
pub(super) fn parsed(text: &str, system: &str) -> Result<Vec<Entry>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
    let entries: Vec<Entry> = lines
        .map(|(number, line)| {
            entry(line, system)
                .map_err(|why| format!("line {number} of the suite's results: {why}"))
        })
        .collect::<Result<_>>()?;
    if entries.is_empty() { Err("the suite has no results".into()) } else { Ok(entries) }
}

fn entry(line: &str, system: &str) -> Result<Entry> {
    let fields: Vec<&str> = line.splitn(5, '\t').collect();
    let [backend, module, behaviour, outcome, ref reason @ ..] = fields[..] else {
        return Err(format!("{} fields where 4 or 5 belong", fields.len()));
    };
    let reason = reason.first().copied().unwrap_or_default();
    let because = || match reason {
        "" => Err(format!("{outcome} without a reason")),
        reason => Ok(reason.to_owned()),
    };
    let outcome = match outcome {
        "kept" => Outcome::Kept,
        "unsupported" => Outcome::Unsupported(because()?),
        "broken" => Outcome::Broken(because()?),
        "unavailable" => Outcome::Unavailable(because()?),
        other => return Err(format!("an outcome `{other}`")),
    };
    // The suite may add the system, by the name that it has there; the table has its own.
    let backend = match backend.split_once(" on ") {
        Some((backend, on)) if on == system => backend,
        Some((_, on)) => return Err(format!("a run on {on}, and not on {system}")),
        None => backend,
    };
    let behaviour = behaviour.replace('_', " ");
    Ok(Entry { backend: backend.into(), module: module.into(), behaviour, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Entry>> {
        super::parsed(text, "plan9")
    }

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
        assert!(parsed("posix\tlock\ta\tkept").is_ok());
    }

    #[test]
    fn the_system_is_not_part_of_the_backend() {
        let entries = parsed("posix on plan9\tlock\ta\tkept\t").expect("a line");
        assert_eq!(entries[0].backend, "posix");
    }

    #[test]
    fn a_bad_line_is_named() {
        let message = |text: &str| parsed(text).expect_err(text);
        assert!(message("posix\tlock\ta\tkept\t\nposix\tlock\n").contains("line 2"));
        assert!(message("posix\tlock\ta\tmaybe\t\n").contains("`maybe`"));
        for word in ["broken", "unsupported", "unavailable"] {
            let line = format!("posix\tlock\ta\t{word}\t\n");
            assert!(message(&line).contains("without a reason"));
        }
        assert!(message("posix on multics\tlock\ta\tkept\t").contains("multics"));
        assert!(message("").contains("no results"));
    }
}
