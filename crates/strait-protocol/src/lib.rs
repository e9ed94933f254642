//! What lives inside shared memory, written once for every system: headers, rings, synchronisation.
//!
//! There is no operating system in this crate. What it needs of one comes in as the traits of
//! `strait-core`: a [`Segment`](strait_core::Segment) to live in and a
//! [`Doorbell`](strait_core::Doorbell) to sleep at.
//!
//! Whatever lies in shared memory may be written by a hostile peer at any time. So each value is
//! read once, checked, and only then used; all reading and writing of it goes through
//! [`shared`], and the memory's first words are a [`header`](Header) that says what it is.
//!
//! With `--cfg loom` the atomics are loom's, and `tests/loom.rs` runs the very code of the rings
//! through every interleaving that the memory model allows.

#![deny(unsafe_code)]

mod bequest;
mod handover;
mod header;
mod hello;
pub mod kill_point;
mod primitive;
#[cfg(not(loom))]
mod registry;
pub mod ring;
#[cfg(not(loom))]
mod seats;
#[cfg(not(loom))]
mod shareable;
#[cfg(not(loom))]
pub mod shared;
pub mod sync;
#[cfg(not(loom))]
mod thread_number;
mod wait;

pub use bequest::{Greeting, Label};
pub use handover::{HandedOver, PeerState};
pub use header::{Header, Kind, LAYOUT_VERSION};
pub use hello::{Advert, Hello};
#[cfg(not(loom))]
pub use shareable::Shareable;
pub use wait::Spin;
