#[derive(strait::Shareable)]
#[repr(C)]
struct Ticket(u64);

impl Drop for Ticket {
    fn drop(&mut self) {}
}

fn main() {}
