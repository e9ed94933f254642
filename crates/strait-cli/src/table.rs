//! Aligned columns on stdout.

use crate::failure::{Failure, Result};
use std::io::{self, Write};

/// A table for people to read.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The columns that are numbers, which are set right.
    right: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table; the columns with the indices `right` are set right.
    pub(crate) fn new(right: impl IntoIterator<Item = usize>) -> Self {
        Self { right: right.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Prints it.
    pub(crate) fn print(&self) -> Result<()> {
        io::stdout().write_all(self.render().as_bytes()).map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::System { what: "write to stdout", source },
        })
    }

    fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for (column, cell) in self.rows.iter().flat_map(|row| row.iter().enumerate()) {
            widths[column] = len(cell).max(widths[column]);
        }
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let gap = " ".repeat(widths[column] - len(cell));
                let (before, after) =
                    if self.right.contains(&column) { (&*gap, "") } else { ("", &*gap) };
                line.extend([before, cell, after, "  "]);
            }
            text.extend([line.trim_end(), "\n"]);
        }
        text
    }
}

fn len(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_clean() {
        let mut table = Table::new([1]);
        table.row(["name", "µs", "note"]);
        table.row(["a", "12", ""]);
        table.row(["größe", "7", "x"]);
        assert_eq!(table.render(), "name   µs  note\na      12\ngröße   7  x\n");
    }
}
