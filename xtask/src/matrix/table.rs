//! What the page says: a heading and a table for each module, a line for each behaviour, a
//! column for each backend on each system, and a footnote for each reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::results::{Entry, Outcome};
use crate::cmd::Result;

const NOT_RUN: &str = "not run";

/// The behaviours by module and name. All is sorted, so that the same results always make
/// the same text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// `posix on Linux`
    columns: BTreeSet<String>,
    rows: BTreeMap<(String, String), Row>,
}

/// The cells by column; none where the behaviour was never run.
type Row = BTreeMap<String, Cell>;

/// What came out, or that nothing did, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    word: &'static str,
    reason: Option<String>,
}

/// The words of a cell. All but the first have a reason; where a behaviour was never run at all, there is no cell.
const WORDS: &[&str] = &["kept", "unsupported", "broken", NOT_RUN];

impl Table {
    /// Puts in what a run on `system` says, which is all there is to say about that system.
    pub(super) fn update(&mut self, results: &[Entry], system: &str) {
        let of_system = format!(" on {system}");
        let old = self.without_columns(&of_system);
        for entry in results {
            let column = format!("{}{of_system}", entry.backend);
            let key = (entry.module.clone(), entry.behaviour.clone());
            // A machine that can't tell leaves what another one has told.
            let told = || {
                let cell = old.get(&key).and_then(|row| row.get(&column));
                cell.filter(|cell| cell.word != NOT_RUN).cloned()
            };
            let cell = match &entry.outcome {
                Outcome::Kept => Cell { word: "kept", reason: None },
                Outcome::Unsupported(reason) => Cell::because("unsupported", reason),
                Outcome::Broken(reason) => Cell::because("broken", reason),
                Outcome::Unavailable(reason) => {
                    told().unwrap_or_else(|| Cell::because(NOT_RUN, reason))
                }
            };
            self.columns.insert(column.clone());
            self.rows.entry(key).or_default().insert(column, cell);
        }
    }

    /// Takes out the columns which end so, and the rows about which nobody else says
    /// anything. Hands back the rows as they were.
    fn without_columns(&mut self, end: &str) -> BTreeMap<(String, String), Row> {
        let old = self.rows.clone();
        self.columns.retain(|column| !column.ends_with(end));
        for row in self.rows.values_mut() {
            row.retain(|column, _| !column.ends_with(end));
        }
        self.rows.retain(|_, row| !row.is_empty());
        old
    }
}

impl Cell {
    fn because(word: &'static str, reason: &str) -> Self {
        Self { word, reason: Some(reason.to_owned()) }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let mut reasons = Vec::new();
        let mut current = None;
        for ((module, behaviour), row) in &self.rows {
            if current != Some(module) {
                current = Some(module);
                let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
                writeln!(out, "\n### {module}\n\n| behaviour | {} |", columns.join(" | "))?;
                writeln!(out, "|---|{}", "---|".repeat(columns.len()))?;
            }
            let cells = self.columns.iter().map(|column| shown(row.get(column), &mut reasons));
            let cells: Vec<String> = cells.collect();
            writeln!(out, "| {behaviour} | {} |", cells.join(" | "))?;
        }
        for (number, reason) in (1..).zip(&reasons) {
            writeln!(out, "\n[^{number}]: {reason}")?;
        }
        writeln!(out)
    }
}

/// The cell as text. Its reason joins the footnotes, unless it is there already.
fn shown<'a>(cell: Option<&'a Cell>, reasons: &mut Vec<&'a str>) -> String {
    let Some(Cell { word, reason }) = cell else { return NOT_RUN.into() };
    let Some(reason) = reason else { return (*word).into() };
    let known = reasons.iter().position(|known| known == reason);
    let index = known.unwrap_or(reasons.len());
    if known.is_none() {
        reasons.push(reason);
    }
    format!("{word}[^{}]", index + 1)
}

impl Table {
    /// Reads what `Display` has written.
    pub(super) fn parsed(text: &str) -> Result<Self> {
        let reasons = footnotes(text);
        let mut table = Table::default();
        let mut module = "";
        let mut columns = Vec::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("### ") {
                module = heading;
            } else if let Some(header) = line.strip_prefix("| behaviour ") {
                columns = split(header);
                table.columns.extend(columns.iter().map(|&column| column.to_owned()));
            } else if line.starts_with("| ") {
                let (behaviour, cells) = row(line, &columns, &reasons)?;
                table.rows.insert((module.to_owned(), behaviour), cells);
            }
        }
        Ok(table)
    }
}

/// `[^1]: reason`
fn footnotes(text: &str) -> BTreeMap<&str, &str> {
    let notes = text.lines().filter_map(|line| line.strip_prefix("[^"));
    notes.filter_map(|note| note.split_once("]: ")).collect()
}

