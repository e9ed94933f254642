//! Memory that is mapped, and where: so that a word in it is found by its address.

use crate::{bell::Bell, view::View};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
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
        let region = Arc::new(Region { start, len, id, access, bells: Mutex::default() });
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
    pub(crate) id: u128,
    pub(crate) access: Access,
    /// Those that this process has used, by the offset of their words.
    bells: Mutex<HashMap<usize, Arc<Bell>>>,
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
    /// The bell of the word, which is made where nobody has it yet.
    pub(crate) fn bell(&self) -> io::Result<Arc<Bell>> {
        if let Some(bell) = self.bells().get(&self.offset) {
            return Ok(Arc::clone(bell));
        }
        Ok(self.keep(Bell::make(&self.region, self.offset)?))
    }

    /// The bell of the word, if somebody has it.
    pub(crate) fn bell_if_there(&self) -> io::Result<Option<Arc<Bell>>> {
        if let Some(bell) = self.bells().get(&self.offset) {
            return Ok(Some(Arc::clone(bell)));
        }
        Ok(Bell::find(&self.region, self.offset)?.map(|bell| self.keep(bell)))
    }

    /// Keeps it for the next time; whoever was first, all threads have the same objects.
    fn keep(&self, bell: Bell) -> Arc<Bell> {
        const MANY: usize = 256;
        let mut bells = self.bells();
        if bells.len() >= MANY {
            // Those that somebody is just using stay.
            bells.retain(|_, bell| Arc::strong_count(bell) > 1);
        }
        Arc::clone(bells.entry(self.offset).or_insert_with(|| Arc::new(bell)))
    }

    fn bells(&self) -> MutexGuard<'_, HashMap<usize, Arc<Bell>>> {
        self.region.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the address of the first byte.
static REGIONS: RwLock<BTreeMap<usize, Arc<Region>>> = RwLock::new(BTreeMap::new());
