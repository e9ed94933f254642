//! Where `strait recv` and `strait pipe` write to.

use crate::failure::{Failure, Result};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

/// A file, or stdout.
pub(crate) struct Output {
    /// Small messages are gathered; what is larger than this is written past it.
    writer: BufWriter<Box<dyn Write>>,
    path: PathBuf,
    /// The file, as long as it still has its old contents.
    untouched: Option<File>,
    terminal: bool,
}

impl Output {
    /// Opens the file; stdout where there is none, or it is `-`. The file keeps its contents until
    /// [`begin`](Self::begin).
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        match path.filter(|path| *path != Path::new("-")) {
            Some(path) => Self::file(path),
            None => Ok(Self::stdout()),
        }
    }

    /// Drops the old contents of the file. Only the first call does anything.
    pub(crate) fn begin(&mut self) -> Result<()> {
        let Some(file) = self.untouched.take() else { return Ok(()) };
        let emptied = file.metadata().and_then(|metadata| match metadata.is_file() {
            true => file.set_len(0),
            // A device or a pipe has no contents to drop.
            false => Ok(()),
        });
        emptied.map_err(|source| failed("empty", &self.path, source))
    }

    /// Writes all of `bytes`, now or at the next [`flush`](Self::flush). Both return
    /// [`OutputClosed`](Failure::OutputClosed) where nobody reads any more.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.writer.write_all(bytes);
        self.conclude(written)
    }

    /// Writes what was gathered.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let written = self.writer.flush();
        self.conclude(written)
    }

    /// Whether somebody is looking at it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    fn file(path: &Path) -> Result<Self> {
        let open = || -> io::Result<(File, File)> {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            Ok((file.try_clone()?, file))
        };
        let (file, same) = open().map_err(|source| failed("write to", path, source))?;
        Ok(Self::new(Box::new(file), path, Some(same), false))
    }

    fn stdout() -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        Self::new(Box::new(stdout.lock()), Path::new("stdout"), None, terminal)
    }

    fn new(writer: Box<dyn Write>, path: &Path, untouched: Option<File>, terminal: bool) -> Self {
        let writer = BufWriter::with_capacity(32 << 10, writer);
        Self { writer, path: path.to_owned(), untouched, terminal }
    }

    fn conclude(&self, written: io::Result<()>) -> Result<()> {
        written.map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => failed("write to", &self.path, source),
        })
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::File { what, path: path.to_owned(), source }
}
