//! What a parent has passed, after a fork without `exec`.
#![cfg(unix)]

use std::{
    env,
    process::{Stdio, exit},
    time::Duration,
};
use strait::{Command, ErrorKind, PipeReader};

const ROLE: &str = "STRAIT_TEST_ROLE";

#[test]
fn a_forked_child_has_inherited_nothing() {
    let (reader, _writer) = strait::pipe().unwrap();
    // The test below, in a process of its own.
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "in_a_process_that_was_passed_something", "--nocapture"])
        .env(ROLE, "heir")
        .pass("reader", reader)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(child.wait_timeout(Duration::from_secs(20)).unwrap().success());
}

/// Nothing, where it isn't started by the other test.
#[test]
fn in_a_process_that_was_passed_something() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    assert_eq!(strait::inherited_names().unwrap(), ["reader"]);
    // SAFETY: the child asks for what was passed, and ends.
    let forked = unsafe { libc::fork() };
    if forked == 0 {
        let names = strait::inherited_names();
        let reader = strait::inherited::<PipeReader>("reader");
        let nothing = names.is_ok_and(|names| names.is_empty())
            && reader.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        // SAFETY: it ends the process, without what the test's harness would do.
        unsafe { libc::_exit(i32::from(!nothing)) };
    }
    let mut status = 0;
    // SAFETY: the place is valid, and the process is a child of this one.
    let waited = unsafe { libc::waitpid(forked, &raw mut status, 0) };
    if waited != forked || status != 0 {
        exit(1);
    }
    // The heir still has it.
    strait::inherited::<PipeReader>("reader").unwrap();
}
