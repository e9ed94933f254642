//! What goes wrong is said in one line and by the exit code, and leaves nothing behind.

use crate::support::{Place, Running, STRAIT, noise, read, unique_name};
use std::{fs, process::Command};

const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;
const DISCONNECTED: i32 = 4;
const IN_USE: i32 = 5;

#[test]
fn a_closed_stdout_ends_the_receiver_quietly() {
    let (place, name) = (Place::new(), unique_name());
    let mut receiver = place.start(["recv", &name]);
    let endless = place.start(["send", &name, "--lines"]).feed(b"line\n".repeat(2_000_000));
    assert_eq!(receiver.line(), "line\n");
    receiver.close_stdout();
    receiver.finish().succeeded();
    endless.finish().failed(DISCONNECTED, "is gone");
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_signal_ends_the_receiver_and_leaves_nothing_behind() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if signal == "HUP" && hang_ups_are_ignored_here() {
            continue;
        }
        let (place, name) = (Place::new(), unique_name());
        let (receiver, mut sender) = pair(&place, &name);
        receiver.signal(signal);
        let ended = receiver.finish();
        assert_eq!((ended.code, &*ended.stderr), (Some(code), ""), "{signal}");
        assert!(place.left_behind().is_empty(), "{signal}");
        sender.write(b"more\n");
        sender.finish().failed(DISCONNECTED, "is gone");
    }
}

#[test]
fn a_receiver_that_was_started_to_survive_its_terminal_does() {
    for signal in ["HUP", "INT", "TERM"] {
        let (place, name) = (Place::new(), unique_name());
        let command = format!("trap '' {signal}; exec \"$0\" recv \"$1\"");
        let mut receiver = place.start_as(Command::new("sh").args(["-c", &command, STRAIT, &name]));
        let mut sender = place.start(["send", &name, "--lines"]);
        for line in ["before\n", "after\n"] {
            sender.write(line.as_bytes());
            assert_eq!(receiver.line(), line);
            receiver.signal(signal);
        }
        sender.finish().succeeded();
        receiver.finish().succeeded();
    }
}

#[test]
fn a_signal_ends_a_receiver_that_waits_for_a_sender() {
    let (place, name) = (Place::new(), unique_name());
    let kept = place.write("kept", b"old");
    let receiver = place.start(["recv", &name, "-o", kept.to_str().unwrap()]);
    place.wait_for_socket();
    receiver.signal("INT");
    assert_eq!(receiver.finish().code, Some(130));
    assert!(place.left_behind().is_empty());
    assert_eq!(read(&kept), b"old");
}

#[test]
fn a_sender_that_a_signal_ends_has_not_finished() {
    let (place, name) = (Place::new(), unique_name());
    let (receiver, sender) = pair(&place, &name);
    sender.signal("INT");
    receiver.finish().failed(DISCONNECTED, "died before it finished");
    assert_eq!(sender.finish().code, None);
    assert!(place.left_behind().is_empty());
}

#[test]
fn all_that_a_killed_sender_has_sent_is_received_first() {
    let (place, name) = (Place::new(), unique_name());
    let to = place.file("to");
    let receiver = place.start(["recv", &name, "-o", to.to_str().unwrap()]);
    let mut sender = place.start(["send", &name]);
    sender.write(&noise(3 << 20));
    // What was in its stdin or in its hands dies with it, and nothing else.
    sender.kill();
    receiver.finish().failed(DISCONNECTED, "died before it finished");
    let received = read(&to);
    assert!(received.len() > 2 << 20);
    assert!(noise(3 << 20).starts_with(&received));
}

#[test]
fn a_name_in_use_is_refused_and_the_file_stays_as_it_is() {
    let (place, name) = (Place::new(), unique_name());
    let (receiver, sender) = pair(&place, &name);
    let kept = place.write("kept", b"old");
    let second = place.run(["recv", &name, "-o", kept.to_str().unwrap()]);
    second.failed(IN_USE, &name);
    assert_eq!(read(&kept), b"old");
    let never = place.file("never");
    place.run(["recv", &name, "-o", never.to_str().unwrap()]).failed(IN_USE, &name);
    assert!(!never.exists());
    sender.finish().succeeded();
    receiver.finish().succeeded();
}

