//! `strait signal` and `strait trap`.

use crate::support::{Place, Running, wait_until};
use std::fs;

const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;

#[test]
fn what_is_sent_is_trapped_with_its_sender() {
    let place = Place::new();
    let mut trap = trap(&place, &["usr1", "SIGHUP", "--count", "3"], 10);
    for (name, line) in [("USR1", "SIGUSR1"), ("hang-up", "SIGHUP"), ("user1", "SIGUSR1")] {
        let sender = place.start(["signal", &trap.pid().to_string(), name]);
        let from = format!("{line} from process {} of user ", sender.pid());
        sender.finish().succeeded();
        let line = trap.line();
        assert!(line.starts_with(&from), "{line:?}");
    }
    trap.finish().succeeded();
}

#[test]
fn what_is_not_trapped_ends_it() {
    let place = Place::new();
    let trap = trap(&place, &["USR1"], 10);
    place.run(["signal", &trap.pid().to_string(), "USR2"]).succeeded();
    assert_eq!(trap.finish().code, None);
}

#[test]
fn it_ends_in_time_and_when_nobody_reads() {
    let place = Place::new();
    let waited = place.run(["trap", "-q", "USR1", "--timeout", "0.02"]);
    waited.failed(NOT_FOUND, "cannot receive a signal");
    let mut trap = trap(&place, &["USR1"], 10);
    trap.close_stdout();
    place.run(["signal", &trap.pid().to_string(), "USR1"]).succeeded();
    trap.finish().succeeded();
}

#[test]
fn it_says_which_process_it_is() {
    let place = Place::new();
    let trap = place.start(["trap", "USR1", "--timeout", "0"]);
    let says = format!("process {}\n", trap.pid());
    let ended = trap.finish();
    assert!(ended.stderr.starts_with(&says), "{}", ended.stderr);
}

#[test]
fn what_can_not_be_trapped_or_sent_is_an_error() {
    let place = Place::new();
    place.run(["trap", "KILL"]).failed(USAGE, "the system lets no process handle it");
    place.run(["trap", "USR1", "stop"]).failed(USAGE, "the system lets no process handle it");
    for args in [&["trap"][..], &["trap", "USR3"], &["signal", "1", "9"], &["signal", "-1", "INT"]]
    {
        assert_eq!(place.run(args).code, Some(USAGE), "{args:?}");
    }
    for pid in ["0", "4294967295"] {
        place.run(["signal", pid, "KILL"]).failed(NOT_FOUND, "there is none");
    }
}

/// A trap that is set.
fn trap(place: &Place, args: &[&str], number: u32) -> Running {
    let trap = place.start([&["trap", "-q"], args].concat());
    let status = format!("/proc/{}/status", trap.pid());
    wait_until("the trap is set", || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
    });
    trap
}
