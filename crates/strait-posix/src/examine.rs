//! What this system offers of what strait needs, and what will hurt.

use crate::{
    rendezvous,
    sys::{examine as system, memory, shm},
};
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};
use std::{path::Path, process, thread};
use strait_core::Finding;

pub(crate) fn examine() -> Vec<Finding> {
    let memory =
        [kernel(), named_memory(), unnamed_files(), system::memory_files(), available_memory()];
    let rest = [open_files(), file_size(), processors()];
    memory.into_iter().chain([sockets()]).chain(system::processes()).chain(rest).collect()
}

const MIB: u64 = 1 << 20;

fn kernel() -> Finding {
    let name = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    Finding::good("kernel", format!("{} {}", text(name.sysname()), text(name.release())))
}

fn named_memory() -> Finding {
    const TOPIC: &str = "named shared memory";
    let Ok(system) = statvfs(shm::DIRECTORY) else {
        let found = format!("{} isn't there", shm::DIRECTORY);
        return Finding::missing(TOPIC, found, "mount a tmpfs there");
    };
    let of = |blocks: u64| blocks.saturating_mul(system.f_frsize) / MIB;
    let (total, free) = (of(system.f_blocks), of(system.f_bavail));
    let found = format!("{} has {free} MiB left of {total} MiB", shm::DIRECTORY);
    if total <= 64 {
        Finding::warning(TOPIC, found, "it is small: give a container more with --shm-size")
    } else if free < total / 10 {
        Finding::warning(TOPIC, found, "it is nearly full: remove what is not needed")
    } else {
        Finding::good(TOPIC, found)
    }
}

fn unnamed_files() -> Finding {
    const TOPIC: &str = "complete creation";
    let (directory, probe) = (Path::new(shm::DIRECTORY), format!("strait.probe.{}", process::id()));
    match shm::New::make(directory, &directory.join(probe)) {
        Ok(_) => Finding::good(TOPIC, "files without a name can be made"),
        Err(errno) => {
            let found = format!("no file without a name can be made: {errno}");
            let hint = format!("named shared memory needs a tmpfs at {}", shm::DIRECTORY);
            Finding::missing(TOPIC, found, hint)
        }
    }
}

fn available_memory() -> Finding {
    const TOPIC: &str = "memory";
    match memory::available() {
        Some(bytes) if bytes < 256 * MIB => {
            let found = format!("{} MiB are available", bytes / MIB);
            Finding::warning(TOPIC, found, "large segments will be refused")
        }
        Some(bytes) => Finding::good(TOPIC, format!("{} MiB are available", bytes / MIB)),
        None => Finding::warning(TOPIC, "how much is available can't be read", "mount /proc"),
    }
}

fn sockets() -> Finding {
    const TOPIC: &str = "local sockets";
    match (rendezvous::examine(), rendezvous::complaint()) {
        (Ok(path), None) => Finding::good(TOPIC, format!("in {}", path.display())),
        (Ok(path), Some(why)) => Finding::warning(
            TOPIC,
            format!("in {}", path.display()),
            format!("XDG_RUNTIME_DIR is passed over: {why}"),
        ),
        (Err(error), _) => Finding::missing(TOPIC, error.to_string(), "no channel works"),
    }
}

fn open_files() -> Finding {
    const TOPIC: &str = "open files";
    let limit = getrlimit(Resource::Nofile);
    match limit.current {
        Some(few) if few < 1024 => {
            let found = format!("{few} at most");
            Finding::warning(TOPIC, found, "each connection takes two: raise ulimit -n")
        }
        Some(many) => Finding::good(TOPIC, format!("{many} at most")),
        None => Finding::good(TOPIC, "without a limit"),
    }
}

fn file_size() -> Finding {
    const TOPIC: &str = "file size";
    match getrlimit(Resource::Fsize).current {
        Some(bytes) => {
            let found = format!("{} MiB at most", bytes / MIB);
            Finding::warning(TOPIC, found, "it limits shared memory too: raise ulimit -f")
        }
        None => Finding::good(TOPIC, "without a limit"),
    }
}

fn processors() -> Finding {
    const TOPIC: &str = "processors";
    match thread::available_parallelism().map_or(1, usize::from) {
        1 => Finding::warning(TOPIC, "1", "waiting never spins: each hand-over costs a sleep"),
        many => Finding::good(TOPIC, many.to_string()),
    }
}
