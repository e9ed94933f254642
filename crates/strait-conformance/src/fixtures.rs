//! What behaviours need: names of their own, who they run as, and waiting for a condition.

use crate::{Failure, Peer, Stage, Verdict, unavailable};
use std::{
    env, fs,
    path::Path,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// A name that no other behaviour uses, of this run or another.
pub fn unique(label: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("suite/{label}/{}.{count}", process::id())
}

/// Whether this is Linux, for behaviours that use its commands.
pub fn is_linux() -> bool {
    env::consts::OS == "linux"
}

/// Whether this system has a shell, and the commands that any Unix has.
pub fn is_unix() -> bool {
    env::consts::FAMILY == "unix"
}

/// Whether this is Windows' API on another system, for what Wine does otherwise.
pub fn is_wine() -> bool {
    let root = env::var_os("SystemRoot").filter(|_| env::consts::OS == "windows");
    root.is_some_and(|root| Path::new(&root).join("system32/winecfg.exe").exists())
}

/// The system, as it is called in the matrix.
pub(crate) fn system() -> &'static str {
    if is_wine() { "wine" } else { env::consts::OS }
}

/// Whether this process is the superuser's, on a system that has one.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A peer that runs as the user nobody, and has said `started`.
///
/// # Errors
///
/// Where it ends before; the behaviour is unavailable where this process isn't the superuser's, and
/// where nobody can't run the executable.
pub fn nobody<F: Fn(&mut Stage) -> Verdict>(
    actor: F,
    args: impl IntoIterator<Item = impl ToString>,
) -> Result<Peer, Failure> {
    const NOBODY: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    if !is_root() {
        return unavailable("needs root, to act as another user");
    }
    let mut peer = Peer::under(NOBODY, actor, args)?;
    match peer.expect("started") {
        Ok(()) => Ok(peer),
        Err(error) if error.to_string().contains("Permission denied") => {
            unavailable("the user nobody can't run this executable where it is")
        }
        // Of setpriv, for a number that isn't mapped in the user namespace.
        Err(error) if error.to_string().contains("Invalid argument") => {
            unavailable("there is no other user in this user namespace")
        }
        Err(error) => Err(error.into()),
    }
}

/// Lengths of memory that no process can have. One of 32 bits may well have half of what it can count.
pub(crate) fn impossible_lengths() -> Vec<usize> {
    const HALF: usize = isize::MAX as usize;
    let beyond_pointers = [usize::MAX, HALF + 1];
    let beyond_memory = [HALF, HALF - 4096];
    let known = if usize::BITS > 32 { &beyond_memory[..] } else { &[] };
    [&beyond_pointers, known].concat()
}

/// A peer that can have as many files open and no more: where it asks for more, and is permitted it, more than others.
///
/// # Errors
///
/// Where it can't be started; the behaviour is unavailable where no command limits that.
pub(crate) fn limited_to<F: Fn(&mut Stage) -> Verdict>(
    files: u32,
    actor: F,
    args: impl IntoIterator<Item = impl ToString>,
) -> Result<Peer, Failure> {
    if !is_unix() {
        return unavailable("no command here limits how much a process has open");
    }
    let script = format!("ulimit -n {files}; exec \"$0\" \"$@\"");
    Ok(Peer::under(["sh", "-c", &script], actor, args)?)
}

/// A peer that may have as many files open: that has to be asked for where there is a limit.
///
/// # Errors
///
/// Where it can't be started.
pub(crate) fn with_room_for<F: Fn(&mut Stage) -> Verdict>(
    files: u32,
    actor: F,
    args: impl IntoIterator<Item = impl ToString>,
) -> Result<Peer, Failure> {
    if is_unix() { limited_to(files, actor, args) } else { Ok(Peer::with_args(actor, args)?) }
}

/// How many files this process has open, where the system tells; 0 otherwise.
pub(crate) fn open_files() -> Result<usize, Failure> {
    if is_linux() { Ok(fs::read_dir("/proc/self/fd")?.count()) } else { Ok(0) }
}

/// Waits until `condition` holds, of something that another process brings about and of which no
/// call tells; gives the processor away in between.
///
/// # Errors
///
/// Where it doesn't hold within ten seconds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> Result<(), Failure> {
    let begin = Instant::now();
    while !condition() {
        if begin.elapsed() > Duration::from_secs(10) {
            return Err(format!("waited in vain: {what}").into());
        }
        thread::yield_now();
    }
    Ok(())
}
