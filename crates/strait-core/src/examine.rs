//! What a system offers, for people to read.

/// One thing that was looked at on this system, and how it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at: `shared memory`, `process handles`.
    pub topic: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it, where it will hurt.
    pub hint: Option<String>,
}

/// How a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and will hurt under some load or in some place.
    Warning,
    /// Something of strait doesn't work here.
    Missing,
}

impl Finding {
    /// Something that is as it should be.
    pub fn good(topic: &'static str, found: impl Into<String>) -> Self {
        Self { topic, verdict: Verdict::Good, found: found.into(), hint: None }
    }

    /// Something that will hurt, and what to do about it.
    pub fn warning(topic: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        let (found, hint) = (found.into(), Some(hint.into()));
        Self { topic, verdict: Verdict::Warning, found, hint }
    }

    /// Something that doesn't work here, and what to do about it.
    pub fn missing(topic: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Missing, ..Self::warning(topic, found, hint) }
    }
}
