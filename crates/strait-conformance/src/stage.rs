//! The child's side of the conversation between a peer and its parent.

use crate::Verdict;
use std::{fmt::Display, io};

/// Where an actor stands: its arguments, and the lines that it exchanges with its parent.
#[derive(Debug)]
pub struct Stage {
    args: Vec<String>,
}

impl Stage {
    pub(crate) fn new(args: Vec<String>) -> Self {
        Self { args }
    }

    /// The argument at `index`, counted from 0.
    ///
    /// # Panics
    ///
    /// Where the parent gave fewer arguments.
    pub fn arg(&self, index: usize) -> &str {
        &self.args[index]
    }

    /// All arguments.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// Sends one line to the parent.
    ///
    /// # Panics
    ///
    /// Where the parent is gone, which ends the actor; and where the text has more than one line.
    pub fn say(&self, line: impl Display) {
        let line = line.to_string();
        assert!(!line.contains('\n'), "an actor speaks in single lines: {line:?}");
        // Standard output is flushed at every end of a line.
        println!("{line}");
    }

    /// The next line from the parent; `None` where the parent is gone or has nothing more to say:
    /// time for the actor to end.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(1..) => Some(line.trim_end_matches('\n').to_owned()),
            // An input that can't be read has no parent at its other end.
            Ok(0) | Err(_) => None,
        }
    }

    /// Waits until the parent says `line`.
    ///
    /// # Errors
    ///
    /// Where the parent says something else or is gone.
    pub fn expect(&mut self, line: &str) -> Verdict {
        match self.hear() {
            Some(heard) if heard == line => Ok(()),
            Some(heard) => Err(format!("the parent said {heard:?} instead of {line:?}").into()),
            None => Err(format!("the parent was gone before it said {line:?}").into()),
        }
    }

    /// Waits until the parent is gone or [finishes](crate::Peer::finish) this peer, whatever it
    /// says before.
    pub fn wait_for_end_of_input(&mut self) {
        while self.hear().is_some() {}
    }
}
