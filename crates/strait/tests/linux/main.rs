//! What can be tested on Linux alone.

#[cfg(target_os = "linux")]
mod sockets_hostile;
