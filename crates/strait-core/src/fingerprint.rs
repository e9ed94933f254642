//! Fingerprints of types and names.

use std::fmt;

/// A 128-bit fingerprint: equal things have equal ones, in every process, on every system.
///
/// It is the hash FNV-1a with its published 128-bit offset basis and prime
/// (draft-eastlake-fnv, section 5), chosen because it can be computed in a `const` and needs no
/// key. It guards against mistakes, not against an adversary who looks for a collision.
///
/// ```
/// use strait_core::Fingerprint;
///
/// const F64: Fingerprint = Fingerprint::of_type("f64", 8);
/// const POINT: Fingerprint =
///     Fingerprint::of_type("Point", 16).field("x", 0, F64).field("y", 8, F64);
/// assert_ne!(POINT, Fingerprint::of_type("Point", 16));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint of memory that has no type: plain bytes.
    pub const NONE: Self = Self(0);

    /// The fingerprint of some bytes.
    pub const fn of_bytes(bytes: &[u8]) -> Self {
        Self(OFFSET_BASIS).and(bytes)
    }

    /// The fingerprint of a type, from its name and its size in bytes.
    pub const fn of_type(name: &str, size: usize) -> Self {
        Self::of_bytes(name.as_bytes()).and(&(size as u64).to_le_bytes())
    }

    /// This fingerprint with one more part: a field, a parameter.
    #[must_use]
    pub const fn then(self, part: &str) -> Self {
        self.and(&(part.len() as u64).to_le_bytes()).and(part.as_bytes())
    }

    /// This fingerprint with that of another type in it.
    #[must_use]
    pub const fn containing(self, inner: Self) -> Self {
        self.and(&inner.to_bytes())
    }

    /// The fingerprint of a struct with one more field: what it is called, at how many bytes from
    /// the start it lies, and the fingerprint of its type.
    #[must_use]
    pub const fn field(self, name: &str, offset: usize, inner: Self) -> Self {
        self.then(name).and(&(offset as u64).to_le_bytes()).containing(inner)
    }

    /// The bytes that stand for it in shared memory, the same on every system.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The fingerprint that these bytes stand for.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    const fn and(self, bytes: &[u8]) -> Self {
        let mut hash = self.0;
        let mut i = 0;
        // A `for` can't be used in a `const fn`.
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u128).wrapping_mul(PRIME);
            i += 1;
        }
        Self(hash)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a() {
        // The published test vectors for the empty string and for "a".
        assert_eq!(Fingerprint::of_bytes(b"").to_string(), "6c62272e07bb014262b821756295c58d");
        assert_eq!(Fingerprint::of_bytes(b"a").to_string(), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[&str]| parts.iter().fold(Fingerprint::NONE, |f, part| f.then(part));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
    }
}
