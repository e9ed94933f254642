//! The directories in which one user's names of sockets and pipes are: one that nobody else can enter, and
//! one for what is open to others.

use crate::{
    named_file::Address,
    sys::{net, place, shm, watch::Watch},
};
use rustix::{
    fs::{self, FileType, Mode, RawMode},
    io::Errno,
};
use std::{
    env,
    path::{Path, PathBuf},
};
use strait_core::{Deadline, Error, ErrorKind, Name, Result};

/// A directory that has been checked to be its user's, and closed to others, or only to their writing.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

/// Where the two files of a listener or a named pipe are.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a Name,
    pub(crate) directory: &'a Path,
    pub(crate) advert: PathBuf,
    pub(crate) socket: PathBuf,
    pub(crate) pipe: PathBuf,
    /// What the socket is called before it listens, and the pipe before it is complete.
    pub(crate) unready: PathBuf,
}

impl Directory {
    /// Makes the directory if there is none, and checks it.
    pub(crate) fn open(operation: &'static str) -> Result<Self> {
        let path = place();
        make(&path, operation)?;
        Ok(Self(path))
    }

    /// The one for what is open to other users: they can pass through it to what they know the name of.
    pub(crate) fn open_to_others(operation: &'static str) -> Result<Self> {
        let owner = rustix::process::geteuid().as_raw();
        let path = place_of_open(owner);
        let failed = |errno| Error::os(operation, errno).hint(format!("at {}", path.display()));
        match fs::mkdir(&path, OPEN) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
        if let Err(why) = check_of(owner, &path, 0o022) {
            let error = Error::new(ErrorKind::PermissionDenied, operation, why);
            return Err(error.hint("have it removed"));
        }
        // The umask may have taken some of it, also of who made it and died just then. In a directory like
        // /tmp nobody else can replace what is this user's.
        let mode = Mode::from_raw_mode(fs::lstat(&path).map_err(failed)?.st_mode);
        if !mode.contains(PASS) {
            fs::chmod(&path, OPEN).map_err(failed)?;
        }
        Ok(Self(path))
    }

    /// The one in which another user has what is open to others, if there is one.
    pub(crate) fn open_of(owner: u32, operation: &'static str) -> Result<Option<Self>> {
        let path = place_of_open(owner);
        if matches!(fs::lstat(&path), Err(Errno::NOENT)) {
            return Ok(None);
        }
        match check_of(owner, &path, 0o022) {
            // In a directory like /tmp nobody else can replace what is this user's.
            Ok(()) => Ok(Some(Self(path))),
            Err(why) => Err(Error::new(ErrorKind::PermissionDenied, operation, why)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The files for a name, which is hashed where the path would be too long for a socket.
    pub(crate) fn place<'a>(
        &'a self,
        name: &'a Name,
        operation: &'static str,
    ) -> Result<Place<'a>> {
        let longest = |file: &str| self.0.join(file).as_os_str().len() + SOCKET.len();
        let file = [name.to_file_name(), name.to_short_file_name()]
            .into_iter()
            .find(|file| longest(file) <= PATH_MAX);
        let Some(file) = file else {
            let why = format!("the path of {} is too long for a socket", self.0.display());
            let error = Error::new(ErrorKind::InvalidInput, operation, why).on(name);
            return Err(error.hint("set XDG_RUNTIME_DIR to a shorter path"));
        };
        let with = |suffix: &str| self.0.join(format!("{file}{suffix}"));
        let (advert, socket, pipe, unready) =
            (with(ADVERT), with(SOCKET), with(PIPE), with(UNREADY));
        Ok(Place { name, directory: &self.0, advert, socket, pipe, unready })
    }

    /// Looks until something is found, or the deadline: then it is the error `NotFound` of the last look.
    pub(crate) fn look_until<T>(
        &self,
        deadline: Deadline<'_>,
        operation: &'static str,
        mut look: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        match look() {
            Err(error) if error.kind() == ErrorKind::NotFound && !deadline.has_passed() => {}
            done => return done,
        }
        let failed = |errno| Error::os(operation, errno);
        let watch = Watch::new().map_err(failed)?;
        loop {
            // Watched before the next look, so that nothing is missed that appears after it.
            self.watched_by(&watch, operation)?;
            match look() {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => return done,
            }
            if !watch.wait(deadline).map_err(failed)? || deadline.has_passed() {
                deadline.check(operation)?;
                return look();
            }
        }
    }

    /// Has `watch` notice what appears here, also where the directory was removed meanwhile and others have
    /// made it anew, or will.
    pub(crate) fn watched_by(&self, watch: &Watch, operation: &'static str) -> Result<()> {
        loop {
            make(&self.0, operation)?;
            match watch.add_directory(&self.0) {
                // It was removed just now.
                Err(Errno::NOENT) => {}
                done => return done.map_err(|errno| Error::os(operation, errno)),
            }
        }
    }
}

impl Place<'_> {
    /// The advert's, for an operation.
    pub(crate) fn address(&self, operation: &'static str) -> Address<'_> {
        Address {
            directory: self.directory,
            path: &self.advert,
            operation,
            name: self.name.as_str(),
        }
    }
}

/// Makes the directory at `path` if there is none, and checks it.
fn make(path: &Path, operation: &'static str) -> Result<()> {
    loop {
        match fs::mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => {
                let error = Error::os(operation, errno);
                return Err(error.hint(format!("{} can't be made", path.display())));
            }
        }
        let Err(why) = check(path, 0o077) else { return Ok(()) };
        // Somebody may have removed it just now.
        if !matches!(fs::lstat(path), Err(Errno::NOENT)) {
            let error = Error::new(ErrorKind::PermissionDenied, operation, why);
            return Err(error.hint("remove it, or set XDG_RUNTIME_DIR to a directory of your own"));
        }
    }
}

