//! What can be handed to another process: ends of pipes, memory, ends of channels.

use crate::{
    memory::SharedMemory,
    pipe::{PipeReader, PipeWriter},
};
use std::fmt;
use strait_core::{Backend, Capability, Error, ErrorKind, Result, Transfer};

/// What can be handed over to another process, which then has it in place of this one.
///
/// It becomes a [`Parcel`] here and is made of it there.
///
/// ```
/// use std::io::{Read, Write};
/// use strait::{Endpoint, PipeReader};
///
/// let (reader, mut writer) = strait::pipe()?;
/// let parcel = reader.into_parcel()?;
/// writer.write_all(b"still there")?;
/// drop(writer);
///
/// let mut text = String::new();
/// PipeReader::from_parcel(parcel)?.read_to_string(&mut text)?;
/// assert_eq!(text, "still there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Endpoint<B: Backend>: Sized {
    /// What a parcel with it says that it has.
    const KIND: EndpointKind;

    /// Packs it up. What was received and not read yet goes with it.
    ///
    /// # Errors
    ///
    /// With any of them it is closed, and the peer learns of the end as where it is dropped. Memory and
    /// ends of channels need no more handles to be packed up.
    ///
    /// `InvalidInput` where it is one that can't be handed over; `Unsupported`; `Os` where there are no
    /// more handles.
    fn into_parcel(self) -> Result<Parcel<B>>;

    /// Unpacks what another process, which may be hostile, has packed up.
    ///
    /// # Errors
    ///
    /// `TypeMismatch` where it is something else; `Foreign` where another library than strait has packed
    /// it; `PeerCorrupt` where it could hurt or contradicts itself; `VersionMismatch`; `Os`; `OutOfMemory`
    /// where there is no place to map its memory.
    fn from_parcel(parcel: Parcel<B>) -> Result<Self>;
}

/// What a [`Parcel`] has in it: a number that stays the same between versions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EndpointKind(u32);

impl EndpointKind {
    /// A handle of anything.
    pub const HANDLE: Self = Self(1);
    /// The end of a pipe that is read from.
    pub const PIPE_READER: Self = Self(2);
    /// The end of a pipe that is written to.
    pub const PIPE_WRITER: Self = Self(3);
    /// Anonymous shared memory.
    pub const SHARED_MEMORY: Self = Self(4);
    /// The sending end of a channel of bytes.
    pub const BYTE_SENDER: Self = Self(5);
    /// The receiving end of a channel of bytes.
    pub const BYTE_RECEIVER: Self = Self(6);
    /// A connection of bytes.
    pub const LOCAL_STREAM: Self = Self(7);
    /// A connection of messages.
    pub const LOCAL_DATAGRAM: Self = Self(8);

    /// Both pipes of a [`Duplex`](crate::generic::Duplex).
    pub const DUPLEX: Self = Self(9);

    /// The kind with this number, whether or not this version knows it.
    pub const fn from_u32(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn to_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Display for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::HANDLE => "a handle",
            Self::PIPE_READER => "the reading end of a pipe",
            Self::PIPE_WRITER => "the writing end of a pipe",
            Self::SHARED_MEMORY => "shared memory",
            Self::BYTE_SENDER => "the sending end of a channel of bytes",
            Self::BYTE_RECEIVER => "the receiving end of a channel of bytes",
            Self::LOCAL_STREAM => "a local stream",
            Self::LOCAL_DATAGRAM => "a connection of datagrams",
            Self::DUPLEX => "the ends of two pipes",
            Self(other) => return write!(f, "something of the unknown kind {other}"),
        })
    }
}

impl fmt::Debug for EndpointKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointKind({}, {self})", self.0)
    }
}

/// An [`Endpoint`] on its way to another process.
pub struct Parcel<B: Backend> {
    /// What it has in it.
    pub kind: EndpointKind,
    /// What the endpoint knows that its handles don't say.
    pub state: Vec<u8>,
    /// The handles that it is made of.
    pub handles: Vec<B::Handle>,
}

