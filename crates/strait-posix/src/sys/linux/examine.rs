//! What only this system has to be examined for.

use super::{process, shm};
use std::{fs, path::Path};
use strait_core::Finding;

/// Anonymous memory.
pub(crate) fn memory_files() -> Finding {
    const TOPIC: &str = "anonymous shared memory";
    match shm::memory_file().and_then(|file| shm::seal_size(&file)) {
        Ok(()) => Finding::good(TOPIC, "memfd, with a size that can be sealed"),
        Err(errno) => {
            let found = format!("memfd fails: {errno}");
            Finding::missing(TOPIC, found, "permit memfd_create in the seccomp profile")
        }
    }
}

/// How processes are known, and from where.
pub(crate) fn processes() -> Vec<Finding> {
    vec![process_handles(), pid_namespace()]
}

fn process_handles() -> Finding {
    const TOPIC: &str = "process handles";
    match process::identify(std::process::id()) {
        Ok(this) if this.start != 0 => Finding::good(TOPIC, "pidfd, with start times"),
        Ok(_) => Finding::warning(
            TOPIC,
            "pidfd, without start times",
            "mount /proc: a reused process number will be taken for its predecessor",
        ),
        Err(error) => Finding::warning(
            TOPIC,
            error.to_string(),
            "permit pidfd_open in the seccomp profile: the dead will be taken for alive",
        ),
    }
}

fn pid_namespace() -> Finding {
    const TOPIC: &str = "PID namespace";
    // PROC_PID_INIT_INO of linux/proc_ns.h.
    const INITIAL: &str = "pid:[4026531836]";
    match fs::read_link("/proc/self/ns/pid") {
        Ok(link) if link == Path::new(INITIAL) => Finding::good(TOPIC, "the initial one"),
        Ok(link) => Finding::warning(
            TOPIC,
            format!("a nested one, {}", link.display()),
            "processes outside of it are taken for alive, whatever happens to them",
        ),
        Err(_) => Finding::warning(TOPIC, "can't be read", "mount /proc"),
    }
}
