//! Memory that is mapped, and where: so that a word in it is found by its address.

use crate::{sleepers::Sleepers, view::View};
use std::{
    collections::BTreeMap,
    io,
    ptr::NonNull,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};
use strait_core::{Access, Mapping};

/// The content of a section, mapped. Dropping it unmaps.
#[derive(Debug)]
pub(crate) struct Mapped {
    view: View,
    mapping: Mapping,
    region: Arc<Region>,
}

impl Mapped {
    /// What is mapped there: `len` bytes of the section that is known by `id`, which users with this access may open.
    pub(crate) fn new(view: View, len: usize, mapping: Mapping, id: u128, access: Access) -> Self {
        let start = view.start().as_ptr().addr();
        let region = Arc::new(Region { start, len, id, access, sleepers: OnceLock::new() });
        let mut regions = REGIONS.write().unwrap_or_else(PoisonError::into_inner);
        regions.insert(start, Arc::clone(&region));
        Self { view, mapping, region }
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.view.start()
    }

    pub(crate) fn len(&self) -> usize {
        self.region.len
    }

    pub(crate) fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// By what the section is known.
    pub(crate) fn id(&self) -> u128 {
        self.region.id
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // Before the place can be that of another view.
        let mut regions = REGIONS.write().unwrap_or_else(PoisonError::into_inner);
        regions.remove(&self.region.start);
    }
}

/// Where a section's content is mapped.
#[derive(Debug)]
pub(crate) struct Region {
    start: usize,
    len: usize,
    id: u128,
    access: Access,
    /// Who sleeps on its words, once this process has looked for them.
    sleepers: OnceLock<Sleepers>,
}

/// The place of a word in a section.
#[derive(Debug)]
pub(crate) struct Place {
    region: Arc<Region>,
    offset: usize,
}

/// Where the memory at an address is; `None` where it is no section's.
pub(crate) fn locate(address: usize) -> Option<Place> {
    let regions = REGIONS.read().unwrap_or_else(PoisonError::into_inner);
    let (_, region) = regions.range(..=address).next_back()?;
    let offset = address - region.start;
    (offset < region.len).then(|| Place { region: Arc::clone(region), offset })
}

impl Place {
    /// Where in the section's content it is.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Who sleeps on words of the section, with this process among them.
    pub(crate) fn sleepers(&self) -> io::Result<&Sleepers> {
        let Region { id, access, sleepers, .. } = &*self.region;
        match sleepers.get() {
            Some(sleepers) => Ok(sleepers),
            None => {
                let made = Sleepers::make(*id, *access)?;
                Ok(sleepers.get_or_init(|| made))
            }
        }
    }

    /// Who sleeps on words of the section, if anybody ever has.
    pub(crate) fn sleepers_if_any(&self) -> io::Result<Option<&Sleepers>> {
        let Region { id, access, sleepers, .. } = &*self.region;
        match sleepers.get() {
            Some(sleepers) => Ok(Some(sleepers)),
            None => {
                let found = Sleepers::find(*id, *access)?;
                Ok(found.map(|found| sleepers.get_or_init(|| found)))
            }
        }
    }
}

/// By the address of the first byte.
static REGIONS: RwLock<BTreeMap<usize, Arc<Region>>> = RwLock::new(BTreeMap::new());