#[test]
fn the_name_of_a_killed_receiver_is_taken_over() {
    let (place, name) = (Place::new(), unique_name());
    let (receiver, sender) = pair(&place, &name);
    receiver.kill();
    assert!(!place.left_behind().is_empty());
    // More than the ring holds: only then is a death sure to be noticed.
    sender.feed(b"more\n".repeat(1 << 20)).finish().failed(DISCONNECTED, "is gone");
    place.run(["send", &name, "--timeout", "0"]).failed(NOT_FOUND, "nobody listens");
    let (receiver, sender) = pair(&place, &name);
    sender.finish().succeeded();
    receiver.finish().succeeded();
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_file_that_is_not_there_is_an_error_before_anybody_is_waited_for() {
    let (place, name) = (Place::new(), unique_name());
    let missing = place.file("missing");
    let sender = place.run(["send", &name, missing.to_str().unwrap(), "--timeout", "1000000"]);
    sender.failed(FAILED, "cannot open");
    let directory = place.file("tmp");
    let sender = place.run(["send", &name, directory.to_str().unwrap(), "--timeout", "1000000"]);
    sender.failed(FAILED, "cannot read");
}

#[test]
fn a_file_that_cannot_be_written_is_an_error_before_anybody_is_waited_for() {
    let (place, name) = (Place::new(), unique_name());
    let nowhere = place.file("missing/file");
    place.run(["recv", &name, "-o", nowhere.to_str().unwrap()]).failed(FAILED, "cannot write to");
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_bad_name_is_a_wrong_use() {
    let place = Place::new();
    place.run(["recv", "../up"]).failed(USAGE, "\"../up\"");
    place.run(["send", "a b"]).failed(USAGE, "\"a b\"");
    place.run(["send", ""]).failed(USAGE, "it is empty");
}

#[test]
fn arguments_that_make_no_sense_are_a_wrong_use() {
    let place = Place::new();
    for args in [
        &["recv"][..],
        &["recv", "x", "--capacity", "much"],
        &["recv", "x", "--capacity", "0"],
        &["recv", "x", "--capacity", "2G"],
        &["send", "x", "--timeout", "-1"],
        &["send", "x", "--timeout", "nan"],
        &["fetch"],
    ] {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(USAGE), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_sender_without_a_receiver_gives_up_in_time() {
    let (place, name) = (Place::new(), unique_name());
    for timeout in ["0", "0.05"] {
        place.run(["send", &name, "--timeout", timeout]).failed(NOT_FOUND, "nobody listens");
    }
}

#[test]
fn a_line_that_is_too_long_is_an_error_with_its_number() {
    let (place, name) = (Place::new(), unique_name());
    let longest = [&noise_without_newlines(2047)[..], b"\n"].concat();
    let lines = [&longest[..], b"short\n", b"x", &longest[..]].concat();
    let receiver = place.start(["recv", &name, "--capacity", "4K"]);
    let sender = place.start(["send", &name, "--lines"]).feed(lines);
    sender.finish().failed(FAILED, "line 3 has more than 2048 bytes");
    let received = receiver.finish().failed(DISCONNECTED, "died before it finished");
    assert!(received == [&longest[..], b"short\n"].concat());
}

#[test]
fn a_receiver_that_is_stuck_ends_at_the_second_signal() {
    let (place, name) = (Place::new(), unique_name());
    let mut receiver = place.start(["recv", &name]);
    let sender = place.start(["send", &name, "--lines"]).feed(b"line\n".repeat(2_000_000));
    // From here on nobody reads, and soon it can't write.
    assert_eq!(receiver.line(), "line\n");
    // It can't end by itself any more, so the signal ends it.
    assert_eq!(receiver.signal_until_it_ends("INT"), None);
    sender.finish().failed(DISCONNECTED, "is gone");
}

/// A receiver and a sender of lines that are known to be connected.
fn pair(place: &Place, name: &str) -> (Running, Running) {
    let mut receiver = place.start(["recv", name]);
    let mut sender = place.start(["send", name, "--lines"]);
    sender.write(b"hello\n");
    assert_eq!(receiver.line(), "hello\n");
    (receiver, sender)
}

fn noise_without_newlines(len: usize) -> Vec<u8> {
    noise(len).into_iter().map(|byte| byte | 0x80).collect()
}

/// Whether the tests run under `nohup`: what they start then ignores hang-ups too.
fn hang_ups_are_ignored_here() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}
