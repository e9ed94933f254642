//! Fingerprints stay what they are: programs of today and of next year meet in the same memory.

use std::sync::atomic::{AtomicU32, AtomicU64};
use strait::Shareable;

#[derive(Shareable)]
#[repr(C, align(32))]
struct Table {
    version: u32,
    r#type: Kind,
    total: AtomicU64,
    cells: [AtomicU32; 4],
}

#[derive(Shareable)]
#[repr(transparent)]
struct Kind(u32);

#[derive(Shareable)]
#[repr(C)]
struct Nothing;

/// If this fails, memory made by released versions can't be opened any more. Change the version of
/// the layout then, and these.
#[test]
fn fingerprints_never_change() {
    assert_eq!(Table::FINGERPRINT.to_string(), "2c4559ff53af0219ff82ec42b04067f4");
    assert_eq!(Kind::FINGERPRINT.to_string(), "db1c12f2a6c18fcbcee5a905c6a2304f");
    assert_eq!(Nothing::FINGERPRINT.to_string(), "abddbae2a00dac47a066f8372d8e45da");
}
