//! Keeping the two processes where they are, so that the scheduler doesn't move them in the middle of a
//! measurement.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// Which cpu each of the two processes has.
#[derive(Debug, Clone, Copy)]
pub enum Cpus {
    /// These.
    Pinned {
        /// That of the thread that measures.
        here: usize,
        /// That of its peers.
        peers: usize,
    },
    /// Any, as they can't be chosen.
    Any,
}

impl Cpus {
    /// Pins the calling thread to one cpu, and has another one ready for its peers. Where there is only
    /// one, or the system refuses, nobody is pinned, and a note says so.
    pub fn pin_here() -> Self {
        let pinned = two_usable().and_then(|[here, peers]| {
            pin(here)?;
            Ok(Self::Pinned { here, peers })
        });
        pinned.unwrap_or_else(|error| {
            note_unpinned(&error);
            Self::Any
        })
    }

    /// The same, but with peers on the cpu of the thread that measures.
    pub fn shared(self) -> Self {
        match self {
            Self::Pinned { here, .. } => Self::Pinned { here, peers: here },
            Self::Any => Self::Any,
        }
    }

    pub(crate) fn of_peers(self) -> Option<usize> {
        match self {
            Self::Pinned { peers, .. } => Some(peers),
            Self::Any => None,
        }
    }
}

/// Pins the calling thread.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(cpu);
    Ok(sched_setaffinity(None, &only)?)
}

pub(crate) fn note_unpinned(error: &io::Error) {
    eprintln!("note: not pinned to a cpu, so figures vary more: {error}");
}

fn two_usable() -> io::Result<[usize; 2]> {
    let usable = sched_getaffinity(None)?;
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| usable.is_set(cpu));
    match (cpus.next(), cpus.next()) {
        (Some(first), Some(second)) => Ok([first, second]),
        _ => Err(io::Error::other("there is only one for two processes")),
    }
}
