#![cfg(unix)]
//! Noticing names goes on where their directory is removed.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{env, fs, path::PathBuf, process::Command};
use strait_posix::NewNames;

#[test]
fn names_are_noticed_in_a_directory_that_was_made_anew() {
    const PLACE: &str = "NEW_NAMES_ARE_LOOKED_FOR_IN";
    let Some(place) = env::var_os(PLACE).map(PathBuf::from) else {
        let runtime = env::temp_dir().join(format!("new-names-{}", std::process::id()));
        assert!(
            Command::new("mkdir").args(["-m", "700"]).arg(&runtime).status().unwrap().success()
        );
        // This test once more, with a place of its own.
        let status = Command::new(env::current_exe().unwrap())
            .env("XDG_RUNTIME_DIR", &runtime)
            .env(PLACE, runtime.join("strait"))
            .status();
        fs::remove_dir_all(&runtime).unwrap();
        assert!(status.unwrap().success());
        return;
    };
    let names = NewNames::new().unwrap();
    assert_eq!(names.take().unwrap(), None);
    for _ in 0..3 {
        fs::remove_dir_all(&place).unwrap();
        // It is made and watched again with that.
        assert_eq!(names.take().unwrap(), Some(()));
        while names.take().unwrap().is_some() {}
        fs::write(place.join("a-name"), "").unwrap();
        assert_eq!(names.take().unwrap(), Some(()));
        assert_eq!(names.take().unwrap(), None);
    }
}
