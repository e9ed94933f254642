//! `strait listen` and `strait connect` join two programs' stdin and stdout.

use crate::support::{Place, Running, STRAIT, noise, unique_name};
use std::process::Command;
use std::thread;

const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;
const DISCONNECTED: i32 = 4;
const IN_USE: i32 = 5;

#[test]
fn bytes_go_both_ways_at_the_same_time() {
    for len in [0, 1, 3_000_000] {
        let (place, name) = (Place::new(), unique_name());
        let listener = listen(&place, &[&name]).feed(noise(len));
        let other = noise(len / 2);
        let connected = place.start(["connect", &name]).feed(other.clone());
        // Both print at the same time too.
        let listener = thread::spawn(move || listener.finish());
        assert!(connected.finish().succeeded() == noise(len));
        assert!(listener.join().unwrap().succeeded() == other);
        assert!(place.left_behind().is_empty());
    }
}

#[test]
fn lines_arrive_when_they_are_said() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &[&name]);
    let mut connected = place.start(["connect", &name]);
    for _ in 0..3 {
        connected.write(b"question\n");
        assert_eq!(listener.line(), "question\n");
        listener.write(b"answer\n");
        assert_eq!(connected.line(), "answer\n");
    }
    listener.stdin = None;
    connected.finish().succeeded();
    listener.finish().succeeded();
}

#[test]
fn the_end_of_stdin_is_told_and_the_answer_still_comes() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &[&name]);
    let connected = place.start(["connect", &name]).feed(b"question\n".to_vec());
    assert_eq!(listener.line(), "question\n");
    // It has ended what it says, and still listens.
    listener.write(b"answer\n");
    listener.finish().succeeded();
    assert_eq!(connected.finish().succeeded(), b"answer\n");
}

#[test]
fn connecting_waits_as_long_as_it_is_told() {
    let (place, name) = (Place::new(), unique_name());
    place.run(["connect", &name]).failed(NOT_FOUND, "nobody listens");
    place.run(["connect", &name, "--timeout", "0.15"]).failed(NOT_FOUND, "nobody listens");
    let waiting = place.start(["connect", &name, "--timeout", "60"]).feed(b"early\n".to_vec());
    let listener = place.start(["listen", &name]);
    assert_eq!(listener.finish().succeeded(), b"early\n");
    waiting.finish().succeeded();
}

#[test]
fn one_after_another_is_served_where_it_keeps_on() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &["--keep", &name]);
    for _ in 0..3 {
        let mut connected = place.start(["connect", &name]);
        connected.write(b"line\n");
        assert_eq!(listener.line(), "line\n");
        connected.kill();
    }
    let mut last = place.start(["connect", &name]);
    last.write(b"here\n");
    assert_eq!(listener.line(), "here\n");
    listener.write(b"to the last\n");
    assert_eq!(last.line(), "to the last\n");
    last.kill();
    listener.signal("TERM");
    assert_eq!(listener.finish().code, Some(143));
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_peer_that_is_killed_ends_it() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &[&name]);
    let mut connected = place.start(["connect", &name]);
    connected.write(b"last words\n");
    assert_eq!(listener.line(), "last words\n");
    connected.kill();
    // Its stdin is still open.
    let stdin = listener.stdin.take();
    listener.finish().succeeded();
    drop(stdin);
}

#[test]
fn what_could_not_be_sent_is_told_of() {
    let (place, name) = (Place::new(), unique_name());
    let listener = listen(&place, &[&name]);
    let connected = place.start(["connect", &name]).feed(noise(50_000_000));
    // It has begun to send.
    let mut listener = listener;
    assert!(!listener.some().is_empty());
    listener.kill();
    let ended = connected.finish();
    assert_eq!(ended.code, Some(DISCONNECTED), "{}", ended.stderr);
}

#[test]
fn stdin_that_can_not_be_read_ends_it() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &[&name]);
    let command = "exec \"$0\" connect \"$1\" < /";
    let connected = place.start_as(Command::new("sh").args(["-c", command, STRAIT, &name]));
    // The other one has not said that it has nothing to say.
    let stdin = listener.stdin.take();
    connected.finish().failed(1, "read");
    listener.finish().succeeded();
    drop(stdin);
}

#[test]
fn a_name_that_is_taken_is_in_use() {
    let (place, name) = (Place::new(), unique_name());
    let mut listener = listen(&place, &[&name]);
    place.run(["listen", &name]).failed(IN_USE, "a live process has that name");
    place.run(["recv", &name]).failed(IN_USE, "a live process has that name");
    place.run(["send", &name]).failed(1, "a listener for streams");
    listener.stdin = None;
    place.run(["connect", &name]).succeeded();
    listener.finish().succeeded();
    place.run(["listen", "a b"]).failed(USAGE, "\"a b\"");
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    let (place, name) = (Place::new(), unique_name());
    let listener = listen(&place, &[&name]);
    listener.signal("INT");
    assert_eq!(listener.finish().code, Some(130));
    assert!(place.left_behind().is_empty());

    let mut listener = listen(&place, &[&name]);
    let mut connected = place.start(["connect", &name]);
    connected.write(b"line\n");
    assert_eq!(listener.line(), "line\n");
    connected.signal("INT");
    assert_eq!(connected.finish().code, Some(130));
    listener.finish().succeeded();
    assert!(place.left_behind().is_empty());
}

fn listen(place: &Place, args: &[&str]) -> Running {
    let running = place.start([&["listen"], args].concat());
    place.wait_for_socket();
    running
}
