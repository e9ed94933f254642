//! Debian's packages.

use std::process::Command;

use crate::cmd::{Result, found, output, run, succeeds};

/// Installs packages; knows whether the lists of what there is are new.
#[derive(Default)]
pub(super) struct Apt {
    is_updated: bool,
}

impl Apt {
    /// Installs those of the packages that are missing, and says which these were.
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<String> {
        let missing: Vec<&str> = packages.iter().copied().filter(|name| !is_there(name)).collect();
        if missing.is_empty() {
            return Ok(format!("there: {}", packages.join(" ")));
        }
        if !self.is_updated {
            run(as_root("apt-get").args(["update", "-qq"]))?;
            self.is_updated = true;
        }
        let options = ["install", "-y", "-qq", "--no-install-recommends"];
        run(as_root("apt-get").args(options).args(&missing))?;
        Ok(format!("installed: {}", missing.join(" ")))
    }
}

/// Whether the package is installed, and not merely known.
fn is_there(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status}\n", package]);
    output(&mut query).is_ok_and(|status| says_installed(&status))
}

/// A package may be there for several processors, each with a line of its own.
fn says_installed(status: &str) -> bool {
    status.lines().any(|line| line == "installed")
}

/// The command as the superuser would give it. It asks nothing.
fn as_root(program: &str) -> Command {
    let is_root = output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let words: &[&str] = match is_root {
        true => &["env"],
        false if found("sudo").is_some() && succeeds(Command::new("sudo").args(["-n", "true"])) => {
            &["sudo", "-n", "env"]
        }
        // It will say that it isn't permitted.
        false => &["env"],
    };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg("DEBIAN_FRONTEND=noninteractive").arg(program);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_not_there() {
        assert!(says_installed("installed\n"));
        assert!(says_installed("config-files\ninstalled\n"));
        assert!(!says_installed("not-installed\n"));
        assert!(!says_installed("config-files\n"));
        assert!(!says_installed(""));
    }
}
