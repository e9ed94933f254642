//! What only this system has to be examined for.

use super::{seen, shm};
use strait_core::Finding;

/// Anonymous memory.
pub(crate) fn memory_files() -> Finding {
    const TOPIC: &str = "anonymous shared memory";
    match shm::memory_file() {
        Ok(_) => Finding::good(TOPIC, format!("unlinked files in {}", shm::DIRECTORY)),
        Err(errno) => Finding::missing(
            TOPIC,
            format!("no file can be made in {}: {errno}", shm::DIRECTORY),
            "no channel works",
        ),
    }
}

/// How processes are known, and from where.
pub(crate) fn processes() -> Vec<Finding> {
    const TOPIC: &str = "process handles";
    vec![match seen::look(rustix::process::getpid()) {
        Ok(Some(_)) => Finding::good(TOPIC, "kqueue, with start times"),
        Ok(None) => Finding::missing(TOPIC, "this process can't be seen", "no lock works"),
        Err(error) => Finding::missing(TOPIC, error.to_string(), "no lock works"),
    }]
}
