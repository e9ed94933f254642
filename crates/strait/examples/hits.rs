//! Counts, in any number of processes at once, some of which may be killed meanwhile:
//! `for i in 1 2 3 4; do cargo run --release --example hits & done`

use strait::{
    Result, Shared,
    sync::{LockError, Mutex},
};

fn main() -> Result<()> {
    let hits = Shared::<Mutex<u64>>::open_or_create("hits", || Mutex::new(0))?;
    for _ in 0..10_000_000 {
        *hits.lock().or_else(LockError::recover)? += 1;
    }
    println!("{}", *hits.lock().or_else(LockError::recover)?);
    Ok(())
}
