//! What a parent says to a child that it hands endpoints to, and what that answers.
//!
//! The parent says first how many endpoints come, then sends each in a message of its own; all before the
//! child begins. The child answers when it has them. Both say which version they speak.

use crate::LAYOUT_VERSION;
use strait_core::{Error, ErrorKind, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The first message in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// How many endpoints come, or have come.
    pub endpoints: u32,
}

impl Greeting {
    /// Its length in bytes.
    pub const LEN: usize = size_of::<RawGreeting>();

    /// The bytes that stand for it.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        zerocopy::transmute!(RawGreeting {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            endpoints: self.endpoints,
        })
    }

    /// Checks what the other process has said.
    ///
    /// # Errors
    ///
    /// `Foreign` where it isn't strait that speaks; `VersionMismatch`.
    pub fn from_bytes(bytes: &[u8], operation: &'static str) -> Result<Self> {
        let raw = match RawGreeting::read_from_prefix(bytes) {
            Ok((raw, _)) if raw.magic == MAGIC => raw,
            _ => {
                let why = "the other process doesn't speak as strait does";
                return Err(Error::new(ErrorKind::Foreign, operation, why));
            }
        };
        if raw.layout_version != LAYOUT_VERSION {
            let why = format!(
                "the other process has layout version {} and this one version {LAYOUT_VERSION}",
                raw.layout_version
            );
            return Err(Error::new(ErrorKind::VersionMismatch, operation, why)
                .hint("build both programs with the same version of strait"));
        }
        Ok(Self { endpoints: raw.endpoints })
    }
}

/// What is said about one endpoint, in the message that has its handles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    /// Which sort of endpoint it is.
    pub kind: u32,
    /// How many handles it is made of.
    pub handles: u32,
    /// What the child knows it by.
    pub name: &'a str,
    /// What the endpoint knows that its handles don't say.
    pub state: &'a [u8],
}

impl<'a> Label<'a> {
    /// The bytes that stand for it.
    ///
    /// # Errors
    ///
    /// `TooLarge` where the name is longer than anything.
    pub fn to_bytes(&self, operation: &'static str) -> Result<Vec<u8>> {
        let Ok(name_len) = u32::try_from(self.name.len()) else {
            return Err(Error::new(ErrorKind::TooLarge, operation, "its name is too long"));
        };
        let raw = RawLabel { kind: self.kind, handles: self.handles, name_len };
        Ok([raw.as_bytes(), self.name.as_bytes(), self.state].concat())
    }

    /// Checks what the parent has said.
    ///
    /// # Errors
    ///
    /// `PeerCorrupt`.
    pub fn from_bytes(bytes: &'a [u8], operation: &'static str) -> Result<Self> {
        let corrupt = || Error::new(ErrorKind::PeerCorrupt, operation, "what came is no endpoint");
        let (raw, rest) = RawLabel::read_from_prefix(bytes).map_err(|_| corrupt())?;
        let (name, state) = rest.split_at_checked(raw.name_len as usize).ok_or_else(corrupt)?;
        let name = std::str::from_utf8(name).map_err(|_| corrupt())?;
        Ok(Self { kind: raw.kind, handles: raw.handles, name, state })
    }
}

const MAGIC: [u8; 8] = *b"st-bequ\0";

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct RawGreeting {
    magic: [u8; 8],
    layout_version: u32,
    endpoints: u32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct RawLabel {
    kind: u32,
    handles: u32,
    name_len: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_again_and_nothing_else_is() {
        let bytes = Greeting { endpoints: 7 }.to_bytes();
        assert_eq!(Greeting::from_bytes(&bytes, "x").unwrap().endpoints, 7);
        let kind = |bytes: &[u8]| Greeting::from_bytes(bytes, "x").unwrap_err().kind();
        assert_eq!(kind(&bytes[1..]), ErrorKind::Foreign);
        assert_eq!(kind(&[]), ErrorKind::Foreign);
        let mut other = bytes;
        other[8] ^= 0x40;
        assert_eq!(kind(&other), ErrorKind::VersionMismatch);
    }

    #[test]
    fn a_label_is_read_again_whatever_is_in_it() {
        let label = Label { kind: 3, handles: 2, name: "jobs é", state: &[1, 2, 3] };
        let bytes = label.to_bytes("x").unwrap();
        assert_eq!(Label::from_bytes(&bytes, "x").unwrap(), label);
        for len in 0..12 + label.name.len() {
            let error = Label::from_bytes(&bytes[..len], "x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PeerCorrupt);
        }
        let mut other = bytes;
        other[12] = 0xff;
        assert!(Label::from_bytes(&other, "x").is_err());
    }
}
