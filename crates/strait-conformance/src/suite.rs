//! A suite: the behaviours of one backend, and what is declared about them.

use crate::{
    Actor, Backend, Behaviour, Capability, behaviours,
    matrix::Matrix,
    outcome::{Expectation, Outcome},
    patience::allowed,
    watchdog::Watchdog,
};
use libtest_mimic::{Completion, Trial};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a behaviour may take, where nothing else is said.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The behaviours of one backend. [`run()`](crate::run()) runs them.
#[derive(Debug)]
pub struct Suite {
    backend: &'static str,
    can: fn(Capability) -> bool,
    behaviours: Vec<Behaviour>,
    /// Reasons, by the path of the behaviour.
    broken: BTreeMap<String, String>,
    time_limit: Duration,
}

impl Suite {
    /// All behaviours of this crate on the backend `B`.
    pub fn new<B: Backend>() -> Self {
        Self::of(
            B::NAME,
            |capability| B::CAPABILITIES.contains(capability),
            behaviours::behaviours::<B>(),
        )
    }

    /// The actors of all behaviours of this crate, for [`act_if_asked`](crate::act_if_asked).
    pub fn actors<B: Backend>() -> Vec<Actor> {
        behaviours::actors::<B>()
    }

    /// Behaviours of one's own, on the backend of the given name, which can do what `can` says.
    pub fn of(
        backend: &'static str,
        can: fn(Capability) -> bool,
        behaviours: Vec<Behaviour>,
    ) -> Self {
        Self { backend, can, behaviours, broken: BTreeMap::new(), time_limit: TIME_LIMIT }
    }

    /// Adds behaviours of this backend that no other can have.
    #[must_use]
    pub fn and(mut self, behaviours: Vec<Behaviour>) -> Self {
        self.behaviours.extend(behaviours);
        self
    }

    /// Declares that the backend does `behaviour` (`lock::is_fair`) wrong, and why. It still runs,
    /// and has to fail.
    #[must_use]
    pub fn broken(mut self, behaviour: &str, reason: &str) -> Self {
        self.broken.insert(behaviour.to_owned(), reason.to_owned());
        self
    }

    /// Sets how long a behaviour may take before the whole run is aborted; 120 seconds otherwise.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The declarations that name no behaviour.
    pub(crate) fn stray_declarations(&self) -> impl Iterator<Item = String> {
        let exists = |path: &String| self.behaviours.iter().any(|known| known.path() == *path);
        let strays = self.broken.keys().filter(move |path| !exists(path));
        strays.map(|path| format!("{}::{path}", self.backend))
    }

    /// One trial a behaviour.
    pub(crate) fn into_trials(self, matrix: &Arc<Matrix>, watchdog: &Arc<Watchdog>) -> Vec<Trial> {
        let Self { backend, can, behaviours, mut broken, time_limit } = self;
        let trial = |behaviour: Behaviour| {
            let expectation = Expectation {
                missing: behaviour.needs.iter().copied().filter(|need| !can(*need)).collect(),
                broken: broken.remove(&behaviour.path()),
            };
            let name = format!("{backend}::{}", behaviour.path());
            let kind = expectation.word();
            let (matrix, watchdog) = (Arc::clone(matrix), Arc::clone(watchdog));
            Trial::ignorable_test(name.clone(), move || {
                let _watched = watchdog.watch(name, allowed(time_limit));
                let outcome = expectation.hold(&behaviour)?;
                matrix.record(backend, &behaviour, &outcome);
                Ok(match outcome {
                    Outcome::Unavailable(reason) => Completion::ignored_with(reason),
                    _ => Completion::Completed,
                })
            })
            .with_kind(kind)
        };
        behaviours.into_iter().map(trial).collect()
    }
}
