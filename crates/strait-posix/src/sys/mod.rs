//! What differs between POSIX systems.

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        mod linux;
        pub(crate) use linux::*;
    } else {
        compile_error!("strait has no backend for this system yet: see PLATFORM.md");
    }
}
