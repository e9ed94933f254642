//! `strait doctor`: what this system offers of what strait needs.

use crate::{
    failure::{Failure, Result},
    table::Table,
};
use strait::backend::Verdict;

/// Show what this system offers, and what to do about what will hurt
///
/// Fails if something that strait needs is missing.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<()> {
    let findings = strait::examine();
    let mut table = Table::new([]);
    for finding in &findings {
        let hint = finding.hint.as_deref().unwrap_or_default();
        table.row([mark(finding.verdict), finding.topic, &finding.found, hint]);
    }
    table.print()?;
    match findings.iter().filter(|finding| finding.verdict == Verdict::Missing).count() {
        0 => Ok(()),
        some => Err(Failure::Other(format!("missing here: {some} of what strait needs"))),
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "ok",
        Verdict::Warning => "warn",
        Verdict::Missing => "missing",
    }
}
