//! The asynchronous forms, in tokio's runtimes of one thread and of several, with real processes at the other
//! end. These are Unix's own programs; the Windows backend has its tests of tasks inside.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod local;
mod named_pipe;
mod pipe;
mod signals;
mod support;
mod wait;
