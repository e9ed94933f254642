//! Programs of another processor, started as if they were this machine's: the kernel is told which
//! program emulates them. Since Linux 6.7 each user namespace has a list of its own of these, so nothing
//! has to be changed for others, and no privilege is needed.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::{Stop, foreign, not_set_up};
use crate::cmd::{found, succeeds};

/// Mounts the list of the namespace, adds to it, and goes on as what follows.
const REGISTER: &str = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && \
                        printf %s \"$0\" > /proc/sys/fs/binfmt_misc/register && exec \"$@\"";

/// What the kernel knows the programs of a processor by, and how they are emulated.
pub(super) struct Processor {
    /// By the name that qemu and Debian have for it.
    pub(super) name: &'static str,
    /// As the header of an ELF file has it.
    pub(super) machine: u16,
    pub(super) big_endian: bool,
}

impl Processor {
    /// What to put before a command, so that whatever it starts may be a program of this processor.
    pub(super) fn wrapper(&self) -> Result<Vec<OsString>, Stop> {
        let qemu = format!("qemu-{}-static", self.name);
        let Some(qemu) = found(&qemu) else { return Err(not_set_up(&format!("no {qemu}"))) };
        let line = OsString::from(self.registration(&qemu));
        let namespaces = ["unshare", "--user", "--map-root-user", "--mount"];
        let mut words: Vec<OsString> = namespaces.map(OsString::from).into();
        words.extend(["--propagation=private", "sh", "-c", REGISTER].map(OsString::from));
        words.push(line);
        if succeeds(&mut foreign::under(&words, &Command::new("true"))) {
            return Ok(words);
        }
        let why = "no binfmt_misc of its own in a user namespace (needs Linux 6.7 or later, and \
                   user namespaces permitted: sysctl kernel.apparmor_restrict_unprivileged_userns=0)";
        Err(Stop::Unavailable(why.into()))
    }

    /// Where the processor's libraries are, in the packages of Debian's for cross compilers.
    pub(super) fn libraries(&self) -> String {
        format!("/usr/{}-linux-gnu", self.name)
    }

    pub(super) fn linker(&self) -> String {
        format!("{}-linux-gnu-gcc", self.name)
    }

    /// The line for `/proc/sys/fs/binfmt_misc/register`: programs with this header, masked so, are started
    /// by the emulator, which is opened now.
    fn registration(&self, qemu: &Path) -> String {
        let mut line = format!(":qemu-{}:M::", self.name);
        escaped(&mut line, &self.header());
        line.push(':');
        escaped(&mut line, &self.mask());
        let _ = write!(line, ":{}:F", qemu.display());
        line
    }

    /// The first bytes of a 64-bit program.
    fn header(&self) -> [u8; 20] {
        let mut header = [0; 20];
        header[..4].copy_from_slice(b"\x7fELF");
        header[4] = 2;
        header[5] = if self.big_endian { 2 } else { 1 };
        header[6] = 1;
        header[16..18].copy_from_slice(&self.half(2));
        header[18..].copy_from_slice(&self.half(self.machine));
        header
    }

    /// Which bits of these count. Programs are of type 2, or 3 where they can lie anywhere; which system
    /// they are for, of those like Linux, says nothing.
    fn mask(&self) -> [u8; 20] {
        let mut mask = [0xff; 20];
        mask[7] = 0;
        mask[16..18].copy_from_slice(&self.half(0xfffe));
        mask
    }

    fn half(&self, value: u16) -> [u8; 2] {
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

fn escaped(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(line, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_header() {
        let arm = Processor { name: "aarch64", machine: 183, big_endian: false };
        let line = arm.registration(Path::new("/usr/bin/qemu-aarch64-static"));
        let rest = line.strip_prefix(":qemu-aarch64:M::").expect("a name");
        let (header, rest) = rest.split_once(':').expect("a header");
        let (mask, rest) = rest.split_once(':').expect("a mask");
        assert_eq!(header.len(), 4 * 20);
        assert!(header.starts_with(r"\x7f\x45\x4c\x46\x02\x01\x01\x00"), "{header}");
        assert!(header.ends_with(r"\x02\x00\xb7\x00"), "{header}");
        assert!(mask.ends_with(r"\xfe\xff\xff\xff"), "{mask}");
        assert_eq!(rest, "/usr/bin/qemu-aarch64-static:F");
    }

    #[test]
    fn big_endian_headers_have_their_high_bytes_first() {
        let mainframe = Processor { name: "s390x", machine: 22, big_endian: true };
        assert_eq!(&mainframe.header()[4..7], [2, 2, 1]);
        assert_eq!(&mainframe.header()[16..], [0, 2, 0, 22]);
        assert_eq!(&mainframe.mask()[16..], [0xff, 0xfe, 0xff, 0xff]);
    }
}
