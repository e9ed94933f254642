//! The header at the beginning of every segment: what this is, for whoever opens it.

use strait_core::{Error, ErrorKind, Fingerprint, Lifetime, Name, ProcessIdentity, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The version of everything that strait lays out in shared memory. Two processes that differ in it
/// don't share.
pub const LAYOUT_VERSION: u32 = 1;

/// What a segment is, as its header says: the checked form of the first [`Header::LEN`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What it holds.
    pub kind: Kind,
    /// How long its name lives.
    pub lifetime: Lifetime,
    /// How many bytes follow the header.
    pub payload_len: u64,
    /// The fingerprint of the type that it holds.
    pub fingerprint: Fingerprint,
    /// Who created it.
    pub creator: ProcessIdentity,
    /// Its real name; a backend may have had to hash it. `None` for anonymous memory.
    pub name: Option<Name>,
}

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Plain bytes.
    Memory,
    /// One value of a type.
    Value,
    /// The ring of a channel.
    Ring,
}

impl Header {
    /// The length of a header in bytes; what follows it is aligned to as much.
    pub const LEN: usize = size_of::<Raw>();

    /// The bytes that stand for it at the beginning of a segment.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let name = self.name.as_ref().map_or("", Name::as_str);
        let mut raw = Raw {
            magic: MAGIC,
            layout_version: LAYOUT_VERSION,
            state: READY,
            kind: kind_to_word(self.kind),
            lifetime: lifetime_to_word(self.lifetime),
            payload_len: self.payload_len,
            fingerprint: self.fingerprint.to_bytes(),
            creator: self.creator,
            name_len: name.len() as u64,
            name: [0; Name::MAX_LEN],
            reserved: [0; RESERVED],
        };
        raw.name[..name.len()].copy_from_slice(name.as_bytes());
        zerocopy::transmute!(raw)
    }

    /// Checks the first bytes of a segment, a copy that no peer can change any more.
    ///
    /// # Errors
    ///
    /// `Foreign` where it isn't strait's or isn't complete; `VersionMismatch`; `PeerCorrupt` where
    /// a field has a value that strait never writes.
    pub fn from_bytes(bytes: &[u8; Self::LEN], operation: &'static str) -> Result<Self> {
        let raw: Raw = zerocopy::transmute!(*bytes);
        if raw.magic != MAGIC {
            return Err(Error::new(ErrorKind::Foreign, operation, "strait did not make it"));
        }
        if raw.layout_version != LAYOUT_VERSION {
            let why = format!(
                "it has layout version {} and this program version {LAYOUT_VERSION}",
                raw.layout_version
            );
            return Err(Error::new(ErrorKind::VersionMismatch, operation, why)
                .hint("build both programs with the same version of strait"));
        }
        if raw.state != READY {
            return Err(Error::new(ErrorKind::Foreign, operation, "it is not complete"));
        }
        raw.check().ok_or_else(|| {
            Error::new(ErrorKind::PeerCorrupt, operation, "its header has been overwritten")
        })
    }

    /// Refuses what isn't of this kind and type, with this many bytes.
    ///
    /// # Errors
    ///
    /// `TypeMismatch`.
    pub fn expect(
        &self,
        kind: Kind,
        fingerprint: Fingerprint,
        payload_len: u64,
        operation: &'static str,
    ) -> Result<()> {
        let why = if self.kind != kind {
            format!("it holds {} and not {}", describe(self.kind), describe(kind))
        } else if self.fingerprint != fingerprint {
            "it holds a value of another type".to_owned()
        } else if self.payload_len != payload_len {
            format!("it has {} bytes and not {payload_len}", self.payload_len)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::TypeMismatch, operation, why))
    }
}

const MAGIC: [u8; 8] = *b"strait\x1a\n";
const READY: u32 = 1;
const RESERVED: usize = 512 - 80 - Name::MAX_LEN;

/// The layout in memory. It is the same for every word size; the byte order is the machine's own,
/// and a layout version read in the other one is a mismatch.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct Raw {
    magic: [u8; 8],
    layout_version: u32,
    state: u32,
    kind: u32,
    lifetime: u32,
    payload_len: u64,
    fingerprint: [u8; 16],
    creator: ProcessIdentity,
    name_len: u64,
    name: [u8; Name::MAX_LEN],
    reserved: [u8; RESERVED],
}

const _: () = assert!(size_of::<Raw>() == 512);

