//! What is sent arrives, whole and in order.

use crate::support::{Place, noise, read, unique_name};

#[test]
fn what_stdin_has_arrives_on_stdout() {
    for len in [0, 1, (3 << 20) + 5] {
        let (place, name) = (Place::new(), unique_name());
        let receiver = place.start(["recv", &name]);
        let sender = place.start(["send", &name]).feed(noise(len));
        assert!(receiver.finish().succeeded() == noise(len), "{len} bytes");
        sender.finish().succeeded();
        assert!(place.left_behind().is_empty());
    }
}

#[test]
fn what_a_file_has_arrives_in_a_file() {
    for len in [0, 1, (5 << 20) + 3] {
        let (place, name) = (Place::new(), unique_name());
        let (from, to) = (place.write("from", &noise(len)), place.file("to"));
        let receiver = place.start(["recv", &name, "-o", to.to_str().unwrap()]);
        place.run(["send", &name, from.to_str().unwrap()]).succeeded();
        receiver.finish().succeeded();
        assert!(read(&to) == noise(len), "{len} bytes");
    }
}

#[test]
fn it_arrives_through_a_ring_of_any_size() {
    for capacity in ["1", "4096", "10000", "64K", "16M"] {
        let (place, name) = (Place::new(), unique_name());
        let receiver = place.start(["recv", &name, "--capacity", capacity]);
        let sender = place.start(["send", &name]).feed(noise(1 << 20));
        assert!(receiver.finish().succeeded() == noise(1 << 20), "{capacity}");
        sender.finish().succeeded();
    }
}

#[test]
fn each_line_arrives_as_soon_as_it_is_written() {
    let (place, name) = (Place::new(), unique_name());
    let mut receiver = place.start(["recv", &name]);
    let mut sender = place.start(["send", &name, "--lines"]);
    for line in ["one\n", "\n", "größe three\n"] {
        sender.write(line.as_bytes());
        assert_eq!(receiver.line(), line);
    }
    sender.write(b"no newline at the end");
    sender.finish().succeeded();
    assert_eq!(receiver.finish().succeeded(), b"no newline at the end");
}

#[test]
fn bytes_arrive_as_soon_as_they_are_written() {
    let (place, name) = (Place::new(), unique_name());
    let mut receiver = place.start(["recv", &name]);
    let mut sender = place.start(["send", &name]);
    for line in ["one\n", "two\n"] {
        sender.write(line.as_bytes());
        assert_eq!(receiver.line(), line);
    }
    sender.finish().succeeded();
    receiver.finish().succeeded();
}

#[test]
fn many_lines_are_the_same_lines_again() {
    let (place, name) = (Place::new(), unique_name());
    let lines: String = (0..100_000).map(|number| format!("line {number}\n")).collect();
    let (from, to) = (place.write("from", lines.as_bytes()), place.file("to"));
    let receiver = place.start(["recv", &name, "-o", to.to_str().unwrap()]);
    place.run(["send", &name, "--lines", from.to_str().unwrap()]).succeeded();
    receiver.finish().succeeded();
    assert!(read(&to) == lines.as_bytes());
}

#[test]
fn a_longer_old_file_is_replaced_whole() {
    let (place, name) = (Place::new(), unique_name());
    let to = place.write("to", &noise(100_000));
    let receiver = place.start(["recv", &name, "-o", to.to_str().unwrap()]);
    place.start(["send", &name]).feed(b"new".to_vec()).finish().succeeded();
    receiver.finish().succeeded();
    assert_eq!(read(&to), b"new");
}

#[test]
fn a_sender_that_sends_nothing_empties_the_old_file() {
    let (place, name) = (Place::new(), unique_name());
    let to = place.write("to", b"old");
    let receiver = place.start(["recv", &name, "-o", to.to_str().unwrap()]);
    place.run(["send", &name]).succeeded();
    receiver.finish().succeeded();
    assert_eq!(read(&to), b"");
}

#[test]
fn a_dash_is_stdin_and_stdout() {
    let (place, name) = (Place::new(), unique_name());
    let receiver = place.start(["recv", &name, "-o", "-"]);
    place.start(["send", &name, "-"]).feed(b"bytes".to_vec()).finish().succeeded();
    assert_eq!(receiver.finish().succeeded(), b"bytes");
}

#[test]
fn a_device_can_be_written_to() {
    let (place, name) = (Place::new(), unique_name());
    let receiver = place.start(["recv", &name, "-o", "/dev/null"]);
    place.start(["send", &name]).feed(noise(1000)).finish().succeeded();
    receiver.finish().succeeded();
}
