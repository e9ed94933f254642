//! Running suites as the tests of an executable.

use crate::{Failure, Suite, Verdict, matrix::Matrix, verdict::with_causes, watchdog::Watchdog};
use libtest_mimic::Arguments;
use std::{env, path::Path, process::ExitCode, sync::Arc};

/// Names the file to which the matrix is written.
const MATRIX: &str = "STRAIT_MATRIX";

/// Runs the suites with the arguments of this process, which are those of any Rust test.
///
/// Where the environment variable `STRAIT_MATRIX` names a file, the outcomes are written to it: a
/// line a behaviour with its backend, module, name, outcome (`kept`, `unsupported`, `broken` or
/// `unavailable`) and reason, separated by tabs, sorted.
pub fn run(suites: impl IntoIterator<Item = Suite>) -> ExitCode {
    let matrix = env::var_os(MATRIX);
    match run_with(&Arguments::from_args(), matrix.as_deref().map(Path::new), suites) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", with_causes(&*failure));
            ExitCode::FAILURE
        }
    }
}

/// Runs the suites with the given arguments, and writes the outcomes to the file `matrix`.
///
/// # Errors
///
/// Where a behaviour did not do what was expected of it, where there is none at all, where a
/// declaration names no behaviour, and where the matrix can't be written.
pub fn run_with(
    args: &Arguments,
    matrix: Option<&Path>,
    suites: impl IntoIterator<Item = Suite>,
) -> Verdict {
    let suites: Vec<Suite> = suites.into_iter().collect();
    let strays: Vec<String> = suites.iter().flat_map(Suite::stray_declarations).collect();
    if !strays.is_empty() {
        return Err(format!("declared broken, but no behaviour: {}", strays.join(", ")).into());
    }

    let outcomes = Arc::new(Matrix::default());
    let watchdog = Arc::new(Watchdog::start());
    let trials: Vec<_> =
        suites.into_iter().flat_map(|suite| suite.into_trials(&outcomes, &watchdog)).collect();
    if trials.is_empty() {
        return Err("no behaviour is registered: nothing was tested".into());
    }
    let conclusion = libtest_mimic::run(args, trials);

    if let (Some(path), false) = (matrix, args.list) {
        outcomes.write(path).map_err(|error| -> Failure {
            format!("cannot write the matrix to {}: {error}", path.display()).into()
        })?;
    }
    match conclusion.num_failed {
        0 => Ok(()),
        failed => Err(format!("behaviours that did not do what was expected: {failed}").into()),
    }
}
