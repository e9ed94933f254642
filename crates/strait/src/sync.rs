//! Synchronisation in shared memory, inside of a [`Shared`](crate::Shared) value.
//!
//! ```
//! use std::time::Duration;
//! use strait::{Shared, sync::Event};
//!
//! let name = format!("doc/ready-{}", std::process::id());
//! let ready = Shared::<Event>::open_or_create(&name, Event::manual_reset)?;
//!
//! // In any other process of this user:
//! let again = Shared::<Event>::open(&name)?;
//! again.set();
//!
//! ready.wait_timeout(Duration::from_secs(1))?;
//! # Ok::<(), strait::Error>(())
//! ```

use crate::Native;

/// Something that happens, and that any number of processes wait for. See
/// [`generic::Event`](crate::generic::Event).
pub type Event = crate::generic::Event<Native>;
