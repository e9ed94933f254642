//! What this system offers of what the backend needs.

use crate::{
    named, object, persistent, random, section, security::Security, signals, user::User, view::PAGE,
};
use std::fs;
use strait_core::{Access, Error, Finding, Result};

pub(crate) fn examine() -> Vec<Finding> {
    vec![user(), named_memory(), memory(), persistent_memory(), signals::examine()]
}

fn user() -> Finding {
    const TOPIC: &str = "user";
    match User::own() {
        Ok(user) => Finding::good(TOPIC, format!("{}, number {}", user.sid, user.number())),
        Err(error) => Finding::missing(TOPIC, error.to_string(), "run it as a user"),
    }
}

fn named_memory() -> Finding {
    const TOPIC: &str = "named shared memory";
    let make = || -> Result<()> {
        let name =
            object::name(User::own()?.number(), "examine", &format!("{:x}", random::number()));
        let made = named::section(Some(&name), &Security::of(Access::Private)?, PAGE);
        made.map(drop).map_err(|error| Error::os("make a section with a name", error))
    };
    match make() {
        Ok(()) => Finding::good(TOPIC, "sections with names, for this session"),
        Err(error) => {
            let hint = "a program in a sandbox may not make objects with names: permit it";
            Finding::missing(TOPIC, error.to_string(), hint)
        }
    }
}

fn memory() -> Finding {
    const TOPIC: &str = "memory";
    const MIB: u64 = 1 << 20;
    match section::available() {
        Some(bytes) if bytes < 256 * MIB => {
            let found = format!("{} MiB are available", bytes / MIB);
            Finding::warning(TOPIC, found, "large segments will be refused")
        }
        Some(bytes) => Finding::good(TOPIC, format!("{} MiB are available", bytes / MIB)),
        None => Finding::warning(TOPIC, "how much is available isn't told", "it is tried then"),
    }
}

fn persistent_memory() -> Finding {
    const TOPIC: &str = "persistent shared memory";
    let folder = persistent::directory().and_then(|folder| {
        fs::create_dir_all(&folder)?;
        Ok(folder)
    });
    match folder {
        Ok(folder) => Finding::good(TOPIC, format!("in {}", folder.display())),
        Err(error) => {
            let hint = "have LOCALAPPDATA say where this user's data may be";
            Finding::warning(TOPIC, error.to_string(), hint)
        }
    }
}
