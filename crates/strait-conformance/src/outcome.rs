//! What came out of a behaviour, measured by what was to come out.

use crate::{
    Behaviour, Capability,
    verdict::{Unavailable, Verdict, is_refusal, refusal_of, with_causes},
};
use std::{any::Any, panic::catch_unwind};

/// A behaviour that ended as it was expected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The promise was kept.
    Kept,
    /// The backend can't do it and says so.
    Unsupported(String),
    /// The backend does it wrong, as declared.
    Broken(String),
    /// This machine can't show it.
    Unavailable(String),
}

impl Outcome {
    /// Its word in the matrix.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Unsupported(_) => "unsupported",
            Self::Broken(_) => "broken",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Why it isn't `Kept`.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Kept => "",
            Self::Unsupported(reason) | Self::Broken(reason) | Self::Unavailable(reason) => reason,
        }
    }
}

/// What a behaviour has to do.
#[derive(Debug)]
pub(crate) struct Expectation {
    /// Those of the needed capabilities that the backend lacks.
    pub(crate) missing: Vec<Capability>,
    /// Why it won't do what it otherwise would have to.
    pub(crate) broken: Option<String>,
}

impl Expectation {
    /// A word for what is out of the ordinary, known before the behaviour runs.
    pub(crate) fn word(&self) -> &'static str {
        match (&self.broken, self.missing.is_empty()) {
            (Some(_), _) => "broken",
            (None, false) => "unsupported",
            (None, true) => "",
        }
    }

    /// Runs the behaviour; the error says how it differs from what was expected.
    pub(crate) fn hold(&self, behaviour: &Behaviour) -> Result<Outcome, String> {
        let ended = Ended::of(behaviour);
        if let Ended::Unavailable(reason) = ended {
            return Ok(Outcome::Unavailable(reason));
        }
        match (self.without_excuse(ended), &self.broken) {
            (result, None) => result,
            (Err(_), Some(reason)) => Ok(Outcome::Broken(reason.clone())),
            (Ok(_), Some(reason)) => {
                Err(format!("is declared broken ({reason}), but isn't any more"))
            }
        }
    }

    fn without_excuse(&self, ended: Ended) -> Result<Outcome, String> {
        let missing = || format!("needs {}", list(&self.missing));
        match (ended, self.missing.is_empty()) {
            (Ended::Passed, true) => Ok(Outcome::Kept),
            (Ended::Refused(_), false) => Ok(Outcome::Unsupported(missing())),
            (Ended::Unavailable(reason), _) => Ok(Outcome::Unavailable(reason)),
            (Ended::Refused(text) | Ended::Failed(text), true) => Err(text),
            (Ended::Failed(text), false) => Err(format!(
                "{}, which the backend doesn't offer: it has to be refused as Unsupported, \
                 but failed otherwise: {text}",
                missing()
            )),
            (Ended::Passed, false) => Err(format!(
                "{}, which the backend doesn't offer: it has to be refused as Unsupported, \
                 but passed",
                missing()
            )),
        }
    }
}

/// How the function of a behaviour ended.
enum Ended {
    Passed,
    /// With an error of kind `Unsupported`, of its own or of a peer.
    Refused(String),
    /// With any other error, or a panic.
    Failed(String),
    Unavailable(String),
}

impl Ended {
    fn of(behaviour: &Behaviour) -> Self {
        match catch_unwind(behaviour.run) {
            Ok(verdict) => Self::with(verdict),
            Err(payload) => match refusal_of(payload) {
                Ok(refusal) => Self::with(Err(refusal)),
                Err(payload) => Self::Failed(format!("panicked: {}", panic_message(&*payload))),
            },
        }
    }

    fn with(verdict: Verdict) -> Self {
        match verdict {
            Ok(()) => Self::Passed,
            Err(failure) if failure.is::<Unavailable>() => Self::Unavailable(failure.to_string()),
            Err(failure) if is_refusal(&*failure) => Self::Refused(with_causes(&*failure)),
            Err(failure) => Self::Failed(with_causes(&*failure)),
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("")
}

fn list(capabilities: &[Capability]) -> String {
    let names: Vec<String> = capabilities.iter().map(|missing| format!("{missing:?}")).collect();
    names.join(" and ")
}
