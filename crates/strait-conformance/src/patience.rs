//! How long things may take that are not to hang: longer, where the machine is slow.

use std::{env, sync::OnceLock, time::Duration};

/// By how much deadlines of the suite's own are multiplied: a whole number. For emulated processors. What the
/// behaviours promise within a time has to hold on these too.
const FACTOR: &str = "STRAIT_PATIENCE";

/// The time that is allowed on this machine for what may take as long on another: as much, or so many times as much
/// as the environment variable `STRAIT_PATIENCE` says. For limits that are there so that nothing hangs.
pub fn allowed(usual: Duration) -> Duration {
    static HERE: OnceLock<u32> = OnceLock::new();
    let factor = HERE.get_or_init(|| factor(env::var(FACTOR).ok().as_deref()));
    usual.saturating_mul(*factor)
}

fn factor(asked: Option<&str>) -> u32 {
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_only_grows() {
        assert_eq!(factor(None), 1);
        assert_eq!(factor(Some("4")), 4);
        assert_eq!(factor(Some("0")), 1);
        assert_eq!(factor(Some("much")), 1);
    }
}