fn row(line: &str, columns: &[&str], reasons: &BTreeMap<&str, &str>) -> Result<(String, Row)> {
    let unreadable = || format!("can't read this line of the table: {line}");
    let all = split(line);
    let (behaviour, texts) = all.split_first().ok_or_else(unreadable)?;
    if texts.len() != columns.len() {
        return Err(unreadable());
    }
    let mut cells = Row::new();
    for (&column, &text) in columns.iter().zip(texts) {
        if text != NOT_RUN {
            cells.insert(column.to_owned(), cell(text, reasons).ok_or_else(unreadable)?);
        }
    }
    Ok(((*behaviour).to_owned(), cells))
}

/// What `shown` has written: `kept`, or `broken[^1]`.
fn cell(text: &str, reasons: &BTreeMap<&str, &str>) -> Option<Cell> {
    let (word, reason) = match text.split_once("[^") {
        Some((word, note)) => (word, Some(*reasons.get(note.strip_suffix(']')?)?)),
        None => (text, None),
    };
    let word = WORDS.iter().find(|known| **known == word)?;
    let stands_alone = *word == "kept";
    (stands_alone == reason.is_none()).then(|| Cell { word, reason: reason.map(str::to_owned) })
}

/// The cells of a line.
fn split(line: &str) -> Vec<&str> {
    line.trim_matches(['|', ' ']).split('|').map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use super::super::results;
    use super::*;

    const FIRST: &str = "\
posix\tlock\tlock_is_recovered\tkept\t
posix\tlock\tlock_is_fair\tbroken\tfutexes are not
posix\tchannel\tclose_is_seen\tunavailable\tno tmpfs
posix\tchannel\tsend_waits\tbroken\tfutexes are not
portable\tlock\tlock_is_recovered\tbroken\thangs | for ever
portable\tlock\tlock_is_fair\tunsupported\tneeds Fairness
";

    const WRITTEN: &str = "
### channel

| behaviour | portable on Linux | posix on Linux |
|---|---|---|
| close is seen | not run | not run[^1] |
| send waits | not run | broken[^2] |

### lock

| behaviour | portable on Linux | posix on Linux |
|---|---|---|
| lock is fair | unsupported[^3] | broken[^2] |
| lock is recovered | broken[^4] | kept |

[^1]: no tmpfs

[^2]: futexes are not

[^3]: needs Fairness

[^4]: hangs | for ever

";

    fn updated(text: &str, tsv: &str, system: &str) -> String {
        let mut table = Table::parsed(text).expect("a table");
        table.update(&results::parsed(tsv, system).expect("results"), system);
        table.to_string()
    }

    #[test]
    fn results_become_a_table() {
        assert_eq!(updated("", FIRST, "Linux"), WRITTEN);
    }

    #[test]
    fn the_order_of_results_means_nothing() {
        let backwards: Vec<&str> = FIRST.lines().rev().collect();
        assert_eq!(updated("", &backwards.join("\n"), "Linux"), WRITTEN);
    }

    #[test]
    fn what_was_written_can_be_read() {
        assert_eq!(Table::parsed(WRITTEN).map(|table| table.to_string()), Ok(WRITTEN.into()));
        assert_eq!(updated(WRITTEN, FIRST, "Linux"), WRITTEN);
    }

    #[test]
    fn a_run_leaves_the_columns_of_other_systems() {
        let both = updated(WRITTEN, "posix\tlock\tlock_is_fair\tkept\t", "macOS");
        assert!(both.contains("| portable on Linux | posix on Linux | posix on macOS |"));
        assert!(both.contains("| lock is fair | unsupported[^3] | broken[^2] | kept |"));
        assert!(both.contains("| lock is recovered | broken[^4] | kept | not run |"));
    }

    #[test]
    fn a_run_owns_the_columns_of_its_system() {
        let less = updated(WRITTEN, "posix\tlock\tlock_is_fair\tkept\t", "Linux");
        let expected = "\n### lock\n\n| behaviour | posix on Linux |\n|---|---|\n\
                        | lock is fair | kept |\n\n";
        assert_eq!(less, expected);
    }

    #[test]
    fn what_is_unavailable_keeps_what_is_known() {
        let told = updated(WRITTEN, "posix\tlock\tlock_is_fair\tunavailable\tno root", "Linux");
        assert!(told.contains("| lock is fair | broken[^1] |"));
    }

    #[test]
    fn why_something_is_unavailable_is_what_was_said_last() {
        let told = updated(WRITTEN, "posix\tchannel\tclose_is_seen\tunavailable\tno root", "Linux");
        assert!(told.contains("| close is seen | not run[^1] |"));
        assert!(told.contains("[^1]: no root") && !told.contains("tmpfs"));
    }

    #[test]
    fn a_line_that_was_changed_by_hand_is_named() {
        let message = |text: &str| Table::parsed(text).expect_err("no table");
        assert!(message("| behaviour | a |\n| b | fine |\n").contains("| b | fine |"));
        assert!(message("| behaviour | a |\n| b | kept | kept |\n").contains("| b |"));
        assert!(message("| behaviour | a |\n| b | broken[^1] |\n").contains("| b |"));
        assert!(message("| behaviour | a |\n| b | kept[^1] |\n\n[^1]: c\n").contains("| b |"));
        assert!(message("| behaviour | a |\n| b | unsupported |\n").contains("| b |"));
    }
}
