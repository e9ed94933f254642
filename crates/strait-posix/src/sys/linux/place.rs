//! Looking at directories.

use rustix::{
    fs::{self, Mode, OFlags, Stat},
    io::Result,
};
use std::path::Path;

/// What is known of the directory at `path`, which no link has led to; or why it can't be opened.
pub(crate) fn stat_directory(path: &Path) -> Result<Result<Stat>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::fstat(fs::open(path, flags, Mode::empty())?))
}
