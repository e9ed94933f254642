//! Looking at directories.

use rustix::{
    fs::{self, Stat},
    io::Result,
};
use std::path::Path;

/// What is known of what is at `path`, which no link has led to. Opening it would need the right to list it.
pub(crate) fn stat_directory(path: &Path) -> Result<Result<Stat>> {
    fs::lstat(path).map(Ok)
}
