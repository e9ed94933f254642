//! `strait doctor` says what this system offers, and `--help` how it all ends.

use crate::support::Place;

#[test]
fn a_system_that_has_everything_is_well() {
    let place = Place::new();
    let table = String::from_utf8(place.run(["doctor"]).succeeded()).unwrap();
    for line in table.lines() {
        assert!(["ok", "warn"].iter().any(|mark| line.starts_with(mark)), "{table}");
    }
    assert!(table.contains("local sockets"), "{table}");
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let place = Place::new();
    // Where the directory for sockets would be.
    place.write("strait", b"");
    let table = place.run(["doctor"]).failed(1, "missing here: 1 of");
    let table = String::from_utf8(table).unwrap();
    assert!(table.lines().any(|line| line.starts_with("missing  local sockets")), "{table}");
}

#[test]
fn a_closed_stdout_is_no_failure() {
    let place = Place::new();
    let mut doctor = place.start(["doctor"]);
    doctor.close_stdout();
    doctor.finish().succeeded();
}

#[test]
fn the_help_has_the_exit_codes() {
    let help = String::from_utf8(Place::new().run(["--help"]).succeeded()).unwrap();
    for line in ["Exit codes:", "      0  done", "      5  the name is in use"] {
        assert!(help.lines().any(|other| other == line), "{help}");
    }
    assert!(!help.contains("demo-peer"), "{help}");
}
