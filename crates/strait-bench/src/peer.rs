//! The other process: the same program once more, which opens what is measured and uses it until it is
//! killed.
//!
//! It never outlives this process: the kernel kills it when this process ends in whatever way. And this
//! process never waits for one that has failed: it ends too, with an error.

use crate::{
    Result, Subject,
    cpus::{self, Cpus},
    subject,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use std::{
    convert::Infallible,
    env,
    io::{self, Read, Write},
    process::{self, Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Set in a peer's environment to its role. Its arguments are the name of the memory, and the cpu.
const ROLE: &str = "STRAIT_BENCH_PEER";

/// A part that a peer can play.
#[derive(Debug)]
pub struct Role {
    name: &'static str,
    play: fn(&str) -> Result<Infallible>,
}

impl Role {
    /// The part of the one that opposes.
    pub const fn of<S: Subject>() -> Self {
        Self { name: S::NAME, play: play::<S> }
    }
}

/// Where this process was started as a peer, plays its part and never returns, but with an error;
/// otherwise does nothing. To be called first in `main`, before the arguments are read.
///
/// # Errors
///
/// Whatever goes wrong before it can begin.
pub fn act_if_asked(roles: &[Role]) -> Result {
    let Some(asked) = env::var_os(ROLE) else { return Ok(()) };
    let role = roles.iter().find(|role| asked == role.name).ok_or("there is no such role")?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut arguments = env::args().skip(1);
    let name = arguments.next().ok_or("the name of the memory is missing")?;
    if let Some(cpu) = arguments.next() {
        cpus::pin(cpu.parse()?).unwrap_or_else(|error| cpus::note_unpinned(&error));
    }
    match (role.play)(&name)? {}
}

fn play<S: Subject>(name: &str) -> Result<Infallible> {
    let subject = S::open(name)?;
    // It fails where the parent was gone before there was a signal for that.
    io::stdout().write_all(READY)?;
    io::stdout().flush()?;
    subject.oppose()
}

const READY: &[u8] = b"r";

/// A process that opposes this one. Dropping it kills it.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    may_end: Arc<AtomicBool>,
}

/// Makes a subject, and starts a peer that opposes: it has opened the same one, and begins.
///
/// # Errors
///
/// Whatever goes wrong here or there. Why it went wrong there, the peer says on standard error.
pub fn oppose<S: Subject>(cpus: Cpus) -> Result<(S, Peer)> {
    let (subject, name) = subject::named::<S>()?;
    let peer = Peer::start(S::NAME, &name, cpus.of_peers())?;
    subject::forget(&name)?;
    Ok((subject, peer))
}

impl Peer {
    fn start(role: &str, name: &str, cpu: Option<usize>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.env(ROLE, role).arg(name).args(cpu.map(|cpu| cpu.to_string()));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let stdout = process.stdout.take();
        let peer = Self { process, may_end: Arc::default() };
        let mut stdout = stdout.ok_or("the peer has no standard output")?;
        stdout.read_exact(&mut [0; READY.len()]).map_err(|_| "the peer couldn't begin")?;
        let may_end = Arc::clone(&peer.may_end);
        thread::spawn(move || end_with(stdout, &may_end));
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.may_end.store(true, Ordering::Relaxed);
        // They fail only where it has ended, and then so does this process.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends this process when a peer ends that wasn't to: its standard output has an end then.
fn end_with(mut stdout: ChildStdout, may_end: &AtomicBool) {
    let _ = io::copy(&mut stdout, &mut io::sink());
    if !may_end.load(Ordering::Relaxed) {
        eprintln!("error: the other process has ended");
        process::exit(1);
    }
}