impl<B: Backend> Parcel<B> {
    /// What is in it, where it is of this kind.
    ///
    /// # Errors
    ///
    /// `TypeMismatch`, with both kinds.
    pub fn open(self, expected: EndpointKind) -> Result<(Vec<u8>, Vec<B::Handle>)> {
        if self.kind == expected {
            return Ok((self.state, self.handles));
        }
        let why = format!("it is {} and not {expected}", self.kind);
        Err(Error::new(ErrorKind::TypeMismatch, UNPACK, why))
    }

    /// A parcel of one handle and nothing else.
    pub(crate) fn of(kind: EndpointKind, handle: B::Handle) -> Self {
        Self { kind, state: Vec::new(), handles: vec![handle] }
    }

    /// The handle of such a parcel.
    pub(crate) fn only_handle(self, expected: EndpointKind) -> Result<B::Handle> {
        let (state, handles) = self.open(expected)?;
        let [handle] = exactly(handles)?;
        match state.is_empty() {
            true => Ok(handle),
            false => Err(corrupt("it says more than such an endpoint has to say")),
        }
    }
}

impl<B: Backend> fmt::Debug for Parcel<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel")
            .field("kind", &self.kind)
            .field("state", &self.state.len())
            .field("handles", &self.handles)
            .finish()
    }
}

/// As many handles as there have to be.
pub(crate) fn exactly<H, const N: usize>(handles: Vec<H>) -> Result<[H; N]> {
    let came = handles.len();
    handles.try_into().map_err(|_| corrupt(format!("it has {came} handles and not {N}")))
}

pub(crate) fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::PeerCorrupt, UNPACK, why)
}

/// Refuses where nothing can be handed over.
pub(crate) fn require<B: Backend>() -> Result<()> {
    B::CAPABILITIES.require(Capability::HandlePassing, PACK)
}

pub(crate) const PACK: &str = "hand over an endpoint";
pub(crate) const UNPACK: &str = "take over an endpoint";

impl<B: Backend> Endpoint<B> for PipeReader<B> {
    const KIND: EndpointKind = EndpointKind::PIPE_READER;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        Ok(Parcel::of(Self::KIND, self.backend().to_handle()?))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        Ok(Self::from_backend(B::Reader::from_handle(parcel.only_handle(Self::KIND)?)?))
    }
}

impl<B: Backend> Endpoint<B> for PipeWriter<B> {
    const KIND: EndpointKind = EndpointKind::PIPE_WRITER;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        Ok(Parcel::of(Self::KIND, self.backend().to_handle()?))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        Ok(Self::from_backend(B::Writer::from_handle(parcel.only_handle(Self::KIND)?)?))
    }
}

/// Only memory without a name: what has one is opened by it.
impl<B: Backend> Endpoint<B> for SharedMemory<B> {
    const KIND: EndpointKind = EndpointKind::SHARED_MEMORY;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        Ok(Parcel::of(Self::KIND, self.into_segment().into_handle()?))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        Self::of_peer(B::Segment::from_handle(parcel.only_handle(Self::KIND)?)?, UNPACK)
    }
}

/// A handle of anything, as it is.
#[derive(Debug)]
pub struct Handle<B: Backend>(B::Handle);

impl<B: Backend> Handle<B> {
    /// The backend's own handle.
    pub fn backend(&self) -> &B::Handle {
        &self.0
    }

    /// The backend's own handle.
    pub fn into_backend(self) -> B::Handle {
        self.0
    }

    /// That of a backend's own handle.
    pub fn from_backend(handle: B::Handle) -> Self {
        Self(handle)
    }
}

impl<B: Backend> Endpoint<B> for Handle<B> {
    const KIND: EndpointKind = EndpointKind::HANDLE;

    fn into_parcel(self) -> Result<Parcel<B>> {
        require::<B>()?;
        Ok(Parcel::of(Self::KIND, self.0))
    }

    fn from_parcel(parcel: Parcel<B>) -> Result<Self> {
        parcel.only_handle(Self::KIND).map(Self)
    }
}
