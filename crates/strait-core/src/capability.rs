//! What a backend can do.

use crate::{Error, ErrorKind, Result};

/// One thing that a backend may be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Capability {
    /// Shared memory under a name.
    NamedSegments,
    /// Shared memory without a name, which a connection carries to another process.
    AnonymousSegments,
    /// Files mapped into memory.
    FileSegments,
    /// Mappings that can't be written through.
    ReadOnlyMappings,
    /// Access for other users than the creating one.
    SharedAccess,
    /// Memory whose size no peer can change.
    SealedSize,
    /// Mapped memory whose file a peer truncates reads as zeros and doesn't end the process.
    TruncationGuard,
    /// Space is reserved at creation: a full system is an error then, and not a fault later.
    Reservation,
    /// A name whose creator was killed is recognised and reclaimed.
    StaleNames,
    /// Sleeping on a word of shared memory.
    WaitAddress,
    /// Telling whether a process is alive.
    Liveness,
    /// Seats at shared memory that the end of their process frees: what locks know their owners by.
    Seats,
    /// Meeting under a name, with bytes, segments and a death notice.
    Rendezvous,
    /// The identity of the peer of a connection.
    PeerCredentials,
    /// Streams of bytes, one way, through the kernel.
    Pipes,
    /// Such streams under a name.
    NamedPipes,
    /// Receiving and sending signals.
    Signals,
    /// Handles, and what they stand for, passed to another process.
    HandlePassing,
    /// Local sockets: streams of bytes, and messages that keep their boundaries.
    LocalSockets,
}

/// A set of [`Capability`]s.
///
/// ```
/// use strait_core::{Capabilities, Capability};
///
/// const MINE: Capabilities = Capabilities::none().with(Capability::FileSegments);
/// assert!(MINE.contains(Capability::FileSegments));
/// assert!(!MINE.contains(Capability::NamedSegments));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Nothing.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Everything that there is.
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// This set and `capability`.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u32)
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

    /// Refuses `operation` where `capability` isn't in the set: the one place where that is done.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn require(self, capability: Capability, operation: &'static str) -> Result<()> {
        if self.contains(capability) {
            return Ok(());
        }
        let why = format!("this backend does not offer {capability:?}");
        Err(Error::new(ErrorKind::Unsupported, operation, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_refused_as_unsupported() {
        let set = Capabilities::all().without(Capability::Liveness);
        assert!(set.require(Capability::NamedSegments, "create").is_ok());
        let error = set.require(Capability::Liveness, "watch a process").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "cannot watch a process: this backend does not offer Liveness"
        );
    }
}
