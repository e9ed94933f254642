//! Where `strait send` and `strait pipe` read from.

use crate::failure::{Failure, Result};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
};

/// A file, or stdin.
pub(crate) struct Input {
    reader: Box<dyn BufRead>,
    path: PathBuf,
    len: Option<u64>,
    terminal: bool,
}

impl Input {
    /// Opens the file; stdin where there is none, or it is `-`.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self> {
        match path.filter(|path| *path != Path::new("-")) {
            Some(path) => Self::file(path),
            None => Ok(Self::stdin()),
        }
    }

    /// Reads what there is, at most `buffer` full; 0 at the end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|source| self.failed(source)),
            }
        }
    }

    /// Reads to the end of a line, at most `limit` bytes, into `line`, which it replaces; nothing at
    /// the end.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<()> {
        line.clear();
        let read = (&mut self.reader).take(limit as u64).read_until(b'\n', line);
        read.map(drop).map_err(|source| self.failed(source))
    }

    /// How many bytes it has, where that is known.
    pub(crate) fn len(&self) -> Option<u64> {
        self.len
    }

    /// Whether somebody is typing it.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    fn file(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|source| failed("open", path, source))?;
        if metadata.is_dir() {
            return Err(failed("read", path, io::ErrorKind::IsADirectory.into()));
        }
        let len = metadata.is_file().then_some(metadata.len());
        // The buffer is for lines: what is larger is read past it.
        let reader = Box::new(BufReader::with_capacity(64 << 10, file));
        Ok(Self { reader, path: path.to_owned(), len, terminal: false })
    }

    fn stdin() -> Self {
        let stdin = io::stdin();
        let terminal = stdin.is_terminal();
        Self { reader: Box::new(stdin.lock()), path: "stdin".into(), len: None, terminal }
    }

    fn failed(&self, source: io::Error) -> Failure {
        failed("read", &self.path, source)
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::File { what, path: path.to_owned(), source }
}
