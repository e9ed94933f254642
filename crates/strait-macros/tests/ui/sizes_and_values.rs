use std::sync::atomic;

#[derive(strait::Shareable)]
#[repr(C)]
struct SizesAndValues(
    usize,
    isize,
    atomic::AtomicUsize,
    atomic::AtomicIsize,
    bool,
    atomic::AtomicBool,
    char,
    [usize; 4],
    (u32, u32),
);

fn main() {}
