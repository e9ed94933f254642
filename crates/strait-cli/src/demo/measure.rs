//! The parent's part: move the file, verify, and take the times.

use super::{
    latency::Latency,
    link::Link,
    mechanism::{Ends, Outlet},
};
use crate::failure::{Failure, Result};
use sha2::{Digest, Sha256};
use std::{
    env, fs, io,
    path::Path,
    time::{Duration, Instant},
};

/// What is moved: the contents of a file.
pub(super) struct Cargo {
    bytes: Vec<u8>,
    hash: String,
}

/// What came of a mechanism.
pub(super) struct Measured {
    /// Whether the other process received what was sent.
    pub(super) verified: bool,
    /// Bytes a second; none for an empty file.
    pub(super) rate: Option<f64>,
    pub(super) latency: Latency,
}

/// What the parent can ask of the child. Each ends with an empty message.
pub(super) mod request {
    /// Receive, and say the hash of it.
    pub(crate) const HASH: &str = "hash";
    /// Receive, look at each byte, and send an empty message back.
    pub(crate) const DRAIN: &str = "drain";
    /// Send each message back.
    pub(crate) const ECHO: &str = "echo";
}

impl Cargo {
    /// Reads the file; this program, where there is none.
    pub(super) fn load(path: Option<&Path>) -> Result<Self> {
        let this = env::current_exe().unwrap_or_default();
        let path = path.unwrap_or(&this);
        let read = || match fs::metadata(path)?.is_file() {
            true => fs::read(path),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")),
        };
        let failed = |source| Failure::File { what: "read", path: path.to_owned(), source };
        let bytes = read().map_err(failed)?;
        let hash = in_hexadecimal(Sha256::new_with_prefix(&bytes));
        Ok(Self { bytes, hash })
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn send(&self, outlet: &mut dyn Outlet) -> Result<()> {
        self.bytes.chunks(outlet.chunk_len()).try_for_each(|chunk| outlet.send(chunk))
    }
}

/// Moves `cargo` and takes the times.
pub(super) fn measure(cargo: &Cargo, ends: &mut Ends, link: &mut Link) -> Result<Measured> {
    let verified = verify(cargo, ends, link)?;
    let rate = rate(cargo, ends, link)?;
    link.say(request::ECHO)?;
    let latency = Latency::measure(ends, &link.lifeline())?;
    Ok(Measured { verified, rate, latency })
}

/// The hash as text.
pub(super) fn in_hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn verify(cargo: &Cargo, ends: &mut Ends, link: &mut Link) -> Result<bool> {
    link.say(request::HASH)?;
    cargo.send(&mut *ends.outlet)?;
    ends.outlet.send(&[])?;
    Ok(link.hear()? == cargo.hash)
}

/// Sends the file again and again, as often as makes a time that can be measured.
fn rate(cargo: &Cargo, ends: &mut Ends, link: &mut Link) -> Result<Option<f64>> {
    const ENOUGH: Duration = Duration::from_millis(100);
    let mut times: u32 = 1;
    while cargo.len() > 0 {
        let took = drain(cargo, times, ends, link)?;
        if took >= ENOUGH || times >= 1 << 20 {
            return Ok(Some(cargo.len() as f64 * f64::from(times) / took.as_secs_f64()));
        }
        let wanted = f64::from(times) * ENOUGH.as_secs_f64() / took.as_secs_f64();
        times = (wanted * 1.5).ceil() as u32;
    }
    Ok(None)
}

fn drain(cargo: &Cargo, times: u32, ends: &mut Ends, link: &mut Link) -> Result<Duration> {
    link.say(request::DRAIN)?;
    let lifeline = link.lifeline();
    let begin = Instant::now();
    for _ in 0..times {
        lifeline.check()?;
        cargo.send(&mut *ends.outlet)?;
    }
    ends.outlet.send(&[])?;
    ends.inlet.receive(&mut |_| {})?;
    Ok(begin.elapsed())
}
