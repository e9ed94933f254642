//! What tests need that each system has otherwise, or only one has.
#![allow(dead_code, reason = "each test needs a part of it")]

use libc::{c_int, pid_t};

cfg_if::cfg_if! {
    if #[cfg(target_os = "linux")] {
        /// Where the number of the last error is.
        pub(crate) unsafe fn errno_place() -> *mut c_int {
            // SAFETY: passed on to the caller.
            unsafe { libc::__errno_location() }
        }

        /// Has children of this thread be in a PID namespace of their own. `false` where there are none.
        pub(crate) unsafe fn leave_pid_namespace() -> bool {
            // SAFETY: passed on to the caller.
            assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWPID) }, 0);
            true
        }

        /// Makes a child without the C library's knowledge, which only gets itself this signal and ends. `None`
        /// where that can't be had.
        pub(crate) unsafe fn cloned_child(signal: c_int) -> Option<pid_t> {
            // SAFETY: as a fork. The child only makes system calls.
            let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
            if child == 0 {
                // SAFETY: as above.
                unsafe {
                    libc::syscall(libc::SYS_kill, libc::syscall(libc::SYS_getpid), signal);
                    libc::_exit(0);
                }
            }
            Some(child as pid_t)
        }
    } else {
        /// Where the number of the last error is.
        pub(crate) unsafe fn errno_place() -> *mut c_int {
            // SAFETY: passed on to the caller.
            unsafe { libc::__error() }
        }

        /// Has children of this thread be in a PID namespace of their own. `false` where there are none.
        pub(crate) unsafe fn leave_pid_namespace() -> bool {
            false
        }

        /// Makes a child without the C library's knowledge, which only gets itself this signal and ends. `None`
        /// where that can't be had.
        pub(crate) unsafe fn cloned_child(_signal: c_int) -> Option<pid_t> {
            None
        }
    }
}
