//! Asynchronous forms of what waits, for tokio: with the feature `tokio`.
//!
//! | to wait for | use |
//! |---|---|
//! | bytes, one way | [`PipeReader`] and [`PipeWriter`], made by [`pipe()`] or of strait's own |
//! | bytes, both ways | [`Duplex`] |
//! | who connects under a name, bytes and messages between them | [`LocalListener`], [`LocalStream`], [`LocalDatagram`] |
//! | signals | [`Signals`] |
//! | a cancellation | [`cancelled`] |
//! | the end of a process | [`wait_exit`] |
//!
//! They are strait's own, watched by tokio's event loop: the calls are the same, no thread is started, and
//! what has become an asynchronous one can be turned back by its `into_sync`. Deadlines are tokio's
//! (`tokio::time::timeout`), and a wait is cancelled by dropping it.
//!
//! ```
//! use strait::tokio::pipe;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut reader, mut writer) = pipe()?;
//! writer.write_all(b"one way").await?;
//! writer.shutdown().await?;
//!
//! let mut all = String::new();
//! reader.read_to_string(&mut all).await?;
//! assert_eq!(all, "one way");
//! # Ok(())
//! # }
//! ```
//!
//! # Cancel safety
//!
//! A wait that is dropped before it ends has done nothing: no byte was taken or written, no signal was
//! received. What tokio makes of several waits, as `read_exact` and `write_all`, has done as many of them as
//! had ended.
//!
//! # Panics
//!
//! Making them panics in a runtime that was built without
//! [`enable_io`](::tokio::runtime::Builder::enable_io), as it does for tokio's own. Outside of any runtime it
//! is an error of kind `Unsupported`.
//!
//! # Portability
//!
//! On Linux tokio's event loop watches descriptors. On Windows the system's thread pool waits for handles and wakes
//! tasks, in a runtime with [`enable_io`](::tokio::runtime::Builder::enable_io) or without; a write that counts as
//! written may still be on its way, as that of a pipe whose deadline has passed.

mod datagram;
mod duplex;
mod listener;
mod pipe;
mod signals;
mod stream;
mod wait;

pub use datagram::LocalDatagram;
pub use duplex::Duplex;
pub use listener::{Connected, Listener, LocalDatagramListener, LocalListener};
pub use pipe::{PipeReader, PipeWriter, pipe};
pub use signals::Signals;
pub use stream::{LocalReadHalf, LocalStream, LocalWriteHalf};
pub use wait::{cancelled, wait_exit};