impl Raw {
    fn check(&self) -> Option<Header> {
        let name = self.name.get(..usize::try_from(self.name_len).ok()?)?;
        let name = match name {
            [] => None,
            bytes => Some(Name::new(std::str::from_utf8(bytes).ok()?).ok()?),
        };
        Some(Header {
            kind: word_to_kind(self.kind)?,
            lifetime: word_to_lifetime(self.lifetime)?,
            payload_len: self.payload_len,
            fingerprint: Fingerprint::from_bytes(self.fingerprint),
            creator: self.creator,
            name,
        })
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Memory => "plain memory",
        Kind::Value => "a typed value",
        Kind::Ring => "the ring of a channel",
    }
}

fn kind_to_word(kind: Kind) -> u32 {
    match kind {
        Kind::Memory => 1,
        Kind::Value => 2,
        Kind::Ring => 3,
    }
}

fn word_to_kind(word: u32) -> Option<Kind> {
    [Kind::Memory, Kind::Value, Kind::Ring].into_iter().find(|&kind| kind_to_word(kind) == word)
}

/// Lifetimes are written as 1, 2, 3. `Lifetime` may grow; what this version doesn't know can't be
/// asked of it.
fn lifetime_to_word(lifetime: Lifetime) -> u32 {
    match lifetime {
        Lifetime::LastDetach => 2,
        Lifetime::Persistent => 3,
        _ => 1,
    }
}

fn word_to_lifetime(word: u32) -> Option<Lifetime> {
    [Lifetime::Creator, Lifetime::LastDetach, Lifetime::Persistent]
        .into_iter()
        .find(|&lifetime| lifetime_to_word(lifetime) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            kind: Kind::Value,
            lifetime: Lifetime::LastDetach,
            payload_len: 4096,
            fingerprint: Fingerprint::of_bytes(b"type"),
            creator: ProcessIdentity { pid: 7, reserved: 0, start: 8, space: 9 },
            name: Some(Name::new("größe/7").unwrap()),
        }
    }

    fn kind_of(bytes: &[u8; Header::LEN]) -> ErrorKind {
        Header::from_bytes(bytes, "open").unwrap_err().kind()
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(Header::from_bytes(&header().to_bytes(), "open").unwrap(), header());
        let nameless = Header { name: None, ..header() };
        assert_eq!(Header::from_bytes(&nameless.to_bytes(), "open").unwrap(), nameless);
    }

    #[test]
    fn the_layout_is_what_version_1_says() {
        let bytes = header().to_bytes();
        assert_eq!(&bytes[..8], b"strait\x1a\n");
        assert_eq!(bytes[8..12], LAYOUT_VERSION.to_ne_bytes());
        assert_eq!(bytes[12..16], 1_u32.to_ne_bytes());
        assert_eq!(bytes[16..20], 2_u32.to_ne_bytes());
        assert_eq!(bytes[20..24], 2_u32.to_ne_bytes());
        assert_eq!(bytes[24..32], 4096_u64.to_ne_bytes());
        assert_eq!(bytes[48..52], 7_u32.to_ne_bytes());
        assert_eq!(bytes[72..80], 9_u64.to_ne_bytes());
        assert_eq!(&bytes[80..89], "größe/7".as_bytes());
    }

    #[test]
    fn another_program_another_version_and_an_unready_one_are_told_apart() {
        assert_eq!(kind_of(&[0; Header::LEN]), ErrorKind::Foreign);
        let mut other = header().to_bytes();
        other[8] = 99;
        assert_eq!(kind_of(&other), ErrorKind::VersionMismatch);
        let mut unready = header().to_bytes();
        unready[12] = 0;
        assert_eq!(kind_of(&unready), ErrorKind::Foreign);
    }

    #[test]
    fn no_value_of_any_byte_is_more_than_an_error() {
        for at in 0..Header::LEN {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = header().to_bytes();
                bytes[at] = value;
                let _ = Header::from_bytes(&bytes, "open");
            }
        }
    }

    #[test]
    fn another_type_is_refused() {
        let header = header();
        let other = Fingerprint::of_bytes(b"other");
        assert!(header.expect(Kind::Value, header.fingerprint, 4096, "open").is_ok());
        for refused in [
            header.expect(Kind::Memory, header.fingerprint, 4096, "open"),
            header.expect(Kind::Value, other, 4096, "open"),
            header.expect(Kind::Value, header.fingerprint, 4097, "open"),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::TypeMismatch);
        }
    }
}
