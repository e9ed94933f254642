//! What is to be called around a fork.

/// What is called around a fork, each time in the thread that forks.
#[derive(Debug, Clone, Copy)]
pub struct ForkHooks {
    /// Before it.
    pub before: extern "C" fn(),
    /// After it, in the process that forked.
    pub in_parent: extern "C" fn(),
    /// After it, in the new process. Only what a signal handler may do may be done there.
    pub in_child: extern "C" fn(),
}
