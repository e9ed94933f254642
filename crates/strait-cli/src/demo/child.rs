//! The other process.

use super::link::Link;
use crate::{
    failure::{Failure, Result},
    stop::Stop,
};
use std::{
    env, io,
    process::{self, Command, Stdio},
};

/// A child process that takes part in the demonstration. Dropping it ends it.
pub(super) struct Child {
    process: process::Child,
    link: Link,
}

impl Child {
    /// Starts this program again, for one mechanism.
    pub(super) fn start(mechanism: &str, name: &str, stop: Stop) -> Result<Self> {
        let started = || -> io::Result<Self> {
            let mut process = Command::new(env::current_exe()?)
                .args(["demo-peer", mechanism, name])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            match (process.stdout.take(), process.stdin.take()) {
                (Some(hears), Some(says)) => {
                    Ok(Self { process, link: Link::new(hears, says, stop) })
                }
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            }
        };
        started().map_err(|source| Failure::System { what: "start the other process", source })
    }

    pub(super) fn link(&mut self) -> &mut Link {
        &mut self.link
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It ends by itself, and leaves nothing behind; one that is stuck leaves what the next
        // demonstration reclaims.
        if !self.link.end() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}
