//! Values that processes share.

use super::kind_of;
use crate::{Backend, Verdict, behaviours, unique};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use strait::{
    ErrorKind, Lifetime,
    generic::{Options, Shared},
};

behaviours! {
    shared;
    a_shared_value_is_one_value needs [NamedSegments],
    a_value_of_another_type_is_refused needs [NamedSegments],
    the_first_initialises_and_the_others_find_it needs [NamedSegments],
    a_value_that_exists_is_not_created_again needs [NamedSegments],
    a_persistent_value_is_found_again needs [NamedSegments],
}

fn a_shared_value_is_one_value<B: Backend>() -> Verdict {
    let name = unique("value");
    let one = Shared::<[AtomicU64; 3], B>::create(&name, [0, 1, 2].map(AtomicU64::new))?;
    let other = Shared::<[AtomicU64; 3], B>::open(&name)?;
    other[2].fetch_add(40, Ordering::Relaxed);
    assert_eq!(one[2].load(Ordering::Relaxed), 42);
    assert_eq!(one[0].load(Ordering::Relaxed), 0);
    Ok(())
}

fn a_value_of_another_type_is_refused<B: Backend>() -> Verdict {
    let name = unique("type");
    let _value = Shared::<AtomicU32, B>::create(&name, AtomicU32::new(7))?;
    let kinds = [
        kind_of(Shared::<u32, B>::open(&name)),
        kind_of(Shared::<AtomicI32, B>::open(&name)),
        kind_of(Shared::<AtomicU64, B>::open(&name)),
        kind_of(Shared::<[AtomicU32; 1], B>::open(&name)),
        kind_of(strait::generic::SharedMemory::<B>::open(&name)),
    ];
    assert_eq!(kinds, [ErrorKind::TypeMismatch; 5]);
    Ok(())
}

fn the_first_initialises_and_the_others_find_it<B: Backend>() -> Verdict {
    let name = unique("first");
    let first = Shared::<u64, B>::open_or_create(&name, || 1)?;
    let second = Shared::<u64, B>::open_or_create(&name, || 2)?;
    assert_eq!((*first, *second), (1, 1));
    Ok(())
}

fn a_value_that_exists_is_not_created_again<B: Backend>() -> Verdict {
    let name = unique("again");
    let value = Shared::<u64, B>::create(&name, 1)?;
    assert_eq!(kind_of(Shared::<u64, B>::create(&name, 2)), ErrorKind::AlreadyExists);
    assert_eq!(*value, 1);
    Ok(())
}

fn a_persistent_value_is_found_again<B: Backend>() -> Verdict {
    let name = unique("kept");
    let options = Options::<B>::new().lifetime(Lifetime::Persistent);
    drop(options.create_shared(&name, 5_u64)?);
    assert_eq!(*Shared::<u64, B>::open(&name)?, 5);
    Ok(strait::generic::SharedMemory::<B>::remove(&name)?)
}
