//! What only this system has to be examined for.

use super::{seen, shm};
use strait_core::Finding;

/// Anonymous memory.
pub(crate) fn memory_files() -> Finding {
    const TOPIC: &str = "anonymous shared memory";
    match shm::memory_file().and_then(|file| shm::seal_size(&file)) {
        Ok(()) => Finding::good(TOPIC, "memfd, with a size that can be sealed"),
        Err(errno) => Finding::missing(TOPIC, format!("memfd fails: {errno}"), "no channel works"),
    }
}

/// How processes are known, and from where.
pub(crate) fn processes() -> Vec<Finding> {
    vec![process_handles(), jail()]
}

fn process_handles() -> Finding {
    const TOPIC: &str = "process handles";
    match seen::look(rustix::process::getpid()) {
        Ok(Some(_)) => Finding::good(TOPIC, "kqueue, with start times"),
        Ok(None) => Finding::missing(TOPIC, "this process can't be seen", "no lock works"),
        Err(error) => Finding::missing(TOPIC, error.to_string(), "no lock works"),
    }
}

fn jail() -> Finding {
    const TOPIC: &str = "jail";
    match seen::space() {
        0 => Finding::warning(TOPIC, "can't be read", "no process is known to have ended"),
        1 => Finding::good(TOPIC, "none"),
        jail => Finding::warning(
            TOPIC,
            format!("number {}", jail - 1),
            "processes outside of it are taken for alive, whatever happens to them",
        ),
    }
}
