//! Local sockets, with clients and servers that are processes of their own.

use crate::support::{
    Peer, ended, given, have_many_descriptors, in_both_runtimes, restlessness, start,
};
use std::{
    io::{ErrorKind as IoErrorKind, Read, Write},
    sync::Arc,
};
use strait::{
    AcceptFrom, ErrorKind,
    tokio::{LocalDatagram, LocalDatagramListener, LocalListener, LocalStream},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn name(test: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("tokio/{test}-{}-{count}", std::process::id())
}

/// A process that listens, of which nothing is left when the test is over.
struct Server {
    peer: Peer,
    name: String,
}

impl Server {
    fn start(actor: &str, name: &str) -> Self {
        Self { peer: start(actor, name), name: name.to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.peer.kill();
        self.peer.wait();
        // The next to bind a name removes what one that was killed has left.
        drop(strait::LocalListener::bind(&self.name));
    }
}

/// Listens, and sends back what comes, to each.
#[test]
fn actor_that_echoes() {
    let Some(name) = given() else { return };
    let listener = strait::LocalListener::bind(name).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                stream.write_all(&buffer[..read]).unwrap();
            }
        });
    }
}

/// Connects a thousand times, and sends the number of each.
#[test]
fn actor_that_connects_a_thousand_times() {
    let Some(name) = given() else { return };
    have_many_descriptors();
    let connect = |_| strait::LocalStream::connect(&name).unwrap();
    let mut streams: Vec<_> = (0..1000).map(connect).collect();
    for (number, stream) in (0_u32..).zip(&mut streams) {
        stream.write_all(&number.to_ne_bytes()).unwrap();
    }
    for (number, stream) in (0_u32..).zip(&mut streams) {
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(u32::from_ne_bytes(answer), number);
    }
}

/// Sends messages of growing length, and ends.
#[test]
fn actor_that_sends_messages() {
    let Some(name) = given() else { return };
    let end = strait::LocalDatagram::connect(name).unwrap();
    for length in 0..1000 {
        end.send(&vec![length as u8; length]).unwrap();
    }
}

#[test]
fn what_another_process_gets_comes_back() {
    in_both_runtimes(async || {
        let name = name("echo");
        let _server = Server::start("local::actor_that_echoes", &name);
        let stream = LocalStream::connect_when_bound(&name).await.unwrap();
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_ne_bytes).collect();
        let (mut reader, mut writer) = stream.into_split();
        let sent = text.clone();
        let writing = tokio::spawn(async move { writer.write_all(&sent).await.unwrap() });
        let mut all = vec![0; text.len()];
        reader.read_exact(&mut all).await.unwrap();
        assert!(all == text);
        writing.await.unwrap();
        // The writing half is dropped, so the peer ends.
        assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
    });
}

#[test]
fn who_waits_learns_that_the_peer_was_killed() {
    in_both_runtimes(async || {
        let name = name("killed");
        let mut server = Server::start("local::actor_that_echoes", &name);
        let mut stream = LocalStream::connect_when_bound(&name).await.unwrap();
        stream.write_all(b"a").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
        let waiting = tokio::spawn(async move {
            let read = stream.read(&mut [0]).await;
            (read, stream)
        });
        tokio::task::yield_now().await;
        server.peer.kill();
        let (read, mut stream) = waiting.await.unwrap();
        assert_eq!(read.unwrap(), 0);
        let error = stream.write(b"lost").await.unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::BrokenPipe);
    });
}

