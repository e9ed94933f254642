//! The ends that there are, in tokio's runtimes of one thread and of two.

use super::{
    tests::{ended, in_time, runtimes},
    *,
};
use crate::{Windows, WindowsSocket};
use std::{process, sync::Arc, thread};
use strait_core::{
    AcceptFrom, Accepted, Deadline, Name, Pipe, PipeRead, PipeWrite, Socket, SocketListener,
    Sockets, Style,
};

const ALL: usize = 3 << 20;

/// Bytes that tell where they belong.
fn bytes(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|place| (place / 7 % 251) as u8).collect()
}

/// Writes all there is, and says how often it did.
async fn write_all<T: Waitable>(to: &Ready<T>, write: impl Fn(&T, &[u8]) -> Result<Option<usize>>) {
    let mut done = 0;
    while done < ALL {
        let part = bytes(done, (ALL - done).min(30_000));
        done += to.write(|end| write(end, &part)).await.unwrap();
    }
}

/// Reads all there is, up to the end.
async fn read_all<T: Waitable>(
    from: &Ready<T>,
    read: impl Fn(&T, &mut [u8]) -> Result<Option<usize>>,
) {
    let (mut done, mut buffer) = (0, vec![0; 20_000]);
    loop {
        let len = from.read(|end| read(end, &mut buffer)).await.unwrap();
        if len == 0 {
            break;
        }
        assert!(buffer[..len] == bytes(done, len), "at {done}");
        done += len;
    }
    assert_eq!(done, ALL);
}

#[test]
fn a_pipe_carries_more_than_it_holds_and_ends() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let (reader, writer) = Windows::pipe().unwrap();
            let reader = Ready::to_read(reader).unwrap();
            assert!(!ended(reader.read(|end| end.try_read(&mut [0]))));
            let writer = Ready::to_write(writer).unwrap();
            let writing = tokio::spawn(async move {
                write_all(&writer, |end, bytes| end.try_write(bytes)).await;
            });
            read_all(&reader, |end, buffer| end.try_read(buffer)).await;
            writing.await.unwrap();
        }));
    }
}

#[test]
fn a_socket_carries_more_than_it_holds_and_ends() {
    for runtime in runtimes() {
        runtime.block_on(in_time(async {
            let (here, there) = Windows::socket_pair(Style::Stream).unwrap();
            let here = Ready::to_read_and_write(here).unwrap();
            let there = Ready::to_read_and_write(there).unwrap();
            let receive = |end: &WindowsSocket, buffer: &mut [u8]| {
                Ok(end.try_receive(buffer, None)?.map(|arrived| arrived.len))
            };
            assert!(!ended(there.read(|end| receive(end, &mut [0]))));
            let writing = tokio::spawn(async move {
                write_all(&here, |end, bytes| end.try_send(bytes, &[])).await;
            });
            read_all(&there, receive).await;
            writing.await.unwrap();
        }));
    }
}

#[test]
fn a_listener_is_woken_by_who_connects() {
    for (number, runtime) in runtimes().into_iter().enumerate() {
        runtime.block_on(in_time(async {
            let name = Name::new(&format!("test/ends-{}-{number}", process::id())).unwrap();
            let listener = Windows::listen_for(&name, Style::Stream, AcceptFrom::SameUser).unwrap();
            let listener = Arc::new(Ready::to_read(listener).unwrap());
            let accept = |listener: Arc<Ready<_>>| async move {
                let attempt =
                    |listener: &crate::WindowsSocketListener| match listener.try_accept()? {
                        Accepted::Peer(socket) => Ok(Some(socket)),
                        Accepted::Refused | Accepted::Nobody => Ok(None),
                    };
                listener.read(attempt).await.unwrap()
            };
            for _ in 0..10 {
                assert!(!ended(accept(Arc::clone(&listener))));
                let accepting = tokio::spawn(accept(Arc::clone(&listener)));
                tokio::task::yield_now().await;
                let connect = || Windows::connect_to(&name, Style::Stream, None, Deadline::now());
                let there = thread::scope(|scope| scope.spawn(connect).join().unwrap()).unwrap();
                let here = accepting.await.unwrap();
                there.send(b"hello", &[], Deadline::NEVER).unwrap();
                let here = Ready::to_read(here).unwrap();
                let mut buffer = [0; 9];
                let came = here.read(|end| end.try_receive(&mut buffer, None)).await.unwrap();
                assert_eq!(&buffer[..came.len], b"hello");
            }
        }));
    }
}
