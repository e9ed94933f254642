#[derive(strait::Shareable)]
#[repr(C)]
struct Between {
    small: u8,
    large: u32,
}

#[derive(strait::Shareable)]
#[repr(C)]
struct AtTheEnd(u32, u8);

#[derive(strait::Shareable)]
#[repr(C, align(64))]
struct Line {
    word: u64,
}

fn main() {}
