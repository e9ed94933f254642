//! The table at the end.

use super::measure::Measured;
use crate::{
    failure::{Failure, Result},
    table::Table,
};
use std::time::Duration;

/// What came of all mechanisms.
#[derive(Default)]
pub(super) struct Report {
    rows: Vec<[String; 6]>,
    unverified: usize,
}

impl Report {
    /// Adds a mechanism.
    pub(super) fn add(&mut self, title: &str, bytes: usize, done: Result<Measured>) {
        let nothing = || "-".to_owned();
        let (rate, p50, p99, verified) = match &done {
            Ok(Measured { verified, rate, latency }) => (
                rate.map_or_else(nothing, |rate| format!("{:.0}", rate / MIB)),
                in_words(latency.p50),
                in_words(latency.p99),
                if *verified { "yes".to_owned() } else { "NO".to_owned() },
            ),
            Err(failure) => (nothing(), nothing(), nothing(), format!("NO: {failure}")),
        };
        self.unverified += usize::from(!matches!(done, Ok(Measured { verified: true, .. })));
        self.rows.push([title.to_owned(), bytes.to_string(), rate, p50, p99, verified]);
    }

    /// Prints the table; an error where something is not verified.
    pub(super) fn print(self) -> Result<()> {
        let mut table = Table::new(1..=4);
        table.row(["mechanism", "bytes", "MiB/s", "one way p50", "p99", "verified"]);
        let all = self.rows.len();
        self.rows.into_iter().for_each(|row| table.row(row));
        table.print()?;
        match self.unverified {
            0 => Ok(()),
            some => Err(Failure::Other(format!("not verified: {some} of {all} mechanisms"))),
        }
    }
}

const MIB: f64 = (1 << 20) as f64;

fn in_words(time: Duration) -> String {
    match time.as_nanos() {
        short @ ..10_000 => format!("{short} ns"),
        long => format!("{} µs", long / 1000),
    }
}
