//! Cancellations, and the end of processes.

use crate::support::{Peer, ended, in_both_runtimes};
use std::process::Command;
use strait::{
    CancelToken, ErrorKind,
    tokio::{cancelled, wait_exit},
};

#[test]
fn one_token_ends_the_waits_of_many_tasks() {
    in_both_runtimes(async || {
        let token = CancelToken::new().unwrap();
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let token = token.clone();
            tasks.push(tokio::spawn(async move { cancelled(&token).await.unwrap() }));
        }
        tokio::task::yield_now().await;
        assert!(ended(cancelled(&token)).is_none());
        std::thread::spawn(move || token.cancel()).join().unwrap();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn what_was_cancelled_before_does_not_wait() {
    in_both_runtimes(async || {
        let token = CancelToken::new().unwrap();
        token.cancel();
        ended(cancelled(&token)).unwrap().unwrap();
    });
}

#[test]
fn the_end_of_a_process_that_is_killed_is_seen() {
    in_both_runtimes(async || {
        let mut peer = Peer::start(Command::new("sleep").arg("60"));
        // One that is dropped doesn't matter to the next one.
        assert!(ended(wait_exit(&peer.process)).is_none());
        let process = peer.process.clone();
        let waiting = tokio::spawn(async move { wait_exit(&process).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        peer.kill();
        waiting.await.unwrap().unwrap();
        assert!(!peer.process.is_alive());
        wait_exit(&peer.process).await.unwrap();
        // And when its parent has noticed:
        peer.wait();
        ended(wait_exit(&peer.process)).unwrap().unwrap();
    });
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    let token = CancelToken::new().unwrap();
    let error = ended(cancelled(&token)).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
