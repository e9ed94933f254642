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

/// What runs the test with this path alone, where [`parent`] is there.
pub(crate) fn command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads", "1"]).env(VARIABLE, test);
    command
}

impl Again {
    pub(crate) fn start(test: &str) -> Self {
        Self::of(command(test))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
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
