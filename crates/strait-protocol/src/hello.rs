//! What two ends of a channel tell each other before they share a ring.

use crate::LAYOUT_VERSION;
use strait_core::{Error, ErrorKind, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a receiver shows to whoever connects: which ring it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advert {
    /// The capacity of the ring in bytes.
    pub capacity: u64,
}

impl Advert {
    /// Its length in bytes.
    pub const LEN: usize = size_of::<Raw>();

    /// The bytes that stand for it.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        Raw::bytes(ADVERT, self.capacity)
    }

    /// Checks what a receiver has shown.
    ///
    /// # Errors
    ///
    /// `Foreign` where it isn't a channel of strait; `VersionMismatch`.
    pub fn from_bytes(bytes: &[u8], operation: &'static str) -> Result<Self> {
        Ok(Self { capacity: Raw::check(ADVERT, bytes, operation)? })
    }
}

/// The first message of a sender. The segment of the ring comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The capacity of the ring in bytes, as the advert asked for.
    pub capacity: u64,
}

impl Hello {
    /// Its length in bytes.
    pub const LEN: usize = size_of::<Raw>();

    /// The bytes that stand for it.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        Raw::bytes(HELLO, self.capacity)
    }

    /// Checks the first message of a sender.
    ///
    /// # Errors
    ///
    /// `Foreign` where it isn't one; `VersionMismatch`.
    pub fn from_bytes(bytes: &[u8], operation: &'static str) -> Result<Self> {
        Ok(Self { capacity: Raw::check(HELLO, bytes, operation)? })
    }
}

const ADVERT: [u8; 8] = *b"st-advrt";
const HELLO: [u8; 8] = *b"st-hello";

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    layout_version: u32,
    reserved: u32,
    capacity: u64,
}

impl Raw {
    fn bytes(magic: [u8; 8], capacity: u64) -> [u8; size_of::<Self>()] {
        zerocopy::transmute!(Self { magic, layout_version: LAYOUT_VERSION, reserved: 0, capacity })
    }

    fn check(magic: [u8; 8], bytes: &[u8], operation: &'static str) -> Result<u64> {
        let foreign = || Error::new(ErrorKind::Foreign, operation, "it is no channel of strait");
        let raw = Self::read_from_bytes(bytes).map_err(|_| foreign())?;
        if raw.magic != magic {
            return Err(foreign());
        }
        if raw.layout_version != LAYOUT_VERSION {
            let why = format!(
                "the peer has layout version {} and this program version {LAYOUT_VERSION}",
                raw.layout_version
            );
            return Err(Error::new(ErrorKind::VersionMismatch, operation, why)
                .hint("build both programs with the same version of strait"));
        }
        Ok(raw.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let advert = Advert { capacity: 1 << 20 };
        assert_eq!(Advert::from_bytes(&advert.to_bytes(), "connect").unwrap(), advert);
        for bytes in [&advert.to_bytes()[..], &[], &[0; 24], &[0; 25]] {
            assert_eq!(Hello::from_bytes(bytes, "x").unwrap_err().kind(), ErrorKind::Foreign);
        }
        let mut newer = advert.to_bytes();
        newer[8] = 200;
        let error = Advert::from_bytes(&newer, "connect").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::VersionMismatch);
    }
}
