//! What is said about the end of a channel that another process goes on with.

use crate::LAYOUT_VERSION;
use strait_core::{Error, ErrorKind, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The private part of an end: what isn't in the ring's shared words. The name of the channel follows
/// it, where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedOver {
    /// The capacity of the ring in bytes.
    pub capacity: u64,
    /// Where the next record begins.
    pub position: u64,
    /// What has become of the peer.
    pub peer: PeerState,
}

/// What has become of the peer of an end that is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum PeerState {
    /// There is a ring, and maybe more to come.
    Connected = 0,
    /// It has finished: there is no ring any more.
    Finished = 1,
    /// It was killed: there is no ring any more.
    HungUp = 2,
}

impl HandedOver {
    /// Its length in bytes.
    pub const LEN: usize = size_of::<Raw>();

    /// The bytes that stand for it.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        zerocopy::transmute!(Raw {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            peer: self.peer as u32,
            capacity: self.capacity,
            position: self.position,
        })
    }

    /// Checks what another process has said, and returns what follows it.
    ///
    /// # Errors
    ///
    /// `Foreign` where it isn't one; `VersionMismatch`; `PeerCorrupt`.
    pub fn from_bytes<'a>(bytes: &'a [u8], operation: &'static str) -> Result<(Self, &'a [u8])> {
        let failed = |kind, why: String| Error::new(kind, operation, why);
        let (raw, rest) = match Raw::read_from_prefix(bytes) {
            Ok((raw, rest)) if raw.magic == MAGIC => (raw, rest),
            _ => {
                let why = "it is no end of a channel of strait";
                return Err(failed(ErrorKind::Foreign, why.to_owned()));
            }
        };
        if raw.layout_version != LAYOUT_VERSION {
            let why = format!(
                "the peer has layout version {} and this program version {LAYOUT_VERSION}",
                raw.layout_version
            );
            return Err(failed(ErrorKind::VersionMismatch, why)
                .hint("build both programs with the same version of strait"));
        }
        let peer = match raw.peer {
            0 => PeerState::Connected,
            1 => PeerState::Finished,
            2 => PeerState::HungUp,
            other => {
                let why = format!("{other} is no state of a peer");
                return Err(failed(ErrorKind::PeerCorrupt, why));
            }
        };
        Ok((Self { capacity: raw.capacity, position: raw.position, peer }, rest))
    }
}

const MAGIC: [u8; 8] = *b"st-chend";

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    layout_version: u32,
    peer: u32,
    capacity: u64,
    position: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let end = HandedOver { capacity: 4096, position: 8, peer: PeerState::HungUp };
        let bytes = [&end.to_bytes()[..], b"name"].concat();
        assert_eq!(HandedOver::from_bytes(&bytes, "x").unwrap(), (end, &b"name"[..]));
        let kind = |bytes: &[u8]| HandedOver::from_bytes(bytes, "x").unwrap_err().kind();
        assert_eq!(kind(&bytes[..31]), ErrorKind::Foreign);
        assert_eq!(kind(&[0; 32]), ErrorKind::Foreign);
        let mut wrong = end.to_bytes();
        wrong[12] = 3;
        assert_eq!(kind(&wrong), ErrorKind::PeerCorrupt);
        wrong[8] = 200;
        assert_eq!(kind(&wrong), ErrorKind::VersionMismatch);
    }
}