#[test]
fn a_thousand_connections_of_another_process() {
    have_many_descriptors();
    in_both_runtimes(async || {
        let name = name("thousand");
        let listener = LocalListener::bind(&name).unwrap();
        let mut peer = start("local::actor_that_connects_a_thousand_times", &name);
        let mut tasks = Vec::new();
        for _ in 0..1000 {
            let mut stream = listener.accept().await.unwrap();
            tasks.push(tokio::spawn(async move {
                let mut number = [0; 4];
                stream.read_exact(&mut number).await.unwrap();
                stream.write_all(&number).await.unwrap();
                assert_eq!(stream.read(&mut number).await.unwrap(), 0);
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert!(peer.wait().success());
    });
}

#[test]
fn a_wait_for_somebody_to_connect_that_is_dropped_loses_nobody() {
    in_both_runtimes(async || {
        let name = name("dropped");
        let listener = LocalListener::bind(&name).unwrap();
        for round in 0..100_u32 {
            assert!(restlessness(listener.accept()).await <= 3);
            let mut there = strait::LocalStream::connect(&name).unwrap();
            there.write_all(&round.to_ne_bytes()).unwrap();
            let mut here = loop {
                match ended(listener.accept()) {
                    Some(here) => break here.unwrap(),
                    None => tokio::task::yield_now().await,
                }
            };
            let mut number = [0; 4];
            here.read_exact(&mut number).await.unwrap();
            assert_eq!(u32::from_ne_bytes(number), round);
            assert_eq!(here.peer_credentials().unwrap().pid, std::process::id());
        }
    });
}

#[test]
fn who_is_refused_is_never_returned() {
    in_both_runtimes(async || {
        let name = name("refused");
        let nobody = AcceptFrom::Users(Vec::new());
        let options = strait::LocalListener::options().accept_from(nobody);
        let listener = LocalListener::bind_with(options, &name).unwrap();
        let accepting = tokio::spawn(async move { listener.accept().await.unwrap() });
        for _ in 0..200 {
            let mut stream = LocalStream::connect(&name).await.unwrap();
            // It is let go without a byte.
            assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
        }
        assert!(!accepting.is_finished());
        accepting.abort();
    });
}

#[test]
fn connecting_waits_for_who_binds_later() {
    in_both_runtimes(async || {
        let name = name("later");
        let error = LocalStream::connect(&name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(restlessness(LocalStream::connect_when_bound(&name)).await <= 3);
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let name = name.clone();
            waiting.push(tokio::spawn(async move {
                LocalStream::connect_when_bound(&name).await.unwrap();
            }));
        }
        tokio::task::yield_now().await;
        let listener = LocalListener::bind(&name).unwrap();
        for task in waiting {
            task.await.unwrap();
        }
        drop(listener);
        let error = LocalDatagram::connect(&name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

#[test]
fn messages_of_another_process_arrive_whole() {
    in_both_runtimes(async || {
        let name = name("messages");
        let listener = LocalDatagramListener::bind(&name).unwrap();
        let mut peer = start("local::actor_that_sends_messages", &name);
        let end = listener.accept().await.unwrap();
        let mut buffer = vec![0; LocalDatagram::MAX_LEN];
        for length in 0..1000 {
            let received = end.recv(&mut buffer).await.unwrap();
            assert_eq!(received, length);
            assert!(buffer[..received].iter().all(|&byte| byte == length as u8));
        }
        let error = end.recv(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected);
        assert!(peer.wait().success());
    });
}

#[test]
fn messages_that_find_no_room_wait_for_it() {
    in_both_runtimes(async || {
        let (here, there) = LocalDatagram::pair().unwrap();
        let message = vec![7; 10_000];
        here.send(&message).await.unwrap();
        let mut sent = 1;
        // Until there is no room; a send that is dropped has sent nothing.
        while let Some(result) = {
            tokio::task::yield_now().await;
            ended(here.send(&message))
        } {
            result.unwrap();
            sent += 1;
        }
        assert!(sent > 1);
        let here = Arc::new(here);
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let (here, message) = (Arc::clone(&here), message.clone());
            tasks.push(tokio::spawn(async move { here.send(&message).await.unwrap() }));
        }
        let mut buffer = vec![0; LocalDatagram::MAX_LEN];
        for _ in 0..sent + 100 {
            assert_eq!(there.recv(&mut buffer).await.unwrap(), message.len());
        }
        assert!(ended(there.recv(&mut buffer)).is_none());
        for task in tasks {
            task.await.unwrap();
        }
        let error = there.recv(&mut []);
        here.send(b"too long").await.unwrap();
        assert_eq!(error.await.unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(there.into_sync().unwrap().recv_vec().unwrap(), b"too long");
    });
}

#[test]
fn who_always_finds_something_to_do_gives_others_their_turn() {
    in_both_runtimes(async || {
        let (here, there) = LocalDatagram::pair().unwrap();
        let busy = tokio::spawn(async move {
            for _ in 0..100_000 {
                here.send(b"again").await.unwrap();
                there.recv(&mut [0; 8]).await.unwrap();
            }
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!busy.is_finished());
        busy.abort();
    });
}

#[test]
fn a_stream_and_a_listener_are_turned_back_and_forth() {
    in_both_runtimes(async || {
        let name = name("turned");
        let mut listener = LocalListener::bind(&name).unwrap();
        for _ in 0..20 {
            let mut there = LocalStream::connect(&name).await.unwrap();
            let blocking = listener.into_sync();
            let mut here = blocking.accept().unwrap();
            listener = blocking.try_into().unwrap();
            there.write_all(b"to sync").await.unwrap();
            let mut bytes = [0; 7];
            here.read_exact(&mut bytes).unwrap();
            let mut here = LocalStream::try_from(here).unwrap();
            there.into_sync().unwrap().write_all(b"from it").unwrap();
            let mut text = String::new();
            here.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "from it");
        }
        assert_eq!(listener.name().as_str(), name);
    });
}
