//! The progress bar.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, stderr};

/// Shows on stderr how much has passed, where somebody sees it; else it does nothing.
#[derive(Debug)]
pub(crate) struct Meter(Option<ProgressBar>);

impl Meter {
    /// A meter for `total` bytes, where that is known. There is none where it isn't `wanted`, or
    /// where stderr is no terminal.
    pub(crate) fn new(wanted: bool, total: Option<u64>) -> Self {
        if !wanted || !stderr().is_terminal() {
            return Self(None);
        }
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
            ),
            None => (ProgressBar::no_length(), "{spinner} {binary_bytes}, {binary_bytes_per_sec}"),
        };
        // A template that can't be used would only be a plainer bar.
        let style = ProgressStyle::with_template(template);
        Self(Some(style.map_or(bar.clone(), |style| bar.with_style(style))))
    }

    /// A meter that shows no bytes but what is being done.
    pub(crate) fn of_steps(wanted: bool) -> Self {
        let meter = Self::new(wanted, None);
        if let Some(bar) = &meter.0 {
            bar.set_style(ProgressStyle::with_template("{msg} …").unwrap_or_else(|_| bar.style()));
        }
        meter
    }

    /// Counts bytes that have passed.
    #[inline]
    pub(crate) fn add(&self, bytes: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes as u64);
        }
    }

    /// Says what is being done.
    pub(crate) fn step(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
            bar.tick();
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
