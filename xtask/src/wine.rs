//! Wine: Windows programs on this machine, in a prefix that is the build's own.
//!
//! `cargo xtask wine-run PROGRAM …` runs one; the leg `windows` has cargo start tests so.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::cmd::{Result, found, succeeds, target_dir};

/// Which prefix, for those that find out themselves.
pub(crate) const PREFIX: &str = "WINEPREFIX";

/// The compiler for Windows programs, of Debian's package gcc-mingw-w64-x86-64.
pub(crate) const COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// What Rust's standard library takes its random numbers from, and Wine has from version 9 on.
const RANDOM_NUMBERS: &str = "
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T len)
{
    for (; len > 0x10000000; data += 0x10000000, len -= 0x10000000)
        if (!RtlGenRandom(data, 0x10000000)) return FALSE;
    return RtlGenRandom(data, (ULONG)len);
}
";

/// An installed Wine, and the prefix that it works in.
pub(crate) struct Wine {
    loader: PathBuf,
    server: PathBuf,
    prefix: PathBuf,
}

impl Wine {
    /// The Wine of this machine; none where it isn't installed.
    pub(crate) fn installed() -> Option<Self> {
        let prefix = env::var_os(PREFIX).map_or_else(|| target_dir().join("wine"), PathBuf::from);
        let loader = any_of(&["wine64", "wine"])?;
        Some(Self { loader, server: any_of(&["wineserver64", "wineserver"])?, prefix })
    }

    /// Where its files are.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Makes the prefix where it isn't there, and starts what the programs in it need.
    pub(crate) fn start(&self) -> Result {
        if !self.prefix.join("system.reg").is_file() {
            self.make_prefix()?;
        }
        self.add_random_numbers()?;
        self.start_server()
    }

    /// Ends everything that runs in the prefix.
    pub(crate) fn stop(&self) {
        succeeds(self.command(&self.server).arg("-k"));
    }

    /// A program of Wine's, or one that it runs, told all but its arguments.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env(PREFIX, &self.prefix)
            .env("WINEDEBUG", "-all")
            // Nothing that opens windows, asks to install something, or writes to the desktop.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe,winedbg.exe=d")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    fn make_prefix(&self) -> Result {
        let made = fs::create_dir_all(&self.prefix);
        made.map_err(|error| format!("{}: {error}", self.prefix.display()))?;
        if !succeeds(self.command(&self.loader).args(["wineboot", "-i"])) {
            return Err(format!("wineboot can't make {}", self.prefix.display()));
        }
        // Until all of it is written.
        succeeds(self.command(&self.server).arg("-w"));
        succeeds(self.command(&self.loader).args(["winecfg", "-v", "win10"]));
        Ok(())
    }

    fn add_random_numbers(&self) -> Result {
        let library = self.prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        if fs::metadata(&library).is_ok_and(|file| file.len() > 0) {
            return Ok(());
        }
        let source = self.prefix.join("random_numbers.c");
        let written = fs::write(&source, RANDOM_NUMBERS);
        written.map_err(|error| format!("{}: {error}", source.display()))?;
        let mut compiler = Command::new(COMPILER);
        compiler.args(["-shared", "-O2", "-o"]).arg(&library).arg(&source).arg("-ladvapi32");
        if succeeds(&mut compiler) {
            return Ok(());
        }
        Err(format!("{COMPILER} can't build {}", library.display()))
    }

    /// Starts the server, and the services with the first program, so that none of them gets hold of the
    /// pipes of a test: whoever reads these would wait until the services end.
    fn start_server(&self) -> Result {
        if succeeds(self.command(&self.server).arg("-k0")) {
            return Ok(());
        }
        succeeds(self.command(&self.server).arg("-p60"));
        if succeeds(self.command(&self.loader).args(["cmd", "/c", "exit"])) {
            return Ok(());
        }
        Err(format!("Wine can't start a program in {}", self.prefix.display()))
    }
}

/// `cargo xtask wine-run`: runs a program as a Windows one, and ends as it does.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    match try_run(words) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(words: &[OsString]) -> Result<ExitCode> {
    let wine = Wine::installed().ok_or("Wine is not installed (cargo xtask setup)")?;
    wine.start()?;
    let mut program = wine.command(&wine.loader);
    let status = program.args(words).stdin(Stdio::inherit()).status();
    let status = status.map_err(|error| format!("can't start Wine: {error}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The first of these that is there: Debian doesn't put all of Wine where commands are looked for.
fn any_of(names: &[&str]) -> Option<PathBuf> {
    const ALSO: &str = "/usr/lib/wine";
    let also = |name: &&str| Some(Path::new(ALSO).join(name)).filter(|path| path.is_file());
    names.iter().find_map(|name| found(name)).or_else(|| names.iter().find_map(also))
}
