#[derive(strait::Shareable)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(strait::Shareable)]
#[repr(align(8))]
struct Aligned(u64);

fn main() {}