/// Where the directory is, or would be.
///
/// A process that was started without `XDG_RUNTIME_DIR` finds the same one, where systemd's place
/// for it exists. The last resort is beside named shared memory: it is there wherever that works, and
/// nobody cleans it up after some days, as happens in `/tmp`.
fn place() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let systemd = PathBuf::from(format!("/run/user/{user}"));
    runtime_directory()
        .into_iter()
        .chain([systemd])
        .find(|directory| unusable(directory).is_none())
        .map_or_else(
            || Path::new(shm::DIRECTORY).join(format!(".strait-{user}")),
            |directory| directory.join("strait"),
        )
}

/// Where a user has what is open to others: where all users look for it.
fn place_of_open(owner: u32) -> PathBuf {
    Path::new(shm::DIRECTORY).join(format!(".strait-open-{owner}"))
}

/// The mode of that directory: others can pass through it, and not list it.
const OPEN: Mode = Mode::from_raw_mode(0o711);

/// What of it lets others pass.
const PASS: Mode = Mode::from_raw_mode(0o011);

/// What `XDG_RUNTIME_DIR` says, if it says something.
fn runtime_directory() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Why `XDG_RUNTIME_DIR` is passed over, if it is: a process with another one won't be met.
pub(crate) fn complaint() -> Option<String> {
    unusable(&runtime_directory()?)
}

/// Why a directory isn't one for what only this user may use.
fn unusable(directory: &Path) -> Option<String> {
    if !directory.is_absolute() {
        return Some(format!("{} is no absolute path", directory.display()));
    }
    check(directory, 0o022).err()
}

const ADVERT: &str = ".advert";
const SOCKET: &str = ".socket";
const PIPE: &str = ".pipe";
const UNREADY: &str = ".unready";
const _: () = assert!(SOCKET.len() <= UNREADY.len());

/// The longest path of a socket: the suffix before it listens is one longer.
const PATH_MAX: usize = net::PATH_MAX - (UNREADY.len() - SOCKET.len());

/// Says what is wrong, unless it is a directory of this user to which others have none of the rights
/// `denied`. A symbolic link is never followed.
fn check(path: &Path, denied: RawMode) -> Result<(), String> {
    check_of(rustix::process::geteuid().as_raw(), path, denied)
}

/// The same of another user's.
fn check_of(owner: u32, path: &Path, denied: RawMode) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{} {what}", path.display()));
    let Ok(stat) = place::stat_directory(path) else {
        return wrong("is no directory that this user can open");
    };
    match stat {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => {
            wrong("is no directory")
        }
        Ok(stat) if stat.st_uid != owner => wrong("belongs to another user"),
        Ok(stat) if stat.st_mode & denied != 0 => wrong("is open to other users"),
        Ok(_) => Ok(()),
        Err(errno) => wrong(&format!("can't be examined: {errno}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_fits_by_its_hash_and_keeps_apart() {
        let directory = Directory(PathBuf::from("/run/user/1000/strait"));
        let long = |end: &str| Name::new(&("x".repeat(190) + end)).unwrap();
        let (a, b) = (long("a"), long("b"));
        let a = directory.place(&a, "listen").unwrap();
        let b = directory.place(&b, "listen").unwrap();
        assert!(a.unready.as_os_str().len() <= net::PATH_MAX);
        assert_ne!(a.socket, b.socket);
    }

    #[test]
    fn names_that_look_like_suffixes_keep_apart() {
        let directory = Directory(PathBuf::from("/run"));
        let name = |name: &str| Name::new(name).unwrap();
        let (a, b) = (name("a"), name("a.socket"));
        let (a, b) = (directory.place(&a, "x").unwrap(), directory.place(&b, "x").unwrap());
        let files = |p: Place<'_>| [p.advert, p.socket, p.pipe, p.unready];
        let (a, b) = (files(a), files(b));
        assert!(a.iter().all(|file| !b.contains(file)));
    }

    #[test]
    fn a_directory_without_room_for_a_name_is_an_error() {
        let directory = Directory(PathBuf::from("/".to_owned() + &"d".repeat(90)));
        let name = Name::new("a-name-that-is-a-little-longer").unwrap();
        let error = directory.place(&name, "listen").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
