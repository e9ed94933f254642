//! Memory that outlives its processes: a file in the user's own folder, which is complete before it gets its name.
//!
//! A file that is mapped can't be deleted, but renamed: so who removes one renames it first, and what is left is
//! deleted when the next one is created or removed.
#![expect(unsafe_code, reason = "renames without replacing, which std doesn't offer")]

use crate::{
    file,
    mapping::Mapped,
    object, random,
    register::{self, Place},
};
use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write},
    os::windows::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use strait_core::{Access, Error, ErrorKind, Mapping, NewSegment, Result};
use windows_sys::Win32::Storage::FileSystem::MoveFileExW;

/// Whether such memory has the name.
pub(crate) fn exists(place: &Place<'_>) -> Result<bool> {
    // Nobody but the user themselves reaches their folder.
    if !place.is_own() {
        return Ok(false);
    }
    path(place)?.try_exists().map_err(|error| place.failed(error))
}

/// Creates such memory; `AlreadyExists` where the name is taken.
pub(crate) fn create(place: &Place<'_>, new: &NewSegment<'_>) -> Result<(Mapped, File)> {
    if new.access != Access::Private {
        let why = "what outlives its processes can only be for this user";
        return Err(Error::new(ErrorKind::Unsupported, place.operation, why).on(place.name));
    }
    let failed = |error| file::failed(place.operation, error, new.len).on(place.name);
    let path = path(place)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    sweep(directory);
    let unready = Unready::new(directory).map_err(failed)?;
    unready.file.set_len(new.len as u64).map_err(failed)?;
    (&unready.file).write_all(new.content).map_err(failed)?;
    register::enter_other(place, || match rename(&unready.path, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(place.taken("it already exists"))
        }
        done => done.map_err(failed),
    })?;
    let file = unready.done().map_err(failed)?;
    let mapped = file::map(&file, Mapping::ReadWrite, place.operation);
    Ok((mapped.map_err(|error| error.on(place.name))?, file))
}

/// Opens such memory; `None` where there is none.
pub(crate) fn open(place: &Place<'_>, mapping: Mapping) -> Result<Option<(Mapped, File)>> {
    if !place.is_own() {
        return Ok(None);
    }
    let on = |error: Error| error.on(place.name);
    let file = match file::open_or_make(&path(place)?, false, mapping) {
        Ok((file, _)) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(on(file::failed(place.operation, error, 0))),
    };
    if file::len(&file, place.operation).map_err(on)? == 0 {
        let error = Error::new(ErrorKind::Foreign, place.operation, "it is empty");
        return Err(on(error));
    }
    let mapped = file::map(&file, mapping, place.operation).map_err(on)?;
    Ok(Some((mapped, file)))
}

/// Frees the name, whoever has the memory; `false` where it has none.
pub(crate) fn remove(place: &Place<'_>) -> Result<bool> {
    let path = path(place)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let gone = directory.join(format!("~{:032x}.gone", random::number()));
    match rename(&path, &gone) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        done => done.map_err(|error| place.failed(error))?,
    }
    sweep(directory);
    Ok(true)
}

/// Where such memory is.
pub(crate) fn directory() -> io::Result<PathBuf> {
    match env::var_os("LOCALAPPDATA").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() => Ok(folder.join("strait")),
        _ => {
            Err(io::Error::other("the variable LOCALAPPDATA doesn't say where this user's data is"))
        }
    }
}

/// Its name begins and ends so that the system takes it for no device, and takes nothing off its end.
fn path(place: &Place<'_>) -> Result<PathBuf> {
    let directory = directory().map_err(|error| place.failed(error))?;
    Ok(directory.join(format!("segment.{}.memory", object::file_name(place.name))))
}

/// A file that isn't complete. Dropping it deletes it.
struct Unready {
    path: PathBuf,
    file: File,
}

impl Unready {
    fn new(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("~{:032x}.new", random::number()));
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { path, file })
    }

    /// The file, which has another name now.
    fn done(self) -> io::Result<File> {
        self.file.try_clone()
    }
}

impl Drop for Unready {
    fn drop(&mut self) {
        // Where it was renamed there is nothing of that name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Deletes what has been removed and isn't mapped any more, and what was left by who died while creating.
fn sweep(directory: &Path) {
    const LONG: Duration = Duration::from_secs(3600);
    let is_old = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|data| data.modified());
        let age = modified.map(|time| SystemTime::now().duration_since(time));
        matches!(age, Ok(Ok(age)) if age > LONG)
    };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let over = name.starts_with('~')
            && (name.ends_with(".gone") || name.ends_with(".new") && is_old(&entry));
        if over {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Renames a file, unless the other name is taken.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let wide = |path: &Path| OsStr::encode_wide(path.as_os_str()).chain([0]).collect::<Vec<u16>>();
    let (from, to) = (wide(from), wide(to));
    // SAFETY: zeros end both names, which are there for the call.
    match unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
