//! What differs between POSIX systems.
//!
//! Each folder has the same modules, with the same names in them; `bsd` has what macOS and FreeBSD share.

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod linux;
        pub(crate) use linux::*;
    } else if #[cfg(target_os = "macos")] {
        mod bsd;
        mod macos;
        pub(crate) use bsd::*;
        pub(crate) use macos::*;
    } else if #[cfg(target_os = "freebsd")] {
        mod bsd;
        mod freebsd;
        pub(crate) use bsd::*;
        pub(crate) use freebsd::*;
    } else {
        compile_error!("strait has no backend for this system yet: see PLATFORM.md");
    }
}
