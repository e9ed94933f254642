//! Which backend is the native one, and what only its system has.

cfg_if::cfg_if! {
    if #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))] {
        mod unix;
        #[cfg(feature = "tokio")]
        mod unix_tokio;

        #[cfg(feature = "tokio")]
        pub(crate) use unix_tokio::{Ready, cancelled, ended, when_bound};

        /// The backend of this operating system.
        pub type Native = strait_posix::Posix;
    } else if #[cfg(windows)] {
        mod windows;
        #[cfg(feature = "tokio")]
        mod windows_tokio;

        #[cfg(feature = "tokio")]
        pub(crate) use windows_tokio::{Ready, cancelled, ended, when_bound};

        /// The backend of this operating system.
        pub type Native = strait_windows::Windows;
    } else {
        compile_error!("strait has no backend for this system yet: see PLATFORM.md");
    }
}
