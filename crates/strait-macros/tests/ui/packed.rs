#[derive(strait::Shareable)]
#[repr(C, packed(2))]
struct Record {
    kind: u16,
    value: u64,
}

fn main() {}
