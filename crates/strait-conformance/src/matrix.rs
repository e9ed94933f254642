//! The table of behaviours and backends.

use crate::{Behaviour, fixtures::system, outcome::Outcome};
use std::{
    fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// The outcomes of one run.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    rows: Mutex<Vec<[String; 5]>>,
}

impl Matrix {
    /// Adds the outcome of a behaviour.
    pub(crate) fn record(&self, backend: &str, behaviour: &Behaviour, outcome: &Outcome) {
        let row = [
            format!("{backend} on {}", system()),
            behaviour.module.to_owned(),
            behaviour.name.to_owned(),
            outcome.word().to_owned(),
            // A reason may quote anything; the table has one line a behaviour.
            outcome.reason().replace(['\t', '\r', '\n'], " "),
        ];
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    /// Writes a line for each outcome, sorted, its fields separated by tabs: backend, module,
    /// behaviour, outcome, reason.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.sort();
        let lines: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
        fs::write(path, lines)
    }
}
