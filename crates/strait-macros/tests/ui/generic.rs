#[derive(strait::Shareable)]
#[repr(C)]
struct Pair<T> {
    first: T,
    second: T,
}

#[derive(strait::Shareable)]
#[repr(C)]
struct Row<const N: usize>([u8; N]);

#[derive(strait::Shareable)]
#[repr(C)]
struct Borrowed<'a>(&'a u8);

fn main() {}
