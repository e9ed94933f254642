//! STAND-IN: replaced by `use strait::backend::{…}` once the facade exports them. The shapes are
//! those of strait-core.

use std::fmt;

/// A backend, as far as the harness looks at it.
pub trait Backend: 'static {
    /// The backend's name in test names and tables.
    const NAME: &'static str;

    /// What the backend can do.
    const CAPABILITIES: Capabilities;
}

/// The backend of this operating system.
#[derive(Debug)]
pub struct Native;

impl Backend for Native {
    const NAME: &'static str = "native";
    const CAPABILITIES: Capabilities = Capabilities::all();
}

/// One thing that a backend may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// Shared memory under a name.
    NamedSegments,
    /// Telling whether a process is alive.
    Liveness,
}

/// A set of [`Capability`]s.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Everything that there is.
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// This set less `capability`.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability as u32))
    }

    /// Whether `capability` is in the set.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u32) != 0
    }
}

/// An error of strait.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    reason: String,
}

/// What sort of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing has that name.
    NotFound,
    /// The backend doesn't offer this.
    Unsupported,
}

impl Error {
    /// An error of `kind`.
    pub fn new(kind: ErrorKind, operation: &'static str, reason: impl Into<String>) -> Self {
        Self { kind, operation, reason: reason.into() }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.operation, self.reason)
    }
}

impl std::error::Error for Error {}
