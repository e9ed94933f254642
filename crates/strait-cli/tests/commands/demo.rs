//! `strait demo` moves a file through everything there is.

use crate::support::{Place, noise};

const MECHANISMS: [&str; 11] = [
    "named shared memory",
    "file-backed memory",
    "shared value",
    "mutex, condition",
    "pipe",
    "duplex",
    "signal",
    "socket",
    "datagram",
    "byte channel, copied",
    "byte channel, in place",
];

#[test]
fn every_mechanism_is_verified() {
    for len in [0, 300_001] {
        let place = Place::new();
        let file = place.write("file", &noise(len));
        let table = place.run(["demo", "--file", file.to_str().unwrap()]).succeeded();
        let table = String::from_utf8(table).unwrap();
        let mut rows = table.lines();
        assert!(rows.next().unwrap().starts_with("mechanism "), "{table}");
        for (row, mechanism) in rows.by_ref().zip(MECHANISMS) {
            assert!(row.starts_with(mechanism), "{table}");
            assert!(row.contains(&format!(" {len} ")), "{table}");
            assert!(row.ends_with(" yes"), "{table}");
        }
        assert_eq!(table.lines().count(), 1 + MECHANISMS.len(), "{table}");
        assert!(place.left_behind().is_empty());
    }
}

#[test]
fn a_signal_ends_it_and_leaves_nothing_behind() {
    let place = Place::new();
    let file = place.write("file", &noise(100_000));
    let demo = place.start(["demo", "--file", file.to_str().unwrap()]);
    // In the middle of a channel.
    place.wait_for_socket();
    demo.signal("INT");
    let ended = demo.finish();
    assert_eq!((ended.code, &*ended.stderr), (Some(130), ""));
    assert!(place.left_behind().is_empty(), "{:?}", place.left_behind());
}

#[test]
fn two_at_a_time_do_not_meet() {
    let place = Place::new();
    let file = place.write("file", &noise(1000));
    let args = ["demo", "--file", file.to_str().unwrap()];
    let both = [place.start(args), place.start(args)];
    for demo in both {
        demo.finish().succeeded();
    }
}

#[test]
fn what_is_no_file_is_an_error() {
    let place = Place::new();
    place.run(["demo", "--file", "/dev/zero"]).failed(1, "no plain file");
    let missing = place.file("missing");
    place.run(["demo", "--file", missing.to_str().unwrap()]).failed(1, "cannot read");
}
