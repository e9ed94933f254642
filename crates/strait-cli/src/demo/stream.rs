//! Streams of bytes through the kernel: pipes and sockets.

use super::{
    link::Link,
    mechanism::{Ends, Inlet, Mechanism, Outlet, Side},
};
use crate::failure::{Failure, Result};
use std::{
    io::{self, BufReader, Read, Write},
    time::Duration,
};
use strait::{Duplex, LocalListener, LocalStream, NamedPipe};

/// A pipe each way, which the sides find by their names.
pub(super) struct Pipe;

impl Mechanism for Pipe {
    fn title(&self) -> &'static str {
        "pipe"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let (from, to) = match side {
            Side::Parent => ("to-parent", "to-child"),
            Side::Child => ("to-child", "to-parent"),
        };
        let pipe = NamedPipe::create(format!("{name}/{from}"))?;
        let reader = pipe.reader()?;
        let writer = NamedPipe::open_writer_timeout(format!("{name}/{to}"), PATIENCE)?;
        // The names aren't needed any more when both have met.
        link.say("open")?;
        link.hear()?;
        Ok(ends(reader, writer))
    }
}

/// Two pipes, which one side makes and hands over.
pub(super) struct TwoPipes;

impl Mechanism for TwoPipes {
    fn title(&self) -> &'static str {
        "duplex"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let end = match side {
            Side::Parent => {
                let listener = Duplex::bind(name)?;
                link.say("bound")?;
                listener.accept_timeout(PATIENCE)?
            }
            Side::Child => {
                link.hear()?;
                Duplex::connect_timeout(name, PATIENCE)?
            }
        };
        let (reader, writer) = end.split();
        Ok(ends(reader, writer))
    }
}

/// A socket, which the child connects to the parent's.
pub(super) struct Socket;

impl Mechanism for Socket {
    fn title(&self) -> &'static str {
        "socket"
    }

    fn join(&self, side: Side, name: &str, link: &mut Link) -> Result<Ends> {
        let name = format!("{name}/socket");
        let stream = match side {
            Side::Parent => {
                let listener = LocalListener::bind(name)?;
                link.say("listening")?;
                link.hear()?;
                listener.accept_timeout(PATIENCE)?
            }
            Side::Child => {
                link.hear()?;
                let stream = LocalStream::connect(name)?;
                link.say("connected")?;
                stream
            }
        };
        Ok(ends(stream.try_clone()?, stream))
    }
}

/// How long the other side may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ends of a mechanism that moves bytes without boundaries: the length goes before each message.
fn ends(reader: impl Read + 'static, writer: impl Write + 'static) -> Ends {
    let reader = BufReader::with_capacity(CHUNK, reader);
    let inlet = Incoming { reader, message: Vec::with_capacity(CHUNK) };
    let outlet = Outgoing { writer, message: Vec::with_capacity(CHUNK) };
    Ends { outlet: Box::new(outlet), inlet: Box::new(inlet) }
}

/// As much as a pipe holds, with the length before it.
const CHUNK: usize = 64 << 10;

struct Outgoing<W> {
    writer: W,
    message: Vec<u8>,
}

impl<W: Write> Outlet for Outgoing<W> {
    fn chunk_len(&self) -> usize {
        CHUNK - size_of::<u32>()
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.message.clear();
        self.message.extend_from_slice(&(message.len() as u32).to_ne_bytes());
        self.message.extend_from_slice(message);
        self.writer
            .write_all(&self.message)
            .map_err(|source| failed("write to the other process", source))
    }
}

struct Incoming<R> {
    reader: BufReader<R>,
    message: Vec<u8>,
}

impl<R: Read> Inlet for Incoming<R> {
    fn receive(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<()> {
        let failed = |source| failed("read from the other process", source);
        let mut len = [0; size_of::<u32>()];
        self.reader.read_exact(&mut len).map_err(failed)?;
        // What the other process says is never longer than a chunk.
        self.message.resize((u32::from_ne_bytes(len) as usize).min(CHUNK), 0);
        self.reader.read_exact(&mut self.message).map_err(failed)?;
        look(&self.message);
        Ok(())
    }
}

fn failed(what: &'static str, source: io::Error) -> Failure {
    Failure::System { what, source }
}
