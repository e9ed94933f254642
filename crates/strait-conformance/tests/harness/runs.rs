//! A run judges its behaviours by what was declared about them. Each run takes place in a peer.

use crate::sample;
use std::{env, env::consts::OS, fs, path::Path, process, time::Duration};
use strait_conformance::{
    Actor, Arguments, Backend, Failure, Native, Peer, Stage, Suite, Verdict, actors, behaviours,
    is_wine, run_with,
};

behaviours! {
    runs;
    a_kept_behaviour_passes,
    a_failed_behaviour_fails_the_run,
    a_panicking_behaviour_fails_the_run,
    an_unexpected_refusal_fails_the_run,
    a_broken_behaviour_has_to_fail,
    an_unexpected_pass_fails_the_run,
    a_declaration_without_a_behaviour_fails_the_run,
    what_is_missing_has_to_be_refused,
    what_is_missing_and_works_fails_the_run,
    what_is_missing_and_fails_otherwise_fails_the_run,
    what_is_unavailable_is_shown_with_its_reason,
    a_run_of_nothing_fails,
    a_filter_that_selects_nothing_is_no_failure,
    a_hanging_behaviour_aborts_the_run_with_its_name,
    the_matrix_has_a_line_for_each_expected_outcome,
    a_matrix_that_cannot_be_written_fails_the_run,
}

pub(crate) fn actors() -> Vec<Actor> {
    actors![run_sample, run_without_behaviours, run_with_a_matrix]
}

fn a_kept_behaviour_passes<B: Backend>() -> Verdict {
    let run = Run::of("passes", "", "all")?;
    assert!(run.passed, "{run:?}");
    assert!(run.shows("sample::sample::passes", "ok"), "{run:?}");
    Ok(())
}

fn a_failed_behaviour_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("passes fails", "", "all")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.shows("sample::sample::passes", "ok"), "{run:?}");
    assert!(run.shows("sample::sample::fails", "FAILED"), "{run:?}");
    assert!(run.output.contains("invalid digit"), "{run:?}");
    Ok(())
}

fn a_panicking_behaviour_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("panics", "", "all")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.output.contains("arithmetic is off"), "{run:?}");
    Ok(())
}

fn an_unexpected_refusal_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("is_refused", "", "all")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.output.contains("there are no names"), "{run:?}");
    Ok(())
}

fn a_broken_behaviour_has_to_fail<B: Backend>() -> Verdict {
    let run = Run::of("fails panics", "sample::fails sample::panics", "all")?;
    assert!(run.passed, "{run:?}");
    assert!(run.shows("[broken] sample::sample::fails", "ok"), "{run:?}");
    assert!(run.shows("[broken] sample::sample::panics", "ok"), "{run:?}");
    Ok(())
}

fn an_unexpected_pass_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("passes", "sample::passes", "all")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.output.contains("declared broken (it is known), but isn't any more"), "{run:?}");
    Ok(())
}

fn a_declaration_without_a_behaviour_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("passes", "sample::passess", "all")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.stderr.contains("no behaviour: sample::sample::passess"), "{run:?}");
    Ok(())
}

fn what_is_missing_has_to_be_refused<B: Backend>() -> Verdict {
    for name in ["is_refused", "is_refused_in_a_peer", "says_that_it_is_refused_in_a_peer"] {
        let run = Run::of(name, "", "nothing")?;
        assert!(run.passed, "{run:?}");
        assert!(run.shows(&format!("[unsupported] sample::sample::{name}"), "ok"), "{run:?}");
    }
    Ok(())
}

fn what_is_missing_and_works_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("works_anyway", "", "nothing")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.output.contains("refused as Unsupported, but passed"), "{run:?}");
    Ok(())
}

fn what_is_missing_and_fails_otherwise_fails_the_run<B: Backend>() -> Verdict {
    let run = Run::of("fails_otherwise", "", "nothing")?;
    assert!(!run.passed, "{run:?}");
    assert!(run.output.contains("failed otherwise: cannot create: there is no"), "{run:?}");
    Ok(())
}

fn what_is_unavailable_is_shown_with_its_reason<B: Backend>() -> Verdict {
    let run = Run::of("steps_aside", "", "all")?;
    assert!(run.passed, "{run:?}");
    assert!(run.shows("sample::sample::steps_aside", "ignored (needs a\tfull moon)"), "{run:?}");
    // It says nothing about a declaration.
    let run = Run::of("steps_aside", "sample::steps_aside", "all")?;
    assert!(run.passed, "{run:?}");
    assert!(run.shows("[broken] sample::sample::steps_aside", "ignored"), "{run:?}");
    Ok(())
}

fn a_run_of_nothing_fails<B: Backend>() -> Verdict {
    let run = Run::in_peer(Peer::start(run_without_behaviours)?)?;
    assert!(!run.passed, "{run:?}");
    assert!(run.stderr.contains("nothing was tested"), "{run:?}");
    Ok(())
}

