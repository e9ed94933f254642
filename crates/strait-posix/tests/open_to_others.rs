#![cfg(unix)]
//! Where another user's listener is looked for, what is found there is checked. Needs root, to give files to
//! other users; otherwise it shows nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        net::UnixListener,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use strait_core::{AcceptFrom, Deadline, ErrorKind, Name, Sockets, Style};
use strait_posix::Posix;

/// Users that nobody has.
const USERS: [u32; 4] = [3_000_000_001, 3_000_000_002, 3_000_000_003, 3_000_000_004];

#[test]
fn what_pretends_to_be_another_users_is_refused() {
    if own_user() != 0 {
        return;
    }
    let [absent, right, wrong, linked] = USERS;
    let name = Name::new("pretends").unwrap();
    let refused = |owner: u32| {
        let found = Posix::connect_to(&name, Style::Stream, Some(owner), Deadline::now());
        found.err().map(|error| error.kind())
    };
    assert_eq!(refused(absent), Some(ErrorKind::NotFound));

    // The directory is that user's, and who listens there isn't.
    let directory = Directory::new(right);
    let _listener = UnixListener::bind(directory.0.join("pretends.socket")).unwrap();
    chown(&directory.0, Some(right), None).unwrap();
    assert_eq!(refused(right), Some(ErrorKind::PermissionDenied));

    // A directory of another user's, one that others may write to, and a link to one that would do.
    let _other = Directory::new(wrong);
    assert_eq!(refused(wrong), Some(ErrorKind::PermissionDenied));
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o733)).unwrap();
    assert_eq!(refused(right), Some(ErrorKind::PermissionDenied));
    let link = path(linked);
    let _ = fs::remove_file(&link);
    symlink(&directory.0, &link).unwrap();
    assert_eq!(refused(linked), Some(ErrorKind::PermissionDenied));
    fs::remove_file(&link).unwrap();
}

#[test]
fn what_is_open_has_the_modes_that_let_others_pass_and_no_more() {
    let name = Name::new(&format!("modes-{}", std::process::id())).unwrap();
    let listener = Posix::listen_for(&name, Style::Stream, AcceptFrom::Anyone).unwrap();
    let user = own_user();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let socket = path(user).join(format!("{name}.socket"));
    assert_eq!(mode(&path(user)), 0o711);
    assert_eq!(mode(&socket), 0o666);
    // Others could hold its locks.
    assert_eq!(mode(&path(user).join(format!("{name}.advert"))), 0o600);
    drop(listener);
    assert!(!socket.exists());

    // Left closed, as one leaves it who makes it and is killed just then, it is opened by the next.
    fs::set_permissions(path(user), fs::Permissions::from_mode(0o700)).unwrap();
    let _listener = Posix::listen_for(&name, Style::Stream, AcceptFrom::Anyone).unwrap();
    assert_eq!(mode(&path(user)), 0o711);
}

#[test]
fn what_is_not_open_yet_is_waited_for() {
    const OWNER: u32 = 3_000_000_005;
    const NOBODY: u32 = 65534;
    const SOON: Duration = Duration::from_millis(30);
    match own_user() {
        // This test, as the superuser has started it below.
        NOBODY => {
            let begin = Instant::now();
            let name = Name::new("not-open-yet").unwrap();
            let deadline = Deadline::after(SOON);
            let found = Posix::connect_to(&name, Style::Stream, Some(OWNER), deadline);
            assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound);
            assert!(begin.elapsed() >= SOON);
        }
        0 => {
            let directory = Directory::new(OWNER);
            fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o700)).unwrap();
            chown(&directory.0, Some(OWNER), None).unwrap();
            let mut other = Command::new(env::current_exe().unwrap());
            other.args(["--exact", "what_is_not_open_yet_is_waited_for"]).uid(NOBODY).gid(NOBODY);
            match other.status() {
                Ok(status) => assert!(status.success()),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => panic!("{error}"),
            }
        }
        _ => {}
    }
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn path(user: u32) -> PathBuf {
    let directory = match env::consts::OS {
        "macos" => "/var/tmp",
        "freebsd" => "/tmp",
        _ => "/dev/shm",
    };
    PathBuf::from(format!("{directory}/.strait-open-{user}"))
}

/// Removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(user: u32) -> Self {
        let path = path(user);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
