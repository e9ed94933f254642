#[derive(strait::Shareable)]
#[repr(u8)]
enum State {
    Idle,
    Busy,
}

#[derive(strait::Shareable)]
#[repr(C)]
union Number {
    whole: u64,
    real: f64,
}

fn main() {}
