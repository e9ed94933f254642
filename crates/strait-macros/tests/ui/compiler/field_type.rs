type Length = usize;

enum State {
    Idle,
}

#[derive(strait::Shareable)]
#[repr(C)]
struct Fields {
    length: Length,
    name: String,
    state: State,
    choice: Option<u32>,
}

fn main() {}
