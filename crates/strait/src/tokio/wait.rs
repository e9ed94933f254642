//! Waits of which nothing comes but that they end.

use crate::{CancelToken, Process, Result, platform};

/// Waits until somebody cancels, as [`CancelToken::wait`](crate::generic::CancelToken::wait) does.
///
/// So what ends the waits of threads ends those of tasks, too:
///
/// ```
/// use strait::{CancelToken, tokio::{cancelled, pipe}};
/// use tokio::io::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut reader, _writer) = pipe()?;
/// let stop = CancelToken::new()?;
/// # let other = stop.clone();
/// # std::thread::spawn(move || other.cancel());
/// let mut buffer = [0; 8];
/// let stopped = tokio::select! {
///     ended = cancelled(&stop) => ended.map(|()| true)?,
///     read = reader.read(&mut buffer) => read.map(|_| false)?,
/// };
/// assert!(stopped);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// It can be dropped and called again. Each call takes a handle for as long as it waits.
///
/// # Errors
///
/// `Os`, where there are no more handles; `Unsupported` outside of a runtime.
pub async fn cancelled(token: &CancelToken) -> Result<()> {
    if token.is_cancelled() { Ok(()) } else { platform::cancelled(token).await }
}

/// Waits until a process has ended, as [`Process::wait_exit`](crate::generic::Process::wait_exit) does: any
/// process that can be watched from here, and not children only.
///
/// ```
/// use std::process::Command;
/// use strait::{Process, tokio::wait_exit};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut child = Command::new("sleep").arg("60").spawn()?;
/// let process = Process::with_id(child.id())?;
/// let end = wait_exit(&process);
/// child.kill()?;
/// end.await?;
/// assert!(!process.is_alive());
/// # child.wait()?;
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// It can be dropped and called again. Each call takes a handle for as long as it waits.
///
/// # Errors
///
/// `Unsupported`, where it can't be watched from here, and outside of a runtime; `Os`, where there are no
/// more handles.
pub async fn wait_exit(process: &Process) -> Result<()> {
    platform::ended(process).await
}
