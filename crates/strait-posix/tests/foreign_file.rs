#![cfg(unix)]
//! A file that another program has put where named memory would be.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, process::id};
use strait_core::{ErrorKind, Mapping, Name, Segment};
use strait_posix::PosixSegment;

#[test]
fn who_finds_it_is_told_to_choose_another_name() {
    let name = Name::new(&format!("foreign-{}", id())).unwrap();
    let user = rustix::process::geteuid().as_raw();
    let directory = match std::env::consts::OS {
        "macos" => "/var/tmp",
        "freebsd" => "/tmp",
        _ => "/dev/shm",
    };
    let path = format!("{directory}/strait.{user}.{}", name.to_file_name());
    for content in [&b""[..], b"mine", &[7; 5000]] {
        fs::write(&path, content).unwrap();
        let found = PosixSegment::open(&name, None, Mapping::ReadWrite);
        fs::remove_file(&path).unwrap();
        let error = found.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Foreign);
        assert!(error.to_string().contains("choose another"), "{error}");
    }
}
