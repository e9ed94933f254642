//! Places at which tests stop a process, to kill it there.
//!
//! With the feature `kill-points`, which only tests turn on, reaching one calls the hook that the process
//! has set; without it they are nothing.

/// A place at which tests stop a process: `kill_point!("mutex: taken")`.
macro_rules! kill_point {
    ($name:literal) => {
        #[cfg(feature = "kill-points")]
        $crate::kill_point::reach($name);
    };
}

pub(crate) use kill_point;

#[cfg(feature = "kill-points")]
mod hook {
    use std::sync::OnceLock;

    static HOOK: OnceLock<fn(&'static str)> = OnceLock::new();

    /// Has `hook` called at every place that this process reaches from now on. The first one stays.
    pub fn on_reach(hook: fn(&'static str)) {
        let _ = HOOK.set(hook);
    }

    #[inline]
    pub(crate) fn reach(name: &'static str) {
        if let Some(hook) = HOOK.get() {
            hook(name);
        }
    }
}

#[cfg(feature = "kill-points")]
pub use hook::on_reach;
#[cfg(feature = "kill-points")]
pub(crate) use hook::reach;