fn a_filter_that_selects_nothing_is_no_failure<B: Backend>() -> Verdict {
    let args = ["fails", "", "all", "no such name"];
    let run = Run::in_peer(Peer::with_args(run_sample, args)?)?;
    assert!(run.passed, "{run:?}");
    assert!(run.output.contains("1 filtered out"), "{run:?}");
    Ok(())
}

fn a_hanging_behaviour_aborts_the_run_with_its_name<B: Backend>() -> Verdict {
    for threads in ["1", "2"] {
        let args = ["passes hangs", "", "all", "--test-threads", threads];
        let run = Run::in_peer(Peer::with_args(run_sample, args)?)?;
        assert!(!run.passed, "{run:?}");
        assert!(run.stderr.contains("sample::sample::hangs did not end within"), "{run:?}");
    }
    Ok(())
}

fn the_matrix_has_a_line_for_each_expected_outcome<B: Backend>() -> Verdict {
    let path = env::temp_dir().join(format!("strait-matrix-{}.tsv", process::id()));
    let run = Run::in_peer(Peer::with_args(run_with_a_matrix, [path.display()])?)?;
    let matrix = fs::read_to_string(&path)?;
    fs::remove_file(&path)?;
    assert!(!run.passed, "one of the behaviours fails: {run:?}");
    let system = if is_wine() { "wine" } else { OS };
    let expected = format!(
        "bare on {system}\tsample\tis_refused\tunsupported\tneeds NamedSegments and Liveness\n\
         full on {system}\tsample\tfails\tbroken\tno digits\n\
         full on {system}\tsample\tpasses\tkept\t\n\
         full on {system}\tsample\tsteps_aside\tunavailable\tneeds a full moon\n",
    );
    assert_eq!(matrix, expected);
    Ok(())
}

fn a_matrix_that_cannot_be_written_fails_the_run<B: Backend>() -> Verdict {
    let path = env::temp_dir().join(format!("strait-no-{}", process::id())).join("matrix.tsv");
    let run = Run::in_peer(Peer::with_args(run_with_a_matrix, [path.display()])?)?;
    assert!(!run.passed, "{run:?}");
    assert!(run.stderr.contains("cannot write the matrix"), "{run:?}");
    Ok(())
}

/// Its arguments: the names of the behaviours to run, those declared broken, `all` or `nothing`
/// for what the backend can do, and the arguments of the run.
fn run_sample(stage: &mut Stage) -> Verdict {
    let words = |index| stage.arg(index).split_whitespace();
    let names: Vec<&str> = words(0).collect();
    let suite = match stage.arg(2) {
        "all" => Suite::of("sample", |_| true, selected(&names)),
        _ => Suite::of("sample", |_| false, selected(&names)),
    };
    let suite = words(1).fold(suite, |suite, broken| suite.broken(broken, "it is known"));
    // Long enough for all that ends, and short for what doesn't.
    let limit = Duration::from_millis(if names.contains(&"hangs") { 200 } else { 30_000 });
    let program = "run".to_owned();
    let args = Arguments::from_iter([program].iter().chain(&stage.args()[3..]));
    run_with(&args, None, [suite.time_limit(limit)])
}

fn run_without_behaviours(_: &mut Stage) -> Verdict {
    run_with(&Arguments::default(), None, [Suite::of("sample", |_| true, Vec::new())])
}

fn run_with_a_matrix(stage: &mut Stage) -> Verdict {
    let full = Suite::of("full", |_| true, selected(&["steps_aside", "passes", "fails", "panics"]))
        .broken("sample::fails", "no\ndigits");
    let bare = Suite::of("bare", |_| false, selected(&["is_refused"]));
    run_with(&Arguments::default(), Some(Path::new(stage.arg(0))), [full, bare])
}

fn selected(names: &[&str]) -> Vec<strait_conformance::Behaviour> {
    let all = sample::behaviours::<Native>().into_iter();
    all.filter(|behaviour| names.contains(&behaviour.name)).collect()
}

/// What a run in a peer left.
#[derive(Debug)]
struct Run {
    passed: bool,
    output: String,
    stderr: String,
}

impl Run {
    fn of(behaviours: &str, broken: &str, can: &str) -> Result<Self, Failure> {
        Self::in_peer(Peer::with_args(run_sample, [behaviours, broken, can])?)
    }

    fn in_peer(mut peer: Peer) -> Result<Self, Failure> {
        let passed = peer.wait()?.success();
        let mut output = String::new();
        while let Ok(line) = peer.hear() {
            output = output + &line + "\n";
        }
        Ok(Self { passed, output, stderr: peer.stderr() })
    }

    /// Whether the line of the test `name` has `outcome` after it.
    fn shows(&self, name: &str, outcome: &str) -> bool {
        self.output.lines().any(|line| {
            let rest = line.strip_prefix("test ").and_then(|line| line.strip_prefix(name));
            rest.is_some_and(|rest| rest.trim_start_matches([' ', '.']).starts_with(outcome))
        })
    }
}
