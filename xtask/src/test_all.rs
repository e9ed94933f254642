//! `cargo xtask test-all`: runs the legs in order, then says in one line each what became
//! of them. A leg that can't run here is named, never left out in silence.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;

use crate::legs::{Leg, Stop};

/// Runs the chosen legs; or all where none was chosen, of the long ones only if they are wanted. Fails where
/// one failed, one that is required didn't run, or none ran.
pub(crate) fn run(chosen: &[Leg], with_long: bool, required: &[Leg]) -> ExitCode {
    let chosen = in_order(chosen, with_long);
    let reports: Vec<Report> = chosen.iter().map(|&leg| Report::of(leg, &chosen)).collect();
    let tally = Tally::of(&reports);
    let missing = not_run(required, &reports);
    println!();
    for report in &reports {
        println!("{}", report.line());
    }
    println!("{}", tally.line());
    for leg in &missing {
        println!("{} is required, and hasn't run", leg.name());
    }
    if missing.is_empty() { tally.exit_code() } else { ExitCode::FAILURE }
}

/// The chosen legs, or all where none was chosen, in the order in which they run.
pub(crate) fn in_order(chosen: &[Leg], with_long: bool) -> Vec<Leg> {
    let by_itself = |leg: &Leg| chosen.is_empty() && (with_long || !leg.is_long());
    let all = Leg::value_variants().iter().copied();
    all.filter(|leg| chosen.contains(leg) || by_itself(leg)).collect()
}

/// Those of the required legs that weren't run to their end, whyever.
fn not_run(required: &[Leg], reports: &[Report]) -> Vec<Leg> {
    let ran = |leg: &Leg| reports.iter().any(|report| report.leg == *leg && report.result.is_ok());
    required.iter().copied().filter(|leg| !ran(leg)).collect()
}

/// What became of a leg.
struct Report {
    leg: Leg,
    result: Result<(), Stop>,
    took: Duration,
}

impl Report {
    fn of(leg: Leg, chosen: &[Leg]) -> Self {
        println!("\n--- {} ---", leg.name());
        let start = Instant::now();
        let result = leg.run(chosen);
        Report { leg, result, took: start.elapsed() }
    }

    fn line(&self) -> String {
        let seconds = format!("{:.1} s", self.took.as_secs_f64());
        let outcome = match &self.result {
            Ok(()) => format!("ran, {seconds}"),
            Err(Stop::Failed(why)) => format!("failed, {seconds}: {why}"),
            Err(Stop::Unavailable(why)) => format!("unavailable: {why}"),
        };
        format!("{:<10} {outcome}", self.leg.name())
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    fn of(reports: &[Report]) -> Self {
        let mut tally = Tally::default();
        for report in reports {
            match report.result {
                Ok(()) => tally.passed += 1,
                Err(Stop::Failed(_)) => tally.failed += 1,
                Err(Stop::Unavailable(_)) => tally.skipped += 1,
            }
        }
        tally
    }

    fn line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }

    /// Green means that something was checked and all of it was right.
    fn exit_code(&self) -> ExitCode {
        if self.failed == 0 && self.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(leg: Leg, result: Result<(), Stop>) -> Report {
        Report { leg, result, took: Duration::from_millis(1_240) }
    }

    fn unavailable() -> Result<(), Stop> {
        Err(Stop::Unavailable("no backend for plan9 yet".into()))
    }

    #[test]
    fn legs_run_in_their_own_order_and_once() {
        assert_eq!(in_order(&[Leg::Deny, Leg::Tidy, Leg::Deny], false), [Leg::Tidy, Leg::Deny]);
        assert_eq!(in_order(&[], true).len(), Leg::value_variants().len());
        assert!(in_order(&[], true).is_sorted());
    }

    #[test]
    fn long_legs_run_where_they_are_asked_for() {
        assert!(!in_order(&[], false).contains(&Leg::S390x));
        assert!(in_order(&[], true).contains(&Leg::S390x));
        assert_eq!(in_order(&[Leg::S390x], false), [Leg::S390x]);
        assert_eq!(in_order(&[Leg::Tidy], true), [Leg::Tidy]);
    }

    #[test]
    fn a_required_leg_has_to_run() {
        let reports = [report(Leg::Unit, Ok(())), report(Leg::I686, unavailable())];
        assert_eq!(
            not_run(&[Leg::Unit, Leg::I686, Leg::Windows], &reports),
            [Leg::I686, Leg::Windows]
        );
        assert_eq!(not_run(&[], &reports), []);
    }

    #[test]
    fn each_leg_gets_a_line() {
        assert_eq!(report(Leg::Unit, Ok(())).line(), "unit       ran, 1.2 s");
        assert_eq!(
            report(Leg::DocTests, Err(Stop::Failed("2 of 3".into()))).line(),
            "doc-tests  failed, 1.2 s: 2 of 3"
        );
        assert_eq!(
            report(Leg::Matrix, unavailable()).line(),
            "matrix     unavailable: no backend for plan9 yet"
        );
    }

    #[test]
    fn a_run_is_green_only_where_something_ran_and_nothing_failed() {
        let failed = || Err(Stop::Failed(String::new()));
        let green = Tally::of(&[report(Leg::Unit, Ok(())), report(Leg::Matrix, unavailable())]);
        assert_eq!(green.line(), "1 passed, 0 failed, 1 skipped");
        assert_eq!(green.exit_code(), ExitCode::SUCCESS);

        let red = Tally::of(&[report(Leg::Unit, Ok(())), report(Leg::Deny, failed())]);
        assert_eq!(red.line(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(red.exit_code(), ExitCode::FAILURE);

        let nothing = Tally::of(&[report(Leg::Matrix, unavailable())]);
        assert_eq!(nothing.line(), "0 passed, 0 failed, 1 skipped");
        assert_eq!(nothing.exit_code(), ExitCode::FAILURE);
    }
}
