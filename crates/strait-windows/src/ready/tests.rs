//! Ends in tokio's runtimes of one thread and of two.

use super::*;
use crate::{
    Windows, WindowsCancel,
    again::{self, Again, soon},
    name_claim,
    new_names::NewName,
    object, overlapped,
    pending::PendingRead,
    process, test_pipe,
};
use std::{
    future::poll_fn,
    os::windows::io::AsHandle,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Wake, Waker},
    thread,
    time::Duration,
};
use strait_core::{Cancel, Deadline, Name};
use tokio::runtime::{Builder, Runtime};

/// One end of a pipe.
struct End(Arc<OwnedHandle>);

impl Waitable for End {}

#[allow(private_interfaces)]
impl sealed::Signals for End {
    fn readable(&self) -> io::Result<Worth> {
        let read = PendingRead::start(Arc::clone(&self.0), 0)?;
        Ok(Worth { signals: vec![Arc::new(read)], within: u32::MAX })
    }

    fn writable(&self) -> io::Result<Worth> {
        Ok(Worth { signals: Vec::new(), within: u32::MAX })
    }
}

/// Reads a message, where there is one.
fn read(end: &End) -> Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; 100];
    let read = overlapped::read(&*end.0, &mut bytes, Deadline::now()).map_err(failed)?;
    let Some(read) = read else { return Ok(None) };
    bytes.truncate(read.bytes().map_err(failed)?);
    Ok(Some(bytes))
}

fn write(to: &OwnedHandle, bytes: &[u8]) {
    overlapped::write(to, bytes, soon()).unwrap().unwrap().bytes().unwrap();
}

pub(super) fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.worker_threads(2).enable_time().build().unwrap())
}

pub(super) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.unwrap()
}

/// Looks once whether a future has ended, which isn't woken for that.
pub(super) fn ended<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn who_reads_is_woken_by_what_comes_and_loses_nothing_where_it_gave_up() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let (here, there) = test_pipe::pair();
            let end = Ready::to_read(End(Arc::new(here))).unwrap();
            for round in 0..200_u8 {
                for _ in 0..round % 3 {
                    assert!(!ended(end.read(read)));
                    assert!(!ended(poll_fn(|context| end.poll_read(context, read))));
                }
                let writing = there.try_clone().unwrap();
                let writer = thread::spawn(move || write(&writing, &[round]));
                let got = match round % 2 {
                    0 => end.read(read).await.unwrap(),
                    _ => poll_fn(|context| end.poll_read(context, read)).await.unwrap(),
                };
                assert_eq!(got, [round]);
                writer.join().unwrap();
            }
            drop(there);
            end.read(read).await.unwrap_err();
        }));
    }
}

#[test]
fn of_many_tasks_that_read_each_gets_what_is_its() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let (here, there) = test_pipe::pair();
            let end = Arc::new(Ready::to_read(End(Arc::new(here))).unwrap());
            let read_one = |end: Arc<Ready<End>>| async move { end.read(read).await.unwrap()[0] };
            let tasks: Vec<_> = (0..20).map(|_| tokio::spawn(read_one(Arc::clone(&end)))).collect();
            for number in 0..20 {
                write(&there, &[number]);
                tokio::task::yield_now().await;
            }
            let mut got = Vec::new();
            for task in tasks {
                got.push(task.await.unwrap());
            }
            got.sort_unstable();
            assert_eq!(got, (0..20).collect::<Vec<u8>>());
        }));
    }
}

#[test]
fn who_waits_does_not_ask_to_be_looked_at() {
    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let runtime = &runtimes()[0];
    let _entered = runtime.enter();
    let (here, there) = test_pipe::pair();
    let end = Ready::to_read(End(Arc::new(here))).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut reading = pin!(end.read(read));
    for _ in 0..50 {
        assert!(reading.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        thread::yield_now();
    }
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    write(&there, b"x");
    assert_eq!(runtime.block_on(in_time(reading)).unwrap(), b"x");
}

#[test]
fn who_always_finds_something_lets_others_have_their_turn() {
    runtimes()[0].block_on(in_time(async {
        let (here, _there) = test_pipe::pair();
        let end = Ready::to_read(End(Arc::new(here))).unwrap();
        let other = tokio::spawn(async {});
        let mut turns = 0;
        while !other.is_finished() {
            end.read(|_| Ok(Some(()))).await.unwrap();
            poll_fn(|context| end.poll_read(context, |_| Ok(Some(())))).await.unwrap();
            turns += 1;
        }
        assert!(turns > 1);
    }));
}

#[test]
fn a_cancellation_ends_the_waits_of_many_tasks() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let token = WindowsCancel::new().unwrap();
            let copy = || token.as_handle().try_clone_to_owned().unwrap();
            let tasks: Vec<_> = (0..100).map(|_| tokio::spawn(signalled(copy()))).collect();
            assert!(!ended(signalled(copy())));
            tokio::task::yield_now().await;
            token.cancel();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        }));
    }
}

#[test]
fn a_process_that_goes_on() {
    if let Some(mut parent) = again::parent() {
        parent.wait();
    }
}

#[test]
fn the_end_of_a_process_that_is_killed_is_seen() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let mut peer = Again::start("ready::tests::a_process_that_goes_on");
            let identity = process::identify(peer.id()).unwrap();
            let end = || Windows::end_of_process(&identity).unwrap().unwrap();
            assert!(!ended(signalled(end())));
            let waiting = tokio::spawn(signalled(end()));
            tokio::task::yield_now().await;
            peer.kill();
            waiting.await.unwrap().unwrap();
        }));
    }
}

#[test]
fn a_change_of_a_name_is_noticed_also_where_another_has_hidden_it() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let text = format!("test/ready-{}", std::process::id());
            let (name, noticed) = (Name::new(&text).unwrap(), NewName::of(&text).unwrap());
            noticed.listen();
            let taken = name_claim::Owned::create(&name, name_claim::Sort::Pipe, "take").unwrap();
            assert!(taken.is_some());
            noticed.changed().await.unwrap();
            NewName::of(&text).unwrap().listen();
            noticed.changed().await.unwrap();
        }));
    }
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    let event = object::event().unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    let mut waiting = pin!(signalled(event));
    let polled = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else { panic!("it waits") };
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let end = End(Arc::new(test_pipe::pair().0));
    assert_eq!(Ready::to_read(end).err().unwrap().kind(), ErrorKind::Unsupported);
    drop(runtime);
}
