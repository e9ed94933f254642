//! Structs with `#[derive(Shareable)]` are shared, and only with processes that mean the same.

#![forbid(unsafe_code)]

use std::{
    env,
    process::{self, Command},
    sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed},
};
use strait::{Error, ErrorKind, Shareable, Shared};

#[derive(Debug, Default, Shareable)]
#[repr(C)]
struct Stats {
    hits: AtomicU64,
    levels: [[AtomicU32; 2]; 3],
    r#type: Kind,
    window: Window,
}

#[derive(Debug, Default, Shareable)]
#[repr(transparent)]
struct Kind(AtomicU64);

#[derive(Debug, Default, Shareable)]
#[repr(C)]
struct Window(f64, u16, AtomicU16, [u8; 4]);

/// The other process is this test, started again by itself.
#[test]
fn a_struct_is_shared_between_processes() -> Result<(), Error> {
    const NAME: &str = "STRAIT_TEST_STATS";
    if let Ok(name) = env::var(NAME) {
        let stats = Shared::<Stats>::open(name)?;
        stats.hits.fetch_add(2, Relaxed);
        stats.levels[2][1].store(stats.window.1.into(), Relaxed);
        return Ok(());
    }

    let name = unique("stats");
    let window = Window(0.5, 7, AtomicU16::new(8), [9; 4]);
    let stats = Shared::create(&name, Stats { window, ..Stats::default() })?;
    stats.hits.store(40, Relaxed);

    let this = env::current_exe().expect("the path of this program");
    let arguments = ["--exact", "a_struct_is_shared_between_processes"];
    let ended = Command::new(this).args(arguments).env(NAME, &name).status();
    assert!(ended.expect("the other process starts").success());
    assert_eq!(stats.hits.load(Relaxed), 42);
    assert_eq!(stats.levels[2][1].load(Relaxed), 7);
    Ok(())
}

/// Every struct has the name and the size of the first.
#[test]
fn a_struct_that_means_something_else_is_a_mismatch() -> Result<(), Error> {
    let name = unique("pair");
    let _pair = Shared::create(&name, first::Pair::default())?;
    Shared::<first::Pair>::open(&name)?;
    Shared::<the_same::Pair>::open(&name)?;

    let mismatch = Some(ErrorKind::TypeMismatch);
    assert_eq!(refusal::<fields_swapped::Pair>(&name), mismatch);
    assert_eq!(refusal::<types_swapped::Pair>(&name), mismatch);
    assert_eq!(refusal::<type_changed_inside::Pair>(&name), mismatch);
    assert_eq!(refusal::<without_names::Pair>(&name), mismatch);
    Ok(())
}

macro_rules! pairs {
    ($($module:ident { $($field:ident: $type:ty),+ })+) => {$(
        mod $module {
            #[allow(unused_imports, reason = "not every pair has all of them")]
            use std::sync::atomic::{AtomicI32, AtomicI64, AtomicU32, AtomicU64};

            #[derive(Default, strait::Shareable)]
            #[repr(C)]
            pub(super) struct Pair { $($field: $type),+ }
        }
    )+};
}

pairs! {
    first { low: AtomicU64, high: [AtomicU32; 2] }
    the_same { low: AtomicU64, high: [AtomicU32; 2] }
    fields_swapped { high: [AtomicU32; 2], low: AtomicU64 }
    types_swapped { low: [AtomicU32; 2], high: AtomicU64 }
    type_changed_inside { low: AtomicU64, high: [AtomicI32; 2] }
}

mod without_names {
    use std::sync::atomic::{AtomicU32, AtomicU64};

    #[derive(strait::Shareable)]
    #[repr(C)]
    pub(super) struct Pair(AtomicU64, [AtomicU32; 2]);
}

fn refusal<T: Shareable>(name: &str) -> Option<ErrorKind> {
    Shared::<T>::open(name).err().map(|error| error.kind())
}

fn unique(name: &str) -> String {
    format!("test/macros/{name}-{}", process::id())
}
