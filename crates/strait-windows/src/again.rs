//! Other processes for tests: the test program started again, to run one test alone, as whom the parent talks to.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};
use strait_core::Deadline;

const VARIABLE: &str = "STRAIT_TEST_STARTED_AGAIN";
/// What a line begins with that is meant for the parent; the test program says more than that.
const SAYS: &str = "says: ";

/// Long enough for anything that isn't going to take for ever.
pub(crate) fn soon() -> Deadline<'static> {
    Deadline::after(Duration::from_secs(60))
}

/// A process that runs one test of this program. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Again {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Again {
    /// Runs the test with this path, where [`parent`] is there.
    pub(crate) fn start(test: &str) -> Self {
        Self::start_by(&mut Command::new(std::env::current_exe().unwrap()), test)
    }

    /// The same, where something else is to be done to the command.
    pub(crate) fn start_by(command: &mut Command, test: &str) -> Self {
        command.args(["--exact", test, "--nocapture", "--test-threads", "1"]);
        command.env(VARIABLE, test).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { child, says }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    /// What it says next.
    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it has ended");
            // The test program may have begun a line already.
            if let Some((_, said)) = line.trim_end().split_once(SAYS) {
                return said.to_owned();
            }
        }
    }

    /// Tells it to go on, each time it waits for that.
    pub(crate) fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Who has started this process again.
#[derive(Debug)]
pub(crate) struct Parent(());

/// The parent, if this process was started again, which then runs one test only.
pub(crate) fn parent() -> Option<Parent> {
    std::env::var_os(VARIABLE).map(|_| Parent(()))
}

impl Parent {
    pub(crate) fn say(&mut self, what: &str) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{SAYS}{what}").unwrap();
        out.flush().unwrap();
    }

    /// Waits until it says so, or has ended.
    pub(crate) fn wait(&mut self) {
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}
