//! Signals that other processes send.

use crate::support::{ended, in_both_runtimes, restlessness};
use std::{process::Command, sync::Arc};
use strait::{Signal, tokio::Signals};

#[test]
fn each_arrival_is_received_by_one_task() {
    in_both_runtimes(async || {
        let signals = Arc::new(Signals::subscribe([Signal::User1]).unwrap());
        let (sender, mut received) = tokio::sync::mpsc::channel(100);
        for _ in 0..3 {
            let (signals, sender) = (Arc::clone(&signals), sender.clone());
            tokio::spawn(async move {
                while let Ok(arrival) = signals.recv().await {
                    sender.send(arrival).await.unwrap();
                }
            });
        }
        for _ in 0..20 {
            let pid = have_sent("-USR1");
            let arrival = received.recv().await.unwrap();
            assert_eq!(arrival.signal, Signal::User1);
            assert_eq!(arrival.sender.map(|sender| sender.pid), Some(pid));
        }
        assert!(received.try_recv().is_err());
    });
}

#[test]
fn a_wait_that_is_dropped_loses_no_signal() {
    in_both_runtimes(async || {
        let signals = Signals::subscribe([Signal::User2]).unwrap();
        for _ in 0..20 {
            assert!(restlessness(signals.recv()).await <= 3);
            have_sent("-USR2");
            let arrival = loop {
                match ended(signals.recv()) {
                    Some(arrival) => break arrival.unwrap(),
                    None => tokio::task::yield_now().await,
                }
            };
            assert_eq!(arrival.signal, Signal::User2);
        }
        // What has come when it is turned back is received as well.
        have_sent("-USR2");
        assert_eq!(signals.into_sync().recv().unwrap().signal, Signal::User2);
    });
}

/// Has another process send a signal to this one; its number.
fn have_sent(signal: &str) -> u32 {
    let this = std::process::id().to_string();
    let mut child = Command::new("kill").args([signal, &this]).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    child.id()
}
