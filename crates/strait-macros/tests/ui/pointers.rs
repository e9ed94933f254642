use std::sync::{Arc, atomic::AtomicPtr};

#[derive(strait::Shareable)]
#[repr(C)]
struct Pointers {
    constant: *const u8,
    mutable: *mut u8,
    atomic: AtomicPtr<u8>,
    reference: &'static u8,
    slice: &'static [u8],
    function: fn(u8) -> u8,
    boxed: Box<u8>,
    counted: Arc<u8>,
    vector: Vec<u8>,
    nested: [[std::boxed::Box<u8>; 2]; 2],
}

fn main() {}
