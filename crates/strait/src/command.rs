//! Starting a child process, and handing endpoints to it.

use crate::{
    child::{Child, Handshake},
    endpoint::{Endpoint, Parcel},
};
use std::{ffi::OsStr, fmt, path::Path, process};
use strait_core::{
    Backend, Capability, Deadline, Error, ErrorKind, Result, Socket, Style, Transfer,
};
use strait_protocol::{Greeting, Label};

/// A process to be started, as [`std::process::Command`], and what it is handed: ends of channels and
/// pipes, memory, connections, none of which needs a name that others could find.
///
/// What is passed is the child's alone: no other child has it, whenever it is started, and this process
/// has it no more. The child takes it by [`inherited`](crate::inherited()). Until it first does, whatever
/// it starts itself by other means than this holds open what was passed, though it can't take it. A program in
/// between has to become the child (`exec`), as `env` and `nice` do, and not to start it, as `timeout` does.
///
/// ```
/// use std::io::Read;
/// use strait::Command;
///
/// let (mut reader, writer) = strait::pipe()?;
/// # let worker = "true";
/// let child = Command::new(worker).pass("answers", writer).spawn()?;
/// // The child has the only writer: this ends when it drops that, or is killed.
/// let mut answers = Vec::new();
/// reader.read_to_end(&mut answers)?;
/// # drop(child);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In the child:
///
/// ```no_run
/// use std::io::Write;
/// use strait::PipeWriter;
///
/// let mut answers: PipeWriter = strait::inherited("answers")?;
/// answers.write_all(b"42")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Command<B: Backend> {
    command: process::Command,
    kill_on_drop: bool,
    passed: Vec<(String, Parcel<B>)>,
    /// The first thing that couldn't be passed.
    refused: Option<Error>,
}

impl<B: Backend> Command<B> {
    /// Starts `program`, with this process' environment, working directory, input and output.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        process::Command::new(program).into()
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Sets what it reads from.
    #[must_use]
    pub fn stdin(mut self, from: impl Into<process::Stdio>) -> Self {
        self.command.stdin(from);
        self
    }

    /// Sets what it writes to.
    #[must_use]
    pub fn stdout(mut self, to: impl Into<process::Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    /// Sets what it writes complaints to.
    #[must_use]
    pub fn stderr(mut self, to: impl Into<process::Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    /// Hands an endpoint to the child, which takes it by this name. Names are the child's own: any text,
    /// and each once.
    ///
    /// What can't be passed is told by [`spawn`](Self::spawn). If the child isn't started, what was passed
    /// is dropped.
    #[must_use]
    pub fn pass(mut self, name: impl Into<String>, endpoint: impl Endpoint<B>) -> Self {
        let name = name.into();
        match endpoint.into_parcel() {
            Ok(parcel) => self.passed.push((name, parcel)),
            Err(error) => {
                self.refused.get_or_insert(error.on(name));
            }
        }
        self
    }

    /// Ends the child by force when its [`Child`] is dropped, unless it has ended by then. Otherwise it
    /// goes on, as with std.
    #[must_use]
    pub fn kill_on_drop(mut self, kill: bool) -> Self {
        self.kill_on_drop = kill;
        self
    }

    /// The rest of what std can do, for this system.
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.command
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// `NotFound`, `PermissionDenied` where the program can't be run; those of
    /// [`Endpoint::into_parcel`] for what was passed; `InvalidInput` where two endpoints have one name;
    /// `LimitReached` where more is passed than the system takes at once.
    pub fn spawn(mut self) -> Result<Child<B>> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let program = self.command.get_program().to_string_lossy().into_owned();
        let passed = match self.passed.is_empty() {
            true => {
                B::disinherit(&mut self.command);
                None
            }
            false => Some(bequeath::<B>(&mut self.command, self.passed)?),
        };
        let child = self.command.spawn().map_err(|error| Error::os(START, error).on(program))?;
        let handshake = passed.map(|(bequest, handshake)| {
            B::settle(bequest, &child);
            handshake
        });
        Child::started(child, handshake, self.kill_on_drop)
    }
}

/// With nothing passed yet.
impl<B: Backend> From<process::Command> for Command<B> {
    fn from(command: process::Command) -> Self {
        Self { command, kill_on_drop: false, passed: Vec::new(), refused: None }
    }
}

impl<B: Backend> fmt::Debug for Command<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.passed.iter().map(|(name, _)| name).collect();
        f.debug_struct("Command").field("command", &self.command).field("passed", &names).finish()
    }
}

const START: &str = "start the process";
const PASS: &str = "pass endpoints to a child";

/// Has the child inherit a connection in which everything that it is handed lies already. Returns the
/// end on which it answers.
fn bequeath<B: Backend>(
    command: &mut process::Command,
    passed: Vec<(String, Parcel<B>)>,
) -> Result<(B::Bequest, Handshake<B>)> {
    B::CAPABILITIES.require(Capability::HandlePassing, PASS)?;
    let (here, there) = B::socket_pair(Style::Datagram)?;
    let endpoints = u32::try_from(passed.len()).unwrap_or(u32::MAX);
    send::<B>(&here, &Greeting { endpoints }.to_bytes(), &[])?;
    let mut names: Vec<String> = Vec::new();
    for (name, parcel) in passed {
        if names.contains(&name) {
            let why = "another endpoint has that name";
            return Err(Error::new(ErrorKind::InvalidInput, PASS, why).on(name));
        }
        let Parcel { kind, state, handles } = parcel;
        let count = u32::try_from(handles.len()).unwrap_or(u32::MAX);
        let label = Label { kind: kind.to_u32(), handles: count, name: &name, state: &state };
        let bytes = label.to_bytes(PASS)?;
        send::<B>(&here, &bytes, &handles).map_err(|error| error.on(&name))?;
        names.push(name);
    }
    let bequest = B::bequeath(command, there.into_handle()?)?;
    Ok((bequest, Handshake { child: here, endpoints }))
}

/// Nobody reads yet, so what there is no room for can't be passed.
fn send<B: Backend>(to: &B::Socket, bytes: &[u8], handles: &[B::Handle]) -> Result<()> {
    to.send(bytes, handles, Deadline::now()).map(drop).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => {
            let why = "it is more than the system takes at once";
            Error::new(ErrorKind::LimitReached, PASS, why).hint("send the rest over a connection")
        }
        _ => error,
    })
}
