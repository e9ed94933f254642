//! `strait pipe`: a named pipe, with this command or another program at the other end.

use crate::support::{Place, Running, noise, unique_name, wait_until};
use std::{path::PathBuf, process::Command};

const USAGE: i32 = 2;
const NOT_FOUND: i32 = 3;
const DISCONNECTED: i32 = 4;

#[test]
fn what_one_writes_the_other_reads_whoever_comes_first() {
    for len in [0, 1, (3 << 20) + 5] {
        for reader_first in [true, false] {
            let (place, name) = (Place::new(), unique_name());
            let read = || place.start(["pipe", &name, "--read"]);
            let write = || place.start(["pipe", &name, "--write"]);
            let (reader, writer) = match reader_first {
                true => (read(), write()),
                false => {
                    let writer = write();
                    (read(), writer)
                }
            };
            let writer = writer.feed(noise(len));
            assert!(reader.finish().succeeded() == noise(len), "{len} bytes");
            writer.finish().succeeded();
            assert!(place.left_behind().is_empty());
        }
    }
}

#[test]
fn bytes_are_there_as_soon_as_they_are_written_by_several() {
    let (place, name) = (Place::new(), unique_name());
    let mut reader = place.start(["pipe", &name, "--read"]);
    let mut writers = [0; 2].map(|_| place.start(["pipe", &name, "--write"]));
    for line in ["one\n", "two\n"] {
        for writer in &mut writers {
            writer.write(line.as_bytes());
            assert_eq!(reader.line(), line);
        }
    }
    let [one, two] = writers;
    one.finish().succeeded();
    two.kill();
    reader.finish().succeeded();
    assert!(place.left_behind().is_empty());
}

#[test]
fn other_programs_are_at_the_other_end() {
    for strait_writes in [true, false] {
        let (place, name) = (Place::new(), unique_name());
        let direction = if strait_writes { "--write" } else { "--read" };
        let strait = place.start(["pipe", &name, direction]);
        let path = path_of_pipe(&place);
        if strait_writes {
            let cat = place.start_as(Command::new("cat").arg(&path));
            let strait = strait.feed(noise(200_000));
            assert!(cat.finish().stdout == noise(200_000));
            strait.finish().succeeded();
        } else {
            let tee = place.start_as(Command::new("sh").args(["-c", "cat > \"$0\""]).arg(&path));
            let tee = tee.feed(noise(200_000));
            assert!(strait.finish().succeeded() == noise(200_000));
            tee.finish();
        }
        assert!(place.left_behind().is_empty());
    }
}

#[test]
fn it_says_where_other_programs_find_it() {
    let (place, name) = (Place::new(), unique_name());
    let strait = place.start(["pipe", &name, "--write", "--verbose"]);
    let path = path_of_pipe(&place);
    let cat = place.start_as(Command::new("cat").arg(&path));
    let ended = strait.finish();
    assert_eq!((ended.code, ended.stderr), (Some(0), format!("{}\n", path.display())));
    cat.finish();
}

#[test]
fn nobody_at_the_other_end_is_not_found_in_time() {
    for (direction, why) in [("--read", "the deadline passed"), ("--write", "nobody reads it")] {
        for timeout in ["0", "0.15"] {
            let (place, name) = (Place::new(), unique_name());
            let ended = place.start(["pipe", &name, direction, "--timeout", timeout]);
            // Its stdin stays open meanwhile.
            wait_for_end(ended).failed(NOT_FOUND, why);
            assert!(place.left_behind().is_empty());
        }
    }
}

#[test]
fn a_reader_that_is_gone_is_disconnected() {
    let (place, name) = (Place::new(), unique_name());
    let mut reader = place.start(["pipe", &name, "--read"]);
    let mut writer = place.start(["pipe", &name, "--write"]);
    writer.write(b"line\n");
    assert_eq!(reader.line(), "line\n");
    reader.kill();
    writer.feed(noise(100_000)).finish().failed(DISCONNECTED, "nobody reads it");
}

#[test]
fn a_closed_stdout_ends_the_reader_quietly() {
    let (place, name) = (Place::new(), unique_name());
    let mut reader = place.start(["pipe", &name, "--read"]);
    let writer = place.start(["pipe", &name, "--write"]).feed(b"line\n".repeat(1_000_000));
    assert_eq!(reader.line(), "line\n");
    reader.close_stdout();
    reader.finish().succeeded();
    writer.finish().failed(DISCONNECTED, "nobody reads it");
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    for direction in ["--read", "--write"] {
        let (place, name) = (Place::new(), unique_name());
        let waiting = place.start(["pipe", &name, direction]);
        path_of_pipe(&place);
        waiting.signal("INT");
        assert_eq!(wait_for_end(waiting).code, Some(130), "{direction}");
        assert!(place.left_behind().is_empty(), "{direction}");
    }
    // Also while it waits for stdin.
    let (place, name) = (Place::new(), unique_name());
    let mut writer = place.start(["pipe", &name, "--write"]);
    let mut reader = place.start(["pipe", &name, "--read"]);
    writer.write(b"line\n");
    assert_eq!(reader.line(), "line\n");
    writer.signal("TERM");
    assert_eq!(wait_for_end(writer).code, Some(143));
    reader.finish().succeeded();
    assert!(place.left_behind().is_empty());
}

#[test]
fn a_reader_is_found_also_after_the_one_that_made_the_pipe_has_ended() {
    let (place, name) = (Place::new(), unique_name());
    let maker = place.start(["pipe", &name, "--read"]);
    path_of_pipe(&place);
    let reader = place.start(["pipe", &name, "--read"]);
    let descriptors = format!("/proc/{}/fd", reader.child.id());
    let opened = || {
        let links = std::fs::read_dir(&descriptors).into_iter().flatten().flatten();
        let mut files = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        files.any(|file| file.extension().is_some_and(|end| end == "pipe"))
    };
    wait_until("the reader has opened it", opened);
    maker.signal("INT");
    assert_eq!(wait_for_end(maker).code, Some(130));
    let writer = place.start(["pipe", &name, "--write"]).feed(b"hi\n".to_vec());
    assert_eq!(reader.finish().succeeded(), b"hi\n");
    writer.finish().succeeded();
    assert!(place.left_behind().is_empty());
}

#[test]
fn the_name_of_something_else_is_refused() {
    let (place, name) = (Place::new(), unique_name());
    let receiver = place.start(["recv", &name]);
    place.wait_for_socket();
    place.run(["pipe", &name, "--read"]).failed(1, "a receiver or a listener has that name");
    place.run(["send", &name]).succeeded();
    receiver.finish().succeeded();
}

#[test]
fn arguments_that_make_no_sense_are_a_wrong_use() {
    let place = Place::new();
    for args in [&["pipe", "x"][..], &["pipe", "x", "--read", "--write"], &["pipe", "--read"]] {
        let ended = place.run(args);
        assert_eq!(ended.code, Some(USAGE), "{args:?}: {}", ended.stderr);
    }
    place.run(["pipe", "a b", "--read"]).failed(USAGE, "\"a b\"");
}

/// Where the pipe is, as soon as it is there.
fn path_of_pipe(place: &Place) -> PathBuf {
    let find = || {
        let mut files = place.left_behind().into_iter();
        files.find(|path| path.extension().is_some_and(|end| end == "pipe"))
    };
    wait_until("a pipe is there", || find().is_some());
    find().unwrap()
}

/// Waits for its end without ending its stdin before.
fn wait_for_end(mut running: Running) -> crate::support::Ended {
    let stdin = running.stdin.take();
    let ended = running.finish();
    drop(stdin);
    ended
}
