//! What the tests are run by.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    pin::pin,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use strait::{
    Process,
    tokio::{PipeReader, PipeWriter},
};
use tokio::runtime::Builder;

/// How long whatever is to happen may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test in a runtime of one thread, and in one of two.
pub(crate) fn in_both_runtimes<F>(test: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(2).enable_all().build().unwrap();
        let test = test();
        let task = runtime.spawn(async { tokio::time::timeout(PATIENCE, test).await });
        runtime.block_on(task).unwrap().expect("the test takes too long");
    }
}

/// Looks once whether a future has ended, which isn't woken for that.
pub(crate) fn ended<F: Future>(future: F) -> Option<F::Output> {
    look(pin!(future), &Waker::noop().clone())
}

/// Looks at a future again and again, and says how often it has asked for that.
pub(crate) async fn restlessness<F: Future>(future: F) -> usize {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut future = pin!(future);
    for _ in 0..100 {
        assert!(look(future.as_mut(), &waker).is_none(), "it has ended");
        tokio::task::yield_now().await;
    }
    count.0.load(Ordering::SeqCst)
}

fn look<F: Future>(future: std::pin::Pin<&mut F>, waker: &Waker) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(waker)) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A process that is killed when the test is over.
pub(crate) struct Peer {
    child: Child,
    pub(crate) process: Process,
}

impl Peer {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        let process = Process::with_id(child.id()).unwrap();
        Self { child, process }
    }

    /// One that writes what it reads, and the pipes to it and from it.
    pub(crate) fn echo() -> (Self, PipeWriter, PipeReader) {
        let (input, writer) = strait::pipe().unwrap();
        let (reader, output) = strait::pipe().unwrap();
        let mut command = Command::new("cat");
        command.stdin(Stdio::try_from(input).unwrap()).stdout(Stdio::try_from(output).unwrap());
        let peer = Self::start(&mut command);
        (peer, writer.try_into().unwrap(), reader.try_into().unwrap())
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This executable again, as a process that does what the test `actor` does with what it is given.
pub(crate) fn start(actor: &str, given: &str) -> Peer {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", actor, "--nocapture"]).env(GIVEN, given).stdout(Stdio::null());
    Peer::start(&mut command)
}

/// What an actor is given; `None` where it is but a test that has nothing to do.
pub(crate) fn given() -> Option<String> {
    std::env::var(GIVEN).ok()
}

const GIVEN: &str = "STRAIT_TEST_TOKIO";

/// Permits this process as many descriptors as it may have.
pub(crate) fn have_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, most).unwrap();
}
