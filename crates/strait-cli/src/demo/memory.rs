//! Raw shared memory: under a name, and behind a file.

use super::{
    link::Link,
    mailbox::{self, SLOTS, Slots},
    mechanism::{Ends, Mechanism, Side},
};
use crate::failure::{Failure, Result};
use std::sync::atomic::AtomicU32;
use strait::SharedMemory;
use tempfile::NamedTempFile;

/// Shared memory that both sides open under its name.
pub(super) struct NamedMemory;

impl Mechanism for NamedMemory {
    fn title(&self) -> &'static str {
        "named shared memory"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        Ok(mailbox::ends(Memory::named(side, name, link)?, side, link.lifeline()))
    }
}

/// A file that both sides map.
pub(super) struct MappedFile;

impl Mechanism for MappedFile {
    fn title(&self) -> &'static str {
        "file-backed memory"
    }

    fn join(&self, side: Side, _name: &str, link: &mut Link) -> Result<Ends> {
        let memory = match side {
            Side::Parent => {
                let failed = |source| Failure::System { what: "make a temporary file", source };
                let file = NamedTempFile::new().map_err(failed)?;
                let memory = SharedMemory::options().len(LEN).map_file(file.path())?;
                let Some(path) = file.path().to_str() else {
                    let why = "the directory for temporary files has a name that is no text";
                    return Err(Failure::Other(why.to_owned()));
                };
                link.say(path)?;
                Memory { memory, _file: Some(file) }
            }
            Side::Child => Memory { memory: SharedMemory::map_file(link.hear()?)?, _file: None },
        };
        Ok(mailbox::ends(memory, side, link.lifeline()))
    }
}

/// Slots in raw memory: each a line of the cache for its words, and then the message.
pub(super) struct Memory {
    // Unmapped first, as some systems don't remove what is mapped.
    memory: SharedMemory,
    _file: Option<NamedTempFile>,
}

const WORDS_LEN: usize = 64;
const SLOT: usize = WORDS_LEN + Memory::SLOT_LEN;
const LEN: usize = SLOTS * SLOT;

impl Memory {
    /// The same memory on both sides, under its name.
    pub(super) fn named(side: Side, name: &str, link: &mut Link) -> Result<Self> {
        let memory = match side {
            Side::Parent => {
                let memory = SharedMemory::create(name, LEN)?;
                link.say("created")?;
                memory
            }
            Side::Child => {
                link.hear()?;
                SharedMemory::open(name)?
            }
        };
        Ok(Self { memory, _file: None })
    }
}

impl Slots for Memory {
    const SLOT_LEN: usize = 64 << 10;

    fn state(&self, slot: usize) -> Result<&AtomicU32> {
        Ok(self.memory.atomic_u32(slot * SLOT)?)
    }

    fn len(&self, slot: usize) -> Result<&AtomicU32> {
        Ok(self.memory.atomic_u32(slot * SLOT + size_of::<u32>())?)
    }

    fn write(&self, slot: usize, message: &[u8]) -> Result<()> {
        Ok(self.memory.write(slot * SLOT + WORDS_LEN, message)?)
    }

    fn read(&self, slot: usize, message: &mut [u8]) -> Result<()> {
        Ok(self.memory.read(slot * SLOT + WORDS_LEN, message)?)
    }
}
